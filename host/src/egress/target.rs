//! Where a request goes: origin, path segments and query, canonical or refused.
//!
//! Rule: an URL has one spelling or is refused. Reason: the policy and the dialer must read the same host,
//! and the policy and the vendor the same path. Attack: `http://0x7f.1/`, `https://user@host`, `/a/%2e%2e/b`,
//! `/teams%2f1`, which one side reads differently from the other.

use percent::decode;
use std::fmt;
use std::net::Ipv4Addr;
use url::Host;

/// Scheme, exact host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// `https`, else `http`.
    pub https: bool,
    /// Lower-case name, or an address (an IPv6 one in brackets).
    pub host: String,
    /// 1 to 65,535.
    pub port: u16,
}

impl Origin {
    /// Reads `scheme://host[:port]`, with an optional trailing slash and nothing more.
    ///
    /// # Errors
    /// What is wrong, as half a sentence.
    pub fn parse(text: &str) -> Result<Origin, String> {
        let target = Target::parse(text)?;
        let beyond = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest);
        match beyond {
            Some(rest) if !rest.is_empty() => Err(format!("has a path (/{rest}); give only https://host[:port]")),
            _ if text.contains(['?', '#']) => Err("has a query or a fragment; give only https://host[:port]".into()),
            _ => Ok(target.origin),
        }
    }

    /// `host:port`, always with the port.
    pub fn host_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.https { ("https", 443) } else { ("http", 80) };
        match self.port == default {
            true => write!(f, "{scheme}://{}", self.host),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// A canonical request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to.
    pub origin: Origin,
    /// The path as the guest wrote it, beginning with `/`.
    pub path: String,
    /// Its segments, percent-decoded, each once.
    pub segments: Vec<Vec<u8>>,
    /// Without the `?`.
    pub query: Option<String>,
}

impl Target {
    /// Reads an absolute http or https URL.
    ///
    /// # Errors
    /// Why it is refused, as half a sentence.
    pub fn parse(text: &str) -> Result<Target, String> {
        let (scheme, rest) = text.split_once("://").ok_or("is no URL (https://host)")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, after) = rest.split_at(end);
        let after = after.split('#').next().unwrap_or_default();
        let (path, query) = match after.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (after, None),
        };
        Self::of(scheme, authority, path, query)
    }

    /// The same from an URL's parts.
    ///
    /// # Errors
    /// See [`Target::parse`].
    pub fn of(scheme: &str, authority: &str, path: &str, query: Option<&str>) -> Result<Target, String> {
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(format!("has the scheme {scheme:?}; only https and http are spoken")),
        };
        if authority.contains('@') {
            return Err("carries a user name before the host; write it without".to_owned());
        }
        let origin = Self::origin(https, authority)?;
        let path = if path.is_empty() { "/" } else { path };
        let segments = path.split('/').skip(1).map(segment).collect::<Result<_, _>>()?;
        Ok(Target { origin, path: path.to_owned(), segments, query: query.map(str::to_owned) })
    }

    fn origin(https: bool, authority: &str) -> Result<Origin, String> {
        let default = if https { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
                let port = port.parse::<u16>().ok().filter(|p| digits && *p > 0);
                (host, port.ok_or("has a port that is no number from 1 to 65535")?)
            }
            _ => (authority, default),
        };
        if host.is_empty() {
            return Err("has no host".to_owned());
        }
        // Four plain numbers, without zeros in front, are the one spelling of an IPv4 address that is taken: it is canonical.
        if host.parse::<Ipv4Addr>().is_ok() {
            return Ok(Origin { https, host: host.to_owned(), port });
        }
        let lower = host.to_ascii_lowercase();
        let canonical = match Host::parse(host) {
            Ok(Host::Domain(name)) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => name,
            Ok(Host::Domain(_)) => return Err("has a host that no server can have".to_owned()),
            Ok(Host::Ipv4(ip)) => ip.to_string(),
            Ok(Host::Ipv6(ip)) => format!("[{ip}]"),
            Err(_) => return Err("has a host that no server can have".to_owned()),
        };
        // An IDN is the one host whose canonical spelling may differ from the one given.
        if canonical != lower && host.is_ascii() {
            return Err(format!("spells the host {canonical} in an odd way ({host})"));
        }
        if canonical.ends_with('.') {
            return Err("has a host that ends with a dot; write it without".to_owned());
        }
        Ok(Origin { https, host: canonical, port })
    }
}

/// One segment, decoded once; refused where a server could read more than one segment in it.
fn segment(raw: &str) -> Result<Vec<u8>, String> {
    let decoded = decode(raw).ok_or_else(|| format!("has a broken percent sign in {raw:?}"))?;
    if decoded.iter().any(|b| matches!(b, b'/' | b'\\')) {
        return Err(format!("has an encoded slash or a backslash in {raw:?}"));
    }
    // What follows a semicolon are parameters to some servers (Tomcat, Jetty, Spring): `..;` is `..` there.
    let before = decoded.split(|b| *b == b';').next().unwrap_or_default();
    if before == b"." || before == b".." {
        return Err(format!("has a dot segment ({raw})"));
    }
    // A server that decodes twice, or that takes an overlong UTF-8 for the character it spells.
    let twice = percent::lenient(&decoded);
    let before = twice.split(|b| *b == b';').next().unwrap_or_default();
    let again = twice.iter().any(|b| matches!(b, b'/' | b'\\') || *b < 0x20) || before == b"." || before == b"..";
    if again || std::str::from_utf8(&decoded).is_err() {
        return Err(format!("has a segment that servers read in different ways ({raw})"));
    }
    if decoded.iter().any(|b| *b < 0x20 || *b == 0x7f) {
        return Err(format!("has a control character in {raw:?}"));
    }
    Ok(decoded)
}

/// Percent-decoding that refuses what is broken instead of guessing.
mod percent {
    pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
                other => other,
            });
        }
        Some(out)
    }

    /// The same as servers do it that keep what is broken.
    pub(super) fn lenient(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            let sequence = match (first, after) {
                (b'%', [a, b, tail @ ..]) => hex(*a).zip(hex(*b)).map(|(a, b)| (a << 4 | b, tail)),
                _ => None,
            };
            let (byte, tail) = sequence.unwrap_or((*first, after));
            out.push(byte);
            rest = tail;
        }
        out
    }

    fn hex(digit: u8) -> Option<u8> {
        char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_canonical() {
        let table = [
            ("https://App.Chatwoot.com", "https://app.chatwoot.com"),
            ("https://app.chatwoot.com/", "https://app.chatwoot.com"),
            ("https://app.chatwoot.com:443", "https://app.chatwoot.com"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
            ("https://bücher.test", "https://xn--bcher-kva.test"),
        ];
        for (given, canonical) in table {
            assert_eq!(Origin::parse(given).map(|o| o.to_string()).as_deref(), Ok(canonical), "{given}");
        }
    }

    #[test]
    fn origins_that_are_more_or_less_than_an_origin_are_refused() {
        let table = [
            ("app.chatwoot.com", "no URL"),
            ("ftp://a.test", "scheme"),
            ("https://ann@a.test", "user name"),
            ("https://ann:pw@a.test", "user name"),
            ("https://a.test/app", "has a path"),
            ("https://a.test?x=1", "query"),
            ("https://", "no host"),
            ("https://a.test:0", "port"),
            ("https://a.test:99999", "port"),
            ("https://a.test:+80", "port"),
            ("https://a.test.", "ends with a dot"),
            ("https://a b.test", "host that no server can have"),
            ("https://*.a.test", "host that no server can have"),
        ];
        for (given, expected) in table {
            let error = Origin::parse(given).expect_err(given);
            assert!(error.contains(expected), "{given}: {error}");
        }
    }

    #[test]
    fn odd_spellings_of_addresses_are_refused() {
        for host in ["0x7f.0.0.1", "2130706433", "0177.0.0.1", "127.1", "%31%32%37.0.0.1", "[::ffff:7f00:0001]"] {
            assert!(Target::parse(&format!("http://{host}/")).is_err(), "{host}");
        }
    }

    #[test]
    fn paths_that_two_readers_could_read_differently_are_refused() {
        for path in [
            "/a/../b",
            "/a/%2e%2e/b",
            "/a/%2E/b",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a%",
            "/a%zz",
            "/a%0ab",
            "/..;/b",
            "/..;x=1/b",
            "/..%3bx/b",
            "/%252e%252e/b",
            "/a%252fb",
            "/%c0%ae%c0%ae/b",
            "/%252f%25",
            "/%252e%252e;a",
            "/a%c0%afb",
        ] {
            assert!(Target::parse(&format!("https://a.test{path}")).is_err(), "{path}");
        }
        let good = Target::parse("https://a.test/a/b%20c?x=/../y").expect("good");
        assert_eq!(good.segments, [b"a".to_vec(), b"b c".to_vec()]);
        assert_eq!(good.query.as_deref(), Some("x=/../y"));
    }
}
