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

/// Denied when a guest sets them.
const RESERVED: [&str; 16] = [
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
];
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
        if REPLACED.contains(&name.as_str()) || owned {
            continue;
        }
        if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
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

/// The headers a guest gets to see, and how many of them held a secret that is masked now.
pub fn incoming(vendor: &HeaderMap, masker: &Masker) -> (HeaderMap, u64) {
    let mut out = HeaderMap::with_capacity(vendor.len());
    let mut found = 0;
    for (name, value) in vendor {
        if HIDDEN.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "set-cookie2") {
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
        for name in RESERVED.into_iter().chain(["proxy-anything"]) {
            assert_eq!(send(name).expect_err(name).label, "header");
        }
        for name in REPLACED {
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
        let (seen, found) = incoming(&vendor, &Masker::new(&[Secret::new("s3cret".into())]));
        assert_eq!(found, 1);
        assert!(seen.get("set-cookie").is_none());
        assert_eq!(seen.get("x-echo").map(HeaderValue::as_bytes), Some(b"token ***!".as_slice()));
        assert_eq!(seen.get("retry-after").map(HeaderValue::as_bytes), Some(b"7".as_slice()));
    }
}
