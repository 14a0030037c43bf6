//! The host's cookie jar: one a run, per origin, in memory.
//!
//! Rule: a guest neither sees nor sets a cookie; the jar keeps the vendor's for all instances of the run. Reason: a
//! session cookie is a credential. Attack: a connector that carries the session elsewhere, or a vendor's cookie
//! for `Domain=com`: here a cookie goes back to the very origin that set it, whatever its `Domain` says.
//! Deliberately absent: `Secure` and `SameSite`, which say nothing where a cookie never leaves its origin.

use super::target::Origin;
use crate::settings::Secret;
use cookie::Cookie;
use http::{HeaderMap, HeaderValue, header};
use std::collections::HashMap;

/// Bytes of one `Set-Cookie`; RFC 6265 asks for no more.
const COOKIE_BYTES: usize = 4096;
/// Cookies of an origin; the oldest goes first. RFC 6265 asks for 50.
const COOKIES: usize = 64;
/// A cookie that scripts may not read and that is this long is a session, and masked like a secret. Shorter or
/// open ones are words like `en` or `true`, and masking them would falsify what the vendor says.
const SESSION_BYTES: usize = 16;

struct Kept {
    name: String,
    value: Secret,
    path: String,
    http_only: bool,
    /// Seconds since 1970.
    expires: Option<i64>,
}

/// Cookies by origin.
#[derive(Default)]
pub struct Jar(HashMap<Origin, Vec<Kept>>);

impl Jar {
    /// Takes the cookies of an answer. `path` is the request's, `now` seconds since 1970. Whether a session
    /// cookie is new: then what is masked has to be made anew.
    pub fn take(&mut self, origin: &Origin, path: &str, answer: &HeaderMap, now: i64) -> bool {
        let mut session = false;
        for line in answer.get_all(header::SET_COOKIE) {
            let parsed = line.to_str().ok().filter(|l| l.len() <= COOKIE_BYTES).map(Cookie::parse);
            let Some(Ok(cookie)) = parsed else { continue };
            let expires = match (cookie.max_age(), cookie.expires_datetime()) {
                (Some(age), _) => Some(now.saturating_add(age.whole_seconds())),
                (None, date) => date.map(|d| d.unix_timestamp()),
            };
            let kept = Kept {
                name: cookie.name().to_owned(),
                value: Secret::new(cookie.value().to_owned()),
                path: cookie.path().filter(|p| p.starts_with('/')).map_or_else(|| default_path(path), str::to_owned),
                http_only: cookie.http_only().unwrap_or(false),
                expires,
            };
            let cookies = self.0.entry(origin.clone()).or_default();
            let before = cookies.iter().position(|c| c.name == kept.name && c.path == kept.path);
            let same = before.and_then(|at| cookies.get(at)).is_some_and(|c| c.value == kept.value);
            if let Some(at) = before {
                cookies.remove(at);
            }
            if kept.expires.is_some_and(|e| e <= now) {
                continue;
            }
            session |= !same && kept.is_session();
            if cookies.len() >= COOKIES {
                cookies.remove(0);
            }
            cookies.push(kept);
        }
        session
    }

    /// The `Cookie` field for a request, the longest path first (RFC 6265, 5.4).
    pub fn field(&self, origin: &Origin, path: &str, now: i64) -> Option<HeaderValue> {
        let mut fitting: Vec<&Kept> = self.0.get(origin)?.iter().filter(|c| c.fits(path, now)).collect();
        fitting.sort_by_key(|c| std::cmp::Reverse(c.path.len()));
        let pairs: Vec<String> = fitting.iter().map(|c| format!("{}={}", c.name, c.value.expose())).collect();
        let mut field = HeaderValue::from_str(&pairs.join("; ")).ok().filter(|f| !f.is_empty())?;
        field.set_sensitive(true);
        Some(field)
    }

    /// The values of sessions.
    pub fn sessions(&self) -> impl Iterator<Item = &Secret> {
        self.0.values().flatten().filter(|c| c.is_session()).map(|c| &c.value)
    }
}

impl Kept {
    fn is_session(&self) -> bool {
        self.http_only && self.value.expose().len() >= SESSION_BYTES
    }

    fn fits(&self, path: &str, now: i64) -> bool {
        let below = path.strip_prefix(self.path.as_str());
        self.expires.is_none_or(|e| e > now)
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'))
    }
}

/// RFC 6265, 5.1.4: the folder of the request's path.
fn default_path(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder.to_owned(),
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).expect(text)
    }

    fn jar(lines: &[&str]) -> Jar {
        let mut jar = Jar::default();
        take(&mut jar, lines);
        jar
    }

    fn take(jar: &mut Jar, lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(line).expect(line));
        }
        jar.take(&origin("https://a.test"), "/users/sign_in", &headers, 1_000_000)
    }

    fn sent(jar: &Jar, url: &str, path: &str, now: i64) -> Option<String> {
        jar.field(&origin(url), path, now).map(|f| f.to_str().expect("text").to_owned())
    }

    #[test]
    fn a_cookie_goes_back_to_the_origin_that_set_it_and_nowhere_else() {
        let jar = jar(&["sid=1; Domain=test; Path=/; Secure"]);
        assert_eq!(sent(&jar, "https://a.test", "/x", 0).as_deref(), Some("sid=1"));
        for elsewhere in
            ["https://b.test", "https://sub.a.test", "http://a.test", "https://a.test:8443", "https://test"]
        {
            assert_eq!(sent(&jar, elsewhere, "/x", 0), None, "{elsewhere}");
        }
    }

    #[test]
    fn paths_and_ends_are_kept() {
        let jar = jar(&[
            "a=1; Path=/app",
            "b=2",
            "c=3; Max-Age=60; Path=/",
            "d=4; Max-Age=0; Path=/",
            "e=5; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]);
        let at = 1_000_000;
        assert_eq!(sent(&jar, "https://a.test", "/app/x", at).as_deref(), Some("a=1; c=3"));
        assert_eq!(sent(&jar, "https://a.test", "/apple", at).as_deref(), Some("c=3"));
        assert_eq!(sent(&jar, "https://a.test", "/users/edit", at).as_deref(), Some("b=2; c=3"));
        assert_eq!(sent(&jar, "https://a.test", "/apple", at + 60), None);
    }

    #[test]
    fn a_cookie_of_the_same_name_replaces_the_one_before() {
        let mut jar = jar(&["sid=old; Path=/"]);
        take(&mut jar, &["sid=new; Path=/"]);
        assert_eq!(sent(&jar, "https://a.test", "/", 0).as_deref(), Some("sid=new"));
        take(&mut jar, &["sid=; Path=/; Max-Age=0"]);
        assert_eq!(sent(&jar, "https://a.test", "/", 0), None);
    }

    #[test]
    fn sessions_are_known_and_words_are_not() {
        let mut jar = Jar::default();
        assert!(take(&mut jar, &["sid=0123456789abcdef; HttpOnly"]));
        assert!(!take(&mut jar, &["sid=0123456789abcdef; HttpOnly"]), "known already");
        assert!(!take(&mut jar, &["zone=America/New_York_", "lang=en; HttpOnly"]));
        let sessions: Vec<&str> = jar.sessions().map(Secret::expose).collect();
        assert_eq!(sessions, ["0123456789abcdef"]);
    }

    #[test]
    fn a_jar_has_a_bottom() {
        let lines: Vec<String> = (0..200).map(|n| format!("c{n}=1; Path=/")).collect();
        let jar = jar(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let sent = sent(&jar, "https://a.test", "/", 0).expect("cookies");
        assert_eq!(sent.split("; ").count(), COOKIES);
        assert!(!take(&mut Jar::default(), &[&format!("big={}; HttpOnly", "x".repeat(5000))]));
    }
}
