//! A text of a plan that is kept once, however many entries have it: plans of a hundred thousand people name a few hundred
//! departments, titles and managers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A text; a copy of it costs next to nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Word {
        Word(text.into())
    }
}

impl From<String> for Word {
    fn from(text: String) -> Word {
        Word(text.into())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
        String::deserialize(deserializer).map(Word::from)
    }
}

/// The words of a plan that is being made.
#[derive(Debug, Default)]
pub(super) struct Shared<'a>(RefCell<HashMap<&'a str, Word>>);

impl<'a> Shared<'a> {
    /// The one word of a text.
    pub(super) fn word(&self, text: &'a str) -> Word {
        self.0.borrow_mut().entry(text).or_insert_with(|| Word::from(text)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_word_and_are_written_as_texts() {
        let shared = Shared::default();
        let (one, same, other) = (shared.word("Ops"), shared.word("Ops"), shared.word("Sales"));
        assert!(Arc::ptr_eq(&one.0, &same.0) && one != other);
        let text = serde_json::to_string(&[Some(one.clone()), None]).expect("JSON");
        assert_eq!(text, r#"["Ops",null]"#);
        assert_eq!(serde_json::from_str::<Vec<Option<Word>>>(&text).expect("words"), [Some(one), None]);
        assert_eq!(format!("{other} {other:?}"), "Sales \"Sales\"");
    }
}
