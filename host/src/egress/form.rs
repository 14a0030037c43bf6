//! Secrets as fields of a form that is posted. Pure.
//!
//! Rule: only a POST to the very path, url-encoded, without a query, and only a few times. Reason: a password is
//! worth more than a token, and vendors lock accounts out. Attack: a connector that posts the form to try
//! passwords, that names the field a second time in the hope that the server reads its own (parameter pollution),
//! or that lets the query speak for the body.

use super::policy::{Denial, Segment, matches};
use super::target::{Origin, Target};
use crate::settings::{Secret, Settings};
use crate::template::{Part, Template};
use http::{HeaderMap, Method, header};
use std::collections::BTreeMap;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Bytes of a form as the guest made it.
const FORM_BYTES: usize = 64 * 1024;
/// Uses of a form in a check: the login, and one more try at the next one-time code, with room for one.
const CHECK_USES: u32 = 3;
/// Uses of a form in a run: its first check, and a few checks in its middle.
const RUN_USES: u32 = 10;

/// A form whose secrets the host fills in.
#[derive(Clone)]
pub struct Form {
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) path: Vec<Segment>,
    pub(super) fields: Vec<(String, Template)>,
}

impl Form {
    /// Whether the request posts this form.
    pub fn is_posted(&self, method: &Method, target: &Target) -> bool {
        method == Method::POST && target.origin == self.origin && matches(&self.path, &target.segments)
    }

    /// Whether the request may carry the secrets.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn judge(&self, target: &Target, headers: &HeaderMap, body: &[u8]) -> Result<(), Denial> {
        let broken = |why: &str| {
            let shown = crate::text::shorten(&target.path, 200);
            Denial::firm("form", format!("the connector posted the form {}{shown} {why}", self.origin))
        };
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let urlencoded = types.next().is_some_and(|t| {
            let essence = t.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        });
        if !urlencoded || types.next().is_some() || headers.contains_key(header::CONTENT_ENCODING) {
            return Err(broken("as something else than application/x-www-form-urlencoded"));
        }
        if target.query.is_some() {
            return Err(broken("with a query"));
        }
        if body.len() > FORM_BYTES {
            return Err(broken(&format!("with more than {FORM_BYTES} bytes")));
        }
        Ok(())
    }

    /// The secrets whose one-time codes it needs.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().flat_map(|(_, t)| t.parts()).filter_map(|p| match p {
            Part::Totp(name) => Some(name.as_str()),
            Part::Text(_) | Part::Setting(_) => None,
        })
    }

    /// The body to send: the guest's fields but for those the credential owns, then these. A field one of whose
    /// settings has no value is left out.
    pub fn body(&self, guest: &[u8], settings: &Settings, codes: &BTreeMap<String, Secret>) -> Zeroizing<Vec<u8>> {
        let filled: Vec<(&str, Secret)> = self
            .fields
            .iter()
            .filter_map(|(name, t)| Some((name.as_str(), settings.fill_with(t, |n| codes.get(n))?)))
            .collect();
        // A byte becomes three at most: made in its final size, so that no copy is left behind unwiped.
        let room = filled.iter().map(|(n, v)| 3 * (n.len() + v.expose().len()) + 2).sum::<usize>() + 3 * guest.len();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
        for (name, value) in form_urlencoded::parse(guest) {
            if !self.fields.iter().any(|(owned, _)| is_same(owned, &name)) {
                form.append_pair(&name, &value);
            }
        }
        for (name, value) in &filled {
            form.append_pair(name, value.expose());
        }
        Zeroizing::new(form.finish().into_bytes())
    }
}

/// Whether some server reads `given` as the field `owned`: case, leading blanks, what follows a NUL, and an
/// index in brackets are read differently.
pub(super) fn is_same(owned: &str, given: &str) -> bool {
    let given = given.trim_start().split('\0').next().unwrap_or_default();
    match given.get(..owned.len()) {
        Some(beginning) if beginning.eq_ignore_ascii_case(owned) => {
            given.get(owned.len()..).is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with('['))
        }
        _ => false,
    }
}

/// How often each form was used.
#[derive(Debug, Default)]
pub struct Uses(BTreeMap<String, (u32, u32)>);

impl Uses {
    /// A check begins.
    pub fn begin_check(&mut self) {
        self.0.values_mut().for_each(|(check, _)| *check = 0);
    }

    /// Counts one more use.
    ///
    /// # Errors
    /// There were enough.
    pub fn take(&mut self, form: &Form) -> Result<(), Denial> {
        let (check, run) = self.0.entry(form.id.clone()).or_default();
        if *check >= CHECK_USES || *run >= RUN_USES {
            let sentence = format!(
                "the connector posted the form of the credential {} more than {CHECK_USES} times in a check or {RUN_USES} \
                 times in a run; the vendor might lock the account",
                form.id
            );
            return Err(Denial::firm("form-uses", sentence));
        }
        *check += 1;
        *run += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn form() -> Form {
        let template = |t: &str| Template::parse(t).expect(t);
        Form {
            id: "login".into(),
            origin: Origin::parse("https://a.test").expect("origin"),
            path: vec![Segment::Exactly(b"users".to_vec()), Segment::Exactly(b"sign_in".to_vec())],
            fields: vec![
                ("user[password]".into(), template("{password}")),
                ("code".into(), template("{totp:seed}")),
                ("absent".into(), template("{nothing}")),
            ],
        }
    }

    fn body(guest: &str) -> String {
        let mut settings = Settings::default();
        settings.secrets.insert("password".into(), Secret::new("p&w=é".into()));
        let codes = BTreeMap::from([("seed".to_owned(), Secret::new("123456".into()))]);
        String::from_utf8(form().body(guest.as_bytes(), &settings, &codes).to_vec()).expect("text")
    }

    const OWN: &str = "user%5Bpassword%5D=p%26w%3D%C3%A9&code=123456";

    #[test]
    fn secrets_are_appended_to_what_the_guest_wrote() {
        assert_eq!(
            body("authenticity_token=a%2Bb&user[email]=x"),
            format!("authenticity_token=a%2Bb&user%5Bemail%5D=x&{OWN}")
        );
        assert_eq!(body(""), OWN);
    }

    #[test]
    fn a_field_that_a_credential_owns_is_replaced_in_every_spelling() {
        let table = [
            "user[password]=mine",
            "user%5Bpassword%5D=mine",
            "user[password]=a&user[password]=b",
            "USER[Password]=mine",
            "+user[password]=mine",
            "user[password]%00x=mine",
            "user[password][]=mine",
            "code[x]=mine",
            "absent=mine",
            "%63ode=mine",
        ];
        for guest in table {
            assert_eq!(body(guest), OWN, "{guest}");
        }
        // Another separator is no separator.
        assert_eq!(body("a=1;code=2"), format!("a=1%3Bcode%3D2&{OWN}"));
        assert_eq!(body("codex=1"), format!("codex=1&{OWN}"));
    }

    #[test]
    fn only_a_form_is_a_form() {
        let judge = |url: &str, kind: Option<&'static str>, bytes: usize| {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            form().judge(&Target::parse(url).expect(url), &headers, &vec![b'a'; bytes]).map_err(|d| d.label)
        };
        let (url, kind) = ("https://a.test/users/sign_in", Some("application/x-www-form-urlencoded; charset=utf-8"));
        assert_eq!(judge(url, kind, 10), Ok(()));
        assert_eq!(judge(url, kind, FORM_BYTES + 1), Err("form"));
        assert_eq!(judge(url, Some("application/json"), 10), Err("form"));
        assert_eq!(judge(url, None, 10), Err("form"));
        assert_eq!(judge("https://a.test/users/sign_in?code=1", kind, 10), Err("form"));
    }

    #[test]
    fn only_a_post_to_the_very_path_posts_it() {
        let table = [
            (Method::POST, "https://a.test/users/sign_in", true),
            (Method::POST, "https://a.test/users/sign%5Fin", true),
            (Method::GET, "https://a.test/users/sign_in", false),
            (Method::POST, "https://a.test/users/sign_in/", false),
            (Method::POST, "https://a.test/users", false),
            (Method::POST, "https://b.test/users/sign_in", false),
            (Method::POST, "http://a.test/users/sign_in", false),
        ];
        for (method, url, expected) in table {
            assert_eq!(form().is_posted(&method, &Target::parse(url).expect(url)), expected, "{method} {url}");
        }
    }

    #[test]
    fn a_form_is_used_three_times_a_check_and_ten_times_a_run() {
        let mut uses = Uses::default();
        let mut taken = 0;
        for _ in 0..5 {
            uses.begin_check();
            let this_check = (0..5).filter(|_| uses.take(&form()).is_ok()).count();
            assert!(this_check <= 3);
            taken += this_check;
        }
        assert_eq!(taken, 10);
    }
}
