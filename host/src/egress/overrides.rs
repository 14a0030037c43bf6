//! Requests that ask to be read as another method. Pure.
//!
//! Rule: a POST is a POST. Reason: frameworks let a form say that it means something else (Rack, Laravel, Symfony: a
//! field or a parameter `_method`). Attack: a connector that posts `_method=delete` on a route that only reads.

use http::{HeaderMap, header};
use url::form_urlencoded;

/// What frameworks call the field.
const FIELD: &str = "_method";

/// Whether a query or a body names another method.
pub fn names_another_method(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> bool {
    let named = |text: &[u8]| {
        text.split(|b| matches!(b, b'&' | b';'))
            .any(|pair| form_urlencoded::parse(pair).next().is_some_and(|(name, _)| is_field(&name)))
    };
    query.is_some_and(|q| named(q.as_bytes())) || (reads_as_form(headers) && named(body)) || in_parts(headers, body)
}

fn is_field(name: &str) -> bool {
    let name = name.trim_start().split(['\0', '[']).next().unwrap_or_default();
    name.trim_end().eq_ignore_ascii_case(FIELD)
}

fn media(headers: &HeaderMap) -> String {
    let text = |v: &http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).to_ascii_lowercase();
    headers.get_all(header::CONTENT_TYPE).iter().map(text).collect::<Vec<_>>().join(",")
}

/// A body without a type counts as a form: Rack reads it as one.
fn reads_as_form(headers: &HeaderMap) -> bool {
    let media = media(headers);
    media.is_empty() || media.contains("urlencoded")
}

fn in_parts(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = || String::from_utf8_lossy(body).to_ascii_lowercase();
    media(headers).contains("multipart") && text().contains(FIELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn named(query: Option<&str>, kind: &'static str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        names_another_method(query, &headers, body.as_bytes())
    }

    #[test]
    fn another_method_is_seen_wherever_a_framework_looks_for_it() {
        let form = "application/x-www-form-urlencoded";
        let table = [
            (Some("a=1&_method=delete"), "", ""),
            (Some("%5Fmethod=delete"), "", ""),
            (Some("a=1;_method=delete"), "", ""),
            (Some("_METHOD[]=delete"), "", ""),
            (None, form, "a=1&_method=delete"),
            (None, "", "_method=delete"),
            (
                None,
                "multipart/form-data; boundary=x",
                "--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE",
            ),
        ];
        for (query, kind, body) in table {
            assert!(named(query, kind, body), "{query:?} {kind} {body}");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        assert!(!named(Some("method=get&x_method=1"), "", ""));
        assert!(!named(None, "application/json", "{\"_method\":\"delete\"}"));
        assert!(!named(None, "application/x-www-form-urlencoded", "a=_method"));
    }
}
