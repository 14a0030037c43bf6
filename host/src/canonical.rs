//! Whether a JSON object is written as the store writes it: sorted keys, no spaces, no escapes. Pure.
//!
//! Most profiles are: then nothing has to be parsed into a tree and written again. Whatever this is not sure of is not
//! canonical; the long way decides.

/// Deeper than this goes the long way, which has a bound of its own.
const DEPTH: usize = 16;

/// Whether the text is an object that the long way would give back as it is.
pub fn is_canonical_object(text: &str) -> bool {
    let mut scan = Scan(text.as_bytes());
    scan.object(DEPTH) && scan.0.is_empty()
}

struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    fn peek(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        self.0.strip_prefix(word).is_some_and(|rest| {
            self.0 = rest;
            true
        })
    }

    /// A text without anything that is or could be escaped; what stands between the quotes.
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(b"\"")?;
        let end = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
        let (text, rest) = rest.split_at_checked(end)?;
        self.0 = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// A whole number as it is written; others have more than one spelling.
    fn number(&mut self) -> bool {
        let minus = self.eat(b'-');
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let zero = self.peek() == b'0';
        let Some((_, rest)) = self.0.split_at_checked(digits) else { return false };
        self.0 = rest;
        let alone = !matches!(self.peek(), b'.' | b'e' | b'E');
        alone && digits > 0 && (!zero || (digits == 1 && !minus))
    }

    fn value(&mut self, depth: usize) -> bool {
        match self.peek() {
            b'"' => self.text().is_some(),
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> bool {
        if depth == 0 || !self.eat(b'{') {
            return false;
        }
        if self.eat(b'}') {
            return true;
        }
        let mut last: Option<&[u8]> = None;
        loop {
            let Some(key) = self.text() else { return false };
            // Equal is twice, of which one would be lost.
            if last.is_some_and(|last| last >= key) || !self.eat(b':') || !self.value(depth - 1) {
                return false;
            }
            last = Some(key);
            if !self.eat(b',') {
                return self.eat(b'}');
            }
        }
    }

    fn list(&mut self, depth: usize) -> bool {
        if depth == 0 || !self.eat(b'[') {
            return false;
        }
        if self.eat(b']') {
            return true;
        }
        loop {
            if !self.value(depth - 1) {
                return false;
            }
            if !self.eat(b',') {
                return self.eat(b']');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};

    fn the_long_way(text: &str) -> Option<String> {
        let value: Map<String, Value> = serde_json::from_str(text).ok()?;
        serde_json::to_string(&value).ok()
    }

    #[test]
    fn what_is_canonical_is_given_back_as_it_is() {
        let table = [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":"ä€😀","b":null,"c":true,"d":false}"#,
            r#"{"a":[],"b":[1,"x",{}],"c":{"d":{"e":-12}},"d":0,"e":12345678901234567890123}"#,
            "{\"\":1,\"a\":\"\u{7f}\u{2028}\"}",
        ];
        for text in table {
            assert!(is_canonical_object(text), "{text}");
            assert_eq!(the_long_way(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn whatever_the_long_way_refuses_or_writes_otherwise_is_not() {
        let deep = format!("{}{}", "{\"a\":".repeat(40), "1".to_owned() + &"}".repeat(40));
        let table = [
            "",
            "[]",
            "1",
            "{",
            "}",
            "{}x",
            "{} ",
            " {}",
            "{ }",
            r#"{"a" :1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1,}"#,
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"a":"\n"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":01}"#,
            r#"{"a":-0}"#,
            r#"{"a":-}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e5}"#,
            r#"{"a":1E5}"#,
            r#"{"a":+1}"#,
            r#"{"a":nul}"#,
            r#"{"a":truee}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":[1 ,2]}"#,
            r#"{"a"}"#,
            r#"{"a":{"c":1,"b":2}}"#,
            r#"{a:1}"#,
            r#"{"a":'x'}"#,
            "{\"a\":1",
            &deep,
        ];
        for text in table {
            assert!(!is_canonical_object(text), "{text}");
        }
    }

    /// Every text of a few characters that decide.
    #[test]
    fn it_never_says_yes_where_the_long_way_says_otherwise() {
        let parts = ["{", "}", "\"a\"", "\"b\"", ":", ",", "1", "-0", "[", "]", "0.5", " ", "null"];
        let mut said_yes = 0;
        let mut texts = vec![String::new()];
        for _ in 0..6 {
            texts = texts.iter().flat_map(|t| parts.iter().map(move |p| format!("{t}{p}"))).collect();
            texts.retain(|t| t.starts_with('{'));
            for text in texts.iter().filter(|t| is_canonical_object(t)) {
                said_yes += 1;
                assert_eq!(the_long_way(text).as_deref(), Some(text.as_str()));
            }
        }
        assert!(said_yes > 10, "{said_yes}");
    }
}
