//! Texts of two rosters, each kept once: most people of the one are in the other, and two texts are equal when their
//! numbers are. Two hundred thousand people fit in little memory, and comparing them costs next to nothing.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The number of a text; it means something only together with its [`Texts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text(u32);

impl Text {
    /// Nothing: the empty text.
    pub const NONE: Text = Text(0);

    /// Whether it is nothing.
    pub fn is_none(self) -> bool {
        self == Text::NONE
    }

    /// Itself, or another where it is nothing.
    #[must_use]
    pub fn or(self, other: Text) -> Text {
        if self.is_none() { other } else { self }
    }
}

/// All of them.
#[derive(Debug)]
pub struct Texts {
    bytes: String,
    /// Where each one ends.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts { bytes: String::new(), ends: vec![0], numbers: HashTable::new() }
    }
}

impl Texts {
    /// The number of a text, without the blanks at its ends.
    pub fn add(&mut self, text: &str) -> Text {
        let text = text.trim();
        if text.is_empty() {
            return Text::NONE;
        }
        let Texts { bytes, ends, numbers } = self;
        let hash = xxh3_64(text.as_bytes());
        if let Some(found) = numbers.find(hash, |n| slice(bytes, ends, *n) == text) {
            return Text(*found);
        }
        // Four thousand million different texts would take more memory than the numbers could count.
        let number = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        bytes.push_str(text);
        ends.push(bytes.len());
        numbers.insert_unique(hash, number, |n| xxh3_64(slice(bytes, ends, *n).as_bytes()));
        Text(number)
    }

    /// The number of a text in small letters: what two spellings of one address have in common.
    pub fn add_folded(&mut self, text: &str) -> Text {
        self.add(&folded(text))
    }

    /// The number of a text that was added before.
    pub fn find(&self, text: &str) -> Option<Text> {
        let text = text.trim();
        let found = |n: &u32| slice(&self.bytes, &self.ends, *n) == text;
        self.numbers.find(xxh3_64(text.as_bytes()), found).map(|n| Text(*n))
    }

    /// The text.
    pub fn get(&self, text: Text) -> &str {
        slice(&self.bytes, &self.ends, text.0)
    }

    /// The text as a value of its own; none where it is nothing.
    pub fn owned(&self, text: Text) -> Option<String> {
        (!text.is_none()).then(|| self.get(text).to_owned())
    }

    /// Whether it could be written anywhere: no control characters.
    pub fn is_plain(&self, text: Text) -> bool {
        !self.get(text).chars().any(char::is_control)
    }
}

/// An address without blanks at its ends, in small letters.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn slice<'a>(bytes: &'a str, ends: &[usize], number: u32) -> &'a str {
    let number = number as usize;
    let from = number.checked_sub(1).and_then(|n| ends.get(n)).copied().unwrap_or(0);
    ends.get(number).and_then(|to| bytes.get(from..*to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number() {
        let mut texts = Texts::default();
        let (ann, bob) = (texts.add(" Ann "), texts.add("Bob"));
        assert_eq!((texts.add("Ann"), texts.get(ann), texts.get(bob)), (ann, "Ann", "Bob"));
        assert_ne!(ann, bob);
        assert_eq!((texts.add("  "), texts.get(Text::NONE)), (Text::NONE, ""));
        assert_eq!(texts.add_folded("ANN"), texts.add("ann"));
        assert_eq!((texts.find("Bob "), texts.find("Cleo")), (Some(bob), None));
        assert_eq!((texts.owned(bob), texts.owned(Text::NONE)), (Some("Bob".to_owned()), None));
        let odd = texts.add("a\u{7}b");
        assert!(texts.is_plain(ann) && !texts.is_plain(odd));
        let many: Vec<Text> = (0..2000).map(|n| texts.add(&format!("text {n}"))).collect();
        assert!(many.iter().zip(0..).all(|(text, n)| texts.get(*text) == format!("text {n}")));
    }
}
