//! Known secrets are masked in everything that comes back.
//!
//! Rule: what a vendor sends back reaches the guest, the logs and the store only after every known secret is
//! replaced. Reason: vendors echo: Chatwoot's profile holds the very token that was sent. Attack: a
//! connector that asks an echo endpoint for the credential it is never given.
//! The forms are a closed list: raw, percent-encoded (upper and lower case, space as `+`), JSON- (also as Rails and
//! PHP write it) and HTML-escaped, base64 in its three alignments (standard and URL-safe alphabet). A vendor that encodes a
//! secret in another way defeats masking: this is depth, not the boundary.

use crate::settings::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use std::fmt::Write as _;

/// What stands where a secret stood.
pub const MASK: &str = "***";
/// Secrets shorter than this many bytes are not masked: they would hit everywhere and protect nothing.
const SHORTEST: usize = 4;

/// Finds and replaces secrets.
#[derive(Clone, Default)]
pub struct Masker {
    needles: Vec<Finder<'static>>,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masker({} forms)", self.needles.len())
    }
}

impl Masker {
    /// A masker for these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Masker {
        let mut forms: Vec<Vec<u8>> = secrets
            .into_iter()
            .map(Secret::expose)
            .filter(|s| s.len() >= SHORTEST)
            .flat_map(forms)
            .filter(|f| f.len() >= SHORTEST)
            .collect();
        // The longest first, so that a form that contains another is replaced whole.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Masker { needles: forms.iter().map(|f| Finder::new(f).into_owned()).collect() }
    }

    /// Whether any secret stands in the bytes.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.needles.iter().any(|n| n.find(bytes).is_some())
    }

    /// The bytes with every secret replaced; `None` where nothing had to change.
    pub fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out: Option<Vec<u8>> = None;
        for needle in &self.needles {
            let text = out.as_deref().unwrap_or(bytes);
            let mut at = 0;
            let mut next: Option<Vec<u8>> = None;
            for hit in needle.find_iter(text) {
                let next = next.get_or_insert_with(Vec::new);
                next.extend_from_slice(text.get(at..hit).unwrap_or_default());
                next.extend_from_slice(MASK.as_bytes());
                at = hit + needle.needle().len();
            }
            if let Some(mut next) = next {
                next.extend_from_slice(text.get(at..).unwrap_or_default());
                out = Some(next);
            }
        }
        out
    }

    /// The text with every secret replaced.
    pub fn text(&self, text: &str) -> String {
        match self.bytes(text.as_bytes()) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => text.to_owned(),
        }
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut out = vec![
        secret.as_bytes().to_vec(),
        percent(secret, false, false).into_bytes(),
        percent(secret, true, false).into_bytes(),
        percent(secret, false, true).into_bytes(),
        percent(secret, true, true).into_bytes(),
        html(secret).into_bytes(),
    ];
    if let Ok(json) = serde_json::to_string(secret) {
        let json = json.strip_prefix('"').and_then(|j| j.strip_suffix('"')).unwrap_or_default();
        // Rails and Go also escape what HTML knows, PHP the slash, many everything beyond ASCII.
        let safe = json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
        for form in [json, &safe] {
            for form in [form.to_owned(), ascii(form, false), ascii(form, true)] {
                out.push(form.replace('/', "\\/").into_bytes());
                out.push(form.into_bytes());
            }
        }
    }
    for skip in 0..3usize {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            out.push(base64_inside(secret.as_bytes(), skip, engine));
        }
    }
    out
}

/// The characters that base64 of `.. secret ..` is certain to hold when `skip` bytes (mod 3) come before it.
fn base64_inside(secret: &[u8], skip: usize, engine: &base64::engine::GeneralPurpose) -> Vec<u8> {
    let mut padded = vec![0u8; skip];
    padded.extend_from_slice(secret);
    let text = engine.encode(&padded);
    // Characters touched by what comes before and after are not certain: leave them out.
    let from = (skip * 8).div_ceil(6);
    let upto = padded.len() * 8 / 6;
    text.as_bytes().get(from..upto).unwrap_or_default().to_vec()
}

/// What is beyond ASCII as `\\uXXXX`, as JSON writes it.
fn ascii(text: &str, upper: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
        }
    }
    out
}

fn percent(text: &str, lower: bool, plus: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let _ = match byte {
            b' ' if plus => write!(out, "+"),
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => write!(out, "{}", char::from(b)),
            b if lower => write!(out, "%{b:02x}"),
            b => write!(out, "%{b:02X}"),
        };
    }
    out
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    const SECRET: &str = "p/s w\"d<+é42";

    fn masker() -> Masker {
        Masker::new(&[Secret::new(SECRET.to_owned())])
    }

    #[test]
    fn every_form_of_the_list_is_masked() {
        let table = [
            SECRET.to_owned(),
            percent(SECRET, false, false),
            percent(SECRET, true, false),
            percent(SECRET, false, true),
            serde_json::to_string(SECRET).expect("json"),
            r#"p/s w\"d\u003c+é42"#.to_owned(),
            r#"p\/s w\"d\u003c+\u00e942"#.to_owned(),
            r#"p/s w\"d<+\u00E942"#.to_owned(),
            html(SECRET),
        ];
        for form in table {
            let echo = format!("before {form} after {form}");
            let masked = masker().text(&echo);
            assert!(!masked.contains(form.trim_matches('"')), "{form}: {masked}");
            assert!(masked.starts_with("before ") && masked.contains("after"), "{masked}");
        }
    }

    #[test]
    fn base64_is_masked_in_every_alignment() {
        for before in ["", "a", "ab", "abc"] {
            for engine in [&STANDARD, &URL_SAFE] {
                let echo = engine.encode(format!("{before}{SECRET}tail"));
                let masked = masker().text(&echo);
                let left = engine.decode(masked.replace(MASK, "")).unwrap_or_default();
                assert!(masked.contains(MASK), "{echo}");
                assert!(!String::from_utf8_lossy(&left).contains(SECRET), "{echo}");
            }
        }
    }

    #[test]
    fn what_holds_no_secret_is_not_copied() {
        assert_eq!(masker().bytes(b"nothing to see"), None);
        assert!(Masker::new(&[Secret::new("abc".into())]).bytes(b"abc").is_none(), "too short to mask");
    }
}
