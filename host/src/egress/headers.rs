//! Which headers a guest may send and which it gets to see.
//!
//! Rule: framing, addressing, identity and encoding belong to the host. Reason: whoever sets `Host` or
//! `Transfer-Encoding` decides what the server reads. Attack: request smuggling, a forged `Authorization`,
//! a range or an encoding chosen so that a masked secret comes back in pieces.

use super::credentials::Credentials;
use super::decode;
use super::mask::Masker;
use super::policy::Denial;
use super::target::Origin;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What the host sends as `User-Agent`.
pub const USER_AGENT: &str = concat!("muster/", env!("CARGO_PKG_VERSION"));
/// Bytes of all header fields a guest may send in one request.
pub const REQUEST_BYTES: usize = 32 * 1024;

/// Denied when a guest sets them: who we are, where we come from, and what would make a server read another method or
/// path than the one that was judged (Rails, Express and Symfony know the first kind, IIS and proxies the second).
const RESERVED: [&str; 22] = [
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "true-client-ip",
];
/// The same for every name that begins so.
const RESERVED_BEGINNINGS: [&str; 2] = ["proxy-", "x-forwarded-"];
/// Dropped without a word: libraries set them, and the host sets its own.
const REPLACED: [&str; 9] = [
    "host",
    "accept-encoding",
    "content-length",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "range",
    "user-agent",
];
/// Never shown to a guest: hop-by-hop, framing that the host redid, and sessions.
const HIDDEN: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::PROXY_AUTHENTICATE,
    header::SET_COOKIE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The name as a server may read it: CGI and what descends from it take `_` for `-`.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn is_reserved(folded: &str) -> bool {
    RESERVED.contains(&folded) || RESERVED_BEGINNINGS.iter().any(|b| folded.starts_with(b))
}

/// Whether a header is the host's alone, whoever asks for it; `Authorization` is what credentials are for.
pub fn is_the_hosts(name: &str) -> bool {
    let name = folded(name);
    REPLACED.contains(&name.as_str()) || (is_reserved(&name) && name != "authorization")
}

/// The headers to send: the guest's that it may set, and the host's. Credentials are attached later.
///
/// # Errors
/// A denial that names the header.
pub fn outgoing(guest: &HeaderMap, origin: &Origin, credentials: &Credentials) -> Result<HeaderMap, Denial> {
    let mut out = HeaderMap::with_capacity(guest.len() + 4);
    let bytes: usize = guest.iter().map(|(n, v)| n.as_str().len() + v.len()).sum();
    if bytes > REQUEST_BYTES {
        return Err(Denial::firm(
            "headers",
            format!("the connector sent {bytes} bytes of headers, more than {REQUEST_BYTES}"),
        ));
    }
    for (name, value) in guest {
        let owned = credentials.owns(origin, name);
        let read_as = folded(name.as_str());
        if REPLACED.contains(&read_as.as_str()) || owned {
            continue;
        }
        if is_reserved(&read_as) {
            return Err(Denial::firm(
                "header",
                format!("the connector tried to set the header {name}, which belongs to the host"),
            ));
        }
        out.append(name, value.clone());
    }
    out.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(decode::ACCEPT));
    Ok(out)
}

/// The headers a guest gets to see, and how many of them held a secret that is masked now. `names` knows the secrets
/// in lower case, as a header's name would spell them: such a field is dropped.
pub fn incoming(vendor: &HeaderMap, masker: &Masker, names: &Masker) -> (HeaderMap, u64) {
    let mut out = HeaderMap::with_capacity(vendor.len());
    let mut found = 0;
    for (name, value) in vendor {
        if HIDDEN.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "set-cookie2") {
            continue;
        }
        if names.finds(name.as_str().as_bytes()) {
            found += 1;
            continue;
        }
        let value = match masker.bytes(value.as_bytes()) {
            None => value.clone(),
            Some(masked) => {
                found += 1;
                match HeaderValue::from_bytes(&masked) {
                    Ok(value) => value,
                    Err(_) => continue,
                }
            }
        };
        out.append(name, value);
    }
    (out, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;

    fn send(name: &str) -> Result<HeaderMap, Denial> {
        let mut guest = HeaderMap::new();
        guest.insert(HeaderName::from_bytes(name.as_bytes()).expect(name), HeaderValue::from_static("x"));
        let origin = Origin::parse("https://api.demo.test").expect("origin");
        outgoing(&guest, &origin, &Credentials::default())
    }

    #[test]
    fn a_guest_may_not_set_what_belongs_to_the_host() {
        for name in RESERVED.into_iter().chain([
            "proxy-anything",
            "x-forwarded-host",
            "X_HTTP_Method_Override",
            "transfer_encoding",
        ]) {
            assert_eq!(send(name).expect_err(name).label, "header");
        }
        for name in REPLACED.into_iter().chain(["content_length"]) {
            let sent = send(name).expect(name);
            assert!(sent.get(name).is_none_or(|v| v != "x"), "{name}");
        }
        assert!(send("accept").is_ok_and(|h| h.get("accept").is_some_and(|v| v == "x")));
    }

    #[test]
    fn a_guest_sees_no_cookie_and_no_echoed_secret() {
        let mut vendor = HeaderMap::new();
        vendor.insert("set-cookie", HeaderValue::from_static("sid=1"));
        vendor.insert("x-echo", HeaderValue::from_static("token s3cret!"));
        vendor.insert("retry-after", HeaderValue::from_static("7"));
        vendor.insert("x-s3cret", HeaderValue::from_static("1"));
        let masker = Masker::new(&[Secret::new("s3cret".into())]);
        let (seen, found) = incoming(&vendor, &masker, &masker);
        assert_eq!(found, 2);
        assert!(seen.get("x-s3cret").is_none());
        assert!(seen.get("set-cookie").is_none());
        assert_eq!(seen.get("x-echo").map(HeaderValue::as_bytes), Some(b"token ***!".as_slice()));
        assert_eq!(seen.get("retry-after").map(HeaderValue::as_bytes), Some(b"7".as_slice()));
    }
}
