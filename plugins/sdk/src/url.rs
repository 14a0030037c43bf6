//! URLs as far as a connector needs them: origins that compare, links that join, text that encodes.

use std::fmt;

/// Scheme, host and port: what a request is allowed by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Host and, where it is not the scheme's own, port: `vendor.com`, `127.0.0.1:3000`.
    pub fn authority(&self) -> String {
        let default = if self.tls { 443 } else { 80 };
        if self.port == default { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

/// An absolute `http` or `https` URL without userinfo and fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    origin: Origin,
    /// Path and query, beginning with `/`.
    target: String,
}

/// Why a text is no URL that a connector can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(&'static str);

impl Url {
    /// Reads an absolute URL. Scheme and host are folded to lower case, a fragment is dropped.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        plain(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(UrlError("it does not begin with https://"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(UrlError("its scheme is neither https nor http")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        Ok(Url { origin: origin(tls, authority)?, target: normal_target(target) })
    }

    /// A link as a vendor writes it in an answer to this URL: absolute, `//host/…`, `/path` or `?query`.
    /// A relative path is refused: no paging API is known to send one, and dot segments are a trap.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        plain(reference)?;
        if let Some(rest) = reference.strip_prefix("//") {
            return Url::parse(&format!("{}://{rest}", self.origin.scheme()));
        }
        let target = match reference.chars().next() {
            Some('/') => normal_target(reference),
            Some('?') => normal_target(&format!("{}{reference}", self.path())),
            _ => return Url::parse(reference),
        };
        Ok(Url { origin: self.origin.clone(), target })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path, still encoded, beginning with `/`.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Path and query.
    pub fn path_and_query(&self) -> &str {
        &self.target
    }

    /// Adds a name and a value to the query; both are encoded.
    pub fn push_query(&mut self, name: &str, value: &str) {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(&encode(name));
        self.target.push('=');
        self.target.push_str(&encode(value));
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.target)
    }
}

/// Percent-encodes a text as one path segment or one query name or value: all but letters, digits and
/// `-._~`. So an id from a vendor cannot add a segment or a parameter.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(nibble), 16).map(|c| c.to_ascii_uppercase()));
            }
        }
    }
    out
}

/// Refuses what URL parsers read differently from each other: a place for disagreement about the host.
fn plain(text: &str) -> Result<(), UrlError> {
    if text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        Ok(())
    } else {
        Err(UrlError("it holds a character that has to be percent-encoded"))
    }
}

/// Drops the fragment and begins with `/`.
fn normal_target(target: &str) -> String {
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    if target.starts_with('/') { target.to_owned() } else { format!("/{target}") }
}

fn origin(tls: bool, authority: &str) -> Result<Origin, UrlError> {
    if authority.contains('@') {
        return Err(UrlError("it holds a user name or password before the host"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or(UrlError("its host is malformed"))?;
            let address: std::net::Ipv6Addr = inside.parse().map_err(|_| UrlError("its host is malformed"))?;
            let port = match after {
                "" => "",
                _ => after.strip_prefix(':').ok_or(UrlError("its host is malformed"))?,
            };
            (format!("[{address}]"), port)
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            if host.is_empty() {
                return Err(UrlError("it has no host"));
            }
            if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
                return Err(UrlError("its host is malformed"));
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    let port = match port {
        "" if tls => 443,
        "" => 80,
        _ if !port.bytes().all(|b| b.is_ascii_digit()) => {
            return Err(UrlError("its port is not a number"));
        }
        _ => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(UrlError("its port is not between 1 and 65535")),
        },
    };
    Ok(Origin { tls, host, port })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn origins_compare_by_scheme_lower_case_host_and_effective_port() {
        let same = |a: &str, b: &str| Url::parse(a).unwrap().origin == Url::parse(b).unwrap().origin;
        assert!(same("https://api.vendor.com/a", "HTTPS://API.Vendor.com:443/b?c"));
        assert!(same("http://api.vendor.com", "http://api.vendor.com:80/"));
        assert!(same("http://[::1]:8080/", "http://[0:0::1]:8080/"));
        assert!(!same("https://api.vendor.com", "http://api.vendor.com"));
        assert!(!same("https://api.vendor.com", "https://api.vendor.com:8443"));
        assert!(!same("https://api.vendor.com", "https://api.vendor.com.attacker.test"));
        assert!(!same("https://api.vendor.com", "https://vendor.com"));
    }

    #[test]
    fn what_parsers_disagree_about_is_refused() {
        for text in [
            "https://api.vendor.com@attacker.test/",
            "https://api.vendor.com\\@attacker.test/",
            "https://api.vendor.com/\\attacker.test/",
            "https://api.vendor.com\t.attacker.test/",
            "https://api.vendor.com:80:90/",
            "https://api.vendor.com:+443/",
            "https://api.vendor.com:0/",
            "https://api.vendor.com:65536/",
            "https://api.vendor.com%2eattacker.test/",
            "https://bücher.test/",
            "https://[::1]x/",
            "https://[::1",
            "https:///path",
            "https://",
            "ftp://api.vendor.com/",
            "api.vendor.com/path",
            "",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?} was taken for a URL");
        }
    }

    #[test]
    fn a_name_before_the_host_is_refused_as_such() {
        let error = Url::parse("https://api.vendor.com@attacker.test/").unwrap_err();
        assert_eq!(error.to_string(), "it holds a user name or password before the host");
    }

    #[test]
    fn a_url_shows_in_canonical_form() {
        let shown = |text: &str| Url::parse(text).unwrap().to_string();
        assert_eq!(shown("HTTPS://Vendor.com:443"), "https://vendor.com/");
        assert_eq!(shown("http://127.0.0.1:3000/a?b#c"), "http://127.0.0.1:3000/a?b");
        assert_eq!(shown("https://vendor.com?a=b"), "https://vendor.com/?a=b");
    }

    #[test]
    fn links_join_to_the_page_they_came_from() {
        let page = Url::parse("https://vendor.com:8443/v1/people?page=1").unwrap();
        let join = |link: &str| page.join(link).unwrap().to_string();
        assert_eq!(join("/v1/people?page=2"), "https://vendor.com:8443/v1/people?page=2");
        assert_eq!(join("?page=2"), "https://vendor.com:8443/v1/people?page=2");
        assert_eq!(join("//other.com/x"), "https://other.com/x");
        assert_eq!(join("http://other.com/x"), "http://other.com/x");
        assert!(page.join("people?page=2").is_err());
        assert!(page.join("../people").is_err());
    }

    #[test]
    fn encoded_text_stays_one_segment_or_value() {
        assert_eq!(encode("a b/c?d&e=f%#+"), "a%20b%2Fc%3Fd%26e%3Df%25%23%2B");
        assert_eq!(encode("Zoë-1_2.3~"), "Zo%C3%AB-1_2.3~");
        let mut url = Url::parse("https://vendor.com/people").unwrap();
        url.push_query("filter", "a&b");
        url.push_query("page", "2");
        assert_eq!(url.path_and_query(), "/people?filter=a%26b&page=2");
        assert_eq!(url.path(), "/people");
    }
}
