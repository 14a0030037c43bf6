//! Known secrets are masked in everything that comes back.
//!
//! Rule: what a vendor sends back reaches the guest, the logs and the store only after every known secret is
//! replaced. Reason: vendors echo: Chatwoot's profile holds the very token that was sent. Attack: a
//! connector that asks an echo endpoint for the credential it is never given.
//! The forms are a closed list: raw, percent-encoded (upper and lower case, space as `+`), JSON- (also as Rails and
//! PHP write it) and HTML-escaped, base64 in its three alignments (standard and URL-safe alphabet); of a user and a
//! password also the pair. A vendor that encodes a secret in another way defeats masking: this is depth, not the
//! boundary.

use crate::settings::Secret;
use aho_corasick::{AhoCorasick, Input, Span, packed};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What stands where a secret stood.
pub const MASK: &str = "***";
/// Secrets shorter than this many bytes are not masked: they would hit everywhere and protect nothing. Also the
/// bytes of each form that the search knows: its tables cannot be wiped, so they hold no more than this.
const SHORTEST: usize = 4;

/// A form of a secret, wiped when dropped.
type Form = Zeroizing<Vec<u8>>;

/// Finds where a form may begin.
enum Beginnings {
    /// Sixteen or thirty-two bytes at once (Teddy): ten times as fast as the automaton on the pages of a vendor.
    Packed(packed::Searcher),
    /// Byte by byte: a processor without such instructions, or very many forms.
    Automaton(AhoCorasick),
    /// Every place is looked at: its tables could not be made, and nothing may pass unmasked.
    Everywhere,
}

impl Beginnings {
    fn of(beginnings: &[[u8; SHORTEST]]) -> Beginnings {
        if let Some(searcher) = packed::Config::new().builder().extend(beginnings).build() {
            return Beginnings::Packed(searcher);
        }
        AhoCorasick::new(beginnings).map_or(Beginnings::Everywhere, Beginnings::Automaton)
    }

    /// The next place at `from` or later: where, and which.
    fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match self {
            Beginnings::Packed(searcher) => searcher.find_in(bytes, Span { start: from, end: bytes.len() }),
            Beginnings::Automaton(automaton) => automaton.find(Input::new(bytes).range(from..)),
            Beginnings::Everywhere => None,
        };
        found.map(|hit| (hit.start(), hit.pattern().as_usize()))
    }
}

struct Forms {
    beginnings: Beginnings,
    /// The forms of each beginning, the longest first: one that contains another is replaced whole.
    groups: Vec<Vec<Form>>,
    longest: usize,
}

/// Finds and replaces secrets. Clones share their forms.
#[derive(Clone, Default)]
pub struct Masker(Option<Arc<Forms>>);

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masker({} forms)", self.forms().count())
    }
}

impl Masker {
    /// A masker for these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Masker {
        let long = secrets.into_iter().map(Secret::expose).filter(|s| s.len() >= SHORTEST);
        Masker::of(long.flat_map(forms).map(Zeroizing::new))
    }

    /// This masker, and one for more secrets.
    #[must_use]
    pub fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) -> Masker {
        let more = Masker::new(secrets);
        match (&self.0, &more.0) {
            (_, None) => self.clone(),
            (None, _) => more,
            _ => Masker::of(self.forms().chain(more.forms()).cloned()),
        }
    }

    fn forms(&self) -> impl Iterator<Item = &Form> {
        self.0.iter().flat_map(|f| f.groups.iter().flatten())
    }

    fn of(forms: impl Iterator<Item = Form>) -> Masker {
        let mut by_beginning: BTreeMap<[u8; SHORTEST], Vec<Form>> = BTreeMap::new();
        for form in forms {
            let Some(beginning) = form.first_chunk::<SHORTEST>().copied() else { continue };
            by_beginning.entry(beginning).or_default().push(form);
        }
        if by_beginning.is_empty() {
            return Masker(None);
        }
        let beginnings = Beginnings::of(&by_beginning.keys().copied().collect::<Vec<_>>());
        let mut groups: Vec<Vec<Form>> = by_beginning.into_values().collect();
        for group in &mut groups {
            group.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.as_slice().cmp(b.as_slice())));
            group.dedup();
        }
        let longest = groups.iter().flatten().map(|f| f.len()).max().unwrap_or(0);
        Masker(Some(Arc::new(Forms { beginnings, groups, longest })))
    }

    /// Whether any secret stands in the bytes.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|f| f.find(bytes, 0, bytes.len()).is_some())
    }

    /// The bytes with every secret replaced; `None` where nothing had to change.
    pub fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.finds(bytes) {
            return None;
        }
        let mut out = bytes.to_vec();
        let mut masking = self.begin();
        masking.finish(&mut out);
        Some(out)
    }

    /// The text with every secret replaced.
    pub fn text(&self, text: &str) -> String {
        match self.bytes(text.as_bytes()) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Begins to mask a body that comes in pieces.
    pub fn begin(&self) -> Masking {
        Masking { forms: self.0.clone(), clean: 0, found: 0 }
    }
}

impl Forms {
    /// The first form that begins at `from` or later and before `before`: its place.
    fn find(&self, bytes: &[u8], from: usize, before: usize) -> Option<(usize, usize)> {
        let form_at = |at: usize, group: &[Form]| {
            let here = bytes.get(at..)?;
            group.iter().find(|f| here.starts_with(f)).map(|f| (at, at + f.len()))
        };
        if matches!(self.beginnings, Beginnings::Everywhere) {
            return (from..before).find_map(|at| self.groups.iter().find_map(|group| form_at(at, group)));
        }
        let mut from = from;
        loop {
            let (at, group) = self.beginnings.find(bytes, from).filter(|(at, _)| *at < before)?;
            if let Some(place) = form_at(at, self.groups.get(group)?) {
                return Some(place);
            }
            from = at + 1;
        }
    }
}

/// A body that grows at its end and is masked as it grows, wherever its pieces are cut.
pub struct Masking {
    forms: Option<Arc<Forms>>,
    /// Bytes at the front that are masked and will not change any more.
    clean: usize,
    /// Secrets replaced so far.
    found: u64,
}

impl Masking {
    /// Masks what was appended, but for an end that could be the beginning of a secret. The caller only ever
    /// appends to `body` between calls.
    pub fn advance(&mut self, body: &mut Vec<u8>) {
        // A form that begins before this place lies wholly in the body.
        let longest = self.forms.as_ref().map_or(1, |f| f.longest);
        self.mask(body, (body.len() + 1).saturating_sub(longest));
    }

    /// Masks the rest: nothing will be appended any more. The answer is how many secrets were replaced.
    pub fn finish(&mut self, body: &mut Vec<u8>) -> u64 {
        self.mask(body, body.len());
        self.found
    }

    fn mask(&mut self, body: &mut Vec<u8>, before: usize) {
        let Some(forms) = &self.forms else { return };
        let Some((start, end)) = forms.find(body, self.clean, before) else {
            self.clean = self.clean.max(before);
            return;
        };
        // From the first secret on the body is written anew: each byte is moved once, however many there are.
        let tail = Zeroizing::new(body.split_off(start));
        let (mut at, before) = (end - start, before - start);
        body.extend_from_slice(MASK.as_bytes());
        self.found += 1;
        while let Some((start, end)) = forms.find(&tail, at, before) {
            body.extend_from_slice(tail.get(at..start).unwrap_or_default());
            body.extend_from_slice(MASK.as_bytes());
            self.found += 1;
            at = end;
        }
        self.clean = body.len() + before.saturating_sub(at);
        body.extend_from_slice(tail.get(at..).unwrap_or_default());
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut out = vec![
        secret.as_bytes().to_vec(),
        percent(secret, false, false).into_bytes(),
        percent(secret, true, false).into_bytes(),
        percent(secret, false, true).into_bytes(),
        percent(secret, true, true).into_bytes(),
        // As JavaScript's `encodeURIComponent` leaves it.
        component(secret).into_bytes(),
        // As queries and forms are written here: `~` is encoded, `*` is not.
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes(),
    ];
    // Templates differ in what they escape beside `&<>`, and in how (Rails, PHP, Python, Go, XML).
    for apostrophe in ["'", "&#39;", "&#039;", "&#x27;", "&apos;"] {
        for quote in ["\"", "&quot;", "&#34;"] {
            for plus in ["+", "&#43;"] {
                out.push(html(secret, apostrophe, quote).replace('+', plus).into_bytes());
            }
        }
    }
    if let Ok(json) = serde_json::to_string(secret) {
        let json = json.strip_prefix('"').and_then(|j| j.strip_suffix('"')).unwrap_or_default();
        // Rails and Go also escape what HTML knows, PHP the slash, many everything beyond ASCII.
        let safe = json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
        let upper = json.replace('&', "\\u0026").replace('<', "\\u003C").replace('>', "\\u003E");
        for form in [json, &safe, &upper] {
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

fn component(text: &str) -> String {
    let kept = [("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*")];
    kept.iter().fold(percent(text, false, false), |text, (from, to)| text.replace(from, to))
}

fn html(text: &str, apostrophe: &str, quote: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', quote).replace('\'', apostrophe)
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
            html(SECRET, "&#39;", "&quot;"),
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

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let whole = format!("a {SECRET}{SECRET} b {} c", percent(SECRET, false, false));
        let masked = masker().text(&whole);
        assert_eq!(masked, "a ****** b *** c");
        for size in 1..=whole.len() {
            let (mut body, mut masking) = (Vec::new(), masker().begin());
            for piece in whole.as_bytes().chunks(size) {
                body.extend_from_slice(piece);
                masking.advance(&mut body);
            }
            assert_eq!(masking.finish(&mut body), 3);
            assert_eq!(String::from_utf8_lossy(&body), masked, "pieces of {size}");
        }
    }

    #[test]
    fn each_way_to_search_finds_the_same() {
        let fast = masker();
        let text = format!("p/s p/s  {SECRET}{SECRET} {}", percent(SECRET, true, true));
        let forms = fast.0.as_ref().expect("forms");
        let beginnings: Vec<[u8; SHORTEST]> =
            forms.groups.iter().filter_map(|g| g.first()?.first_chunk().copied()).collect();
        let automaton = AhoCorasick::new(&beginnings).expect("automaton");
        for slow in [Beginnings::Automaton(automaton), Beginnings::Everywhere] {
            let slow = Forms { beginnings: slow, groups: forms.groups.clone(), longest: forms.longest };
            assert_eq!(Masker(Some(Arc::new(slow))).text(&text), fast.text(&text));
        }
    }

    #[test]
    fn a_form_that_contains_another_is_replaced_whole() {
        let masker = Masker::new(&[Secret::new("abcdef".into()), Secret::new("abcdefgh".into())]);
        assert_eq!(masker.text("abcdefgh abcdef abcde"), "*** *** abcde");
        let more = masker.with(&[Secret::new("ann:abcdefgh".into())]);
        assert_eq!(more.text("ann:abcdefgh"), "***");
    }

    #[test]
    fn a_body_of_nothing_but_secrets_is_masked_in_time() {
        let mut body = "s3cret".repeat(1_000_000).into_bytes();
        let masker = Masker::new(&[Secret::new("s3cret".into())]);
        assert_eq!(masker.begin().finish(&mut body), 1_000_000);
        assert_eq!(body.len(), 3_000_000);
    }
}
