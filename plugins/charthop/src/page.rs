//! Pages of a list: the envelope, and the cursor that travels from task to task. Pure.

use muster_sdk::Failure;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A page. Other keys (`access`, `totalRow`) are not read.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) data: Vec<Box<RawValue>>,
    #[serde(default)]
    next: Option<Next>,
}

/// The cursor of the next page: a bare id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Next {
    Text(String),
    Number(u64),
}

impl Page {
    /// The cursor of the next page; none on the last one.
    pub(crate) fn next(&self) -> Option<String> {
        match self.next.as_ref()? {
            Next::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Next::Number(number) => Some(number.to_string()),
        }
    }
}

/// Where a walk through a list is.
///
/// A cursor that comes again would make the walk endless, and one task knows only its own payload. So it carries one
/// earlier cursor with it, renewed on the pages 1, 2, 4, 8 …: a walk that goes in circles of whatever length meets it
/// again (Brent, "An improved Monte Carlo factorization algorithm", 1980).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Cursor {
    /// The number of the page, from 1.
    pub(crate) page: u64,
    /// Where it begins; none on the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// The earlier cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<String>,
}

impl Cursor {
    /// The first page.
    pub(crate) fn first() -> Self {
        Cursor { page: 1, from: None, earlier: None }
    }

    /// The page after this one; none where `next` is none.
    ///
    /// # Errors
    /// The cursor was there before.
    pub(crate) fn after(&self, next: Option<String>, list: &str) -> Result<Option<Cursor>, Failure> {
        let Some(next) = next else { return Ok(None) };
        if [&self.from, &self.earlier].contains(&&Some(next.clone())) {
            return Err(Failure::Unexpected(format!(
                "ChartHop repeats a cursor on page {} of its list of {list}: the list would never end; sync again, and \
                 tell ChartHop's support if it stays so",
                self.page
            )));
        }
        let page = self.page.saturating_add(1);
        let earlier = if page.is_power_of_two() { Some(next.clone()) } else { self.earlier.clone() };
        Ok(Some(Cursor { page, from: Some(next), earlier }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Walks until the cursor repeats; the answer is how many pages were read.
    fn walk(cursor_of: impl Fn(u64) -> Option<String>) -> Option<u64> {
        let mut cursor = Cursor::first();
        for read in 1..10_000 {
            match cursor.after(cursor_of(read), "things") {
                Err(Failure::Unexpected(text)) => {
                    assert!(text.contains("repeats a cursor"), "{text}");
                    return Some(read);
                }
                Err(other) => panic!("{other:?}"),
                Ok(None) => return None,
                Ok(Some(next)) => cursor = next,
            }
        }
        panic!("no end was found");
    }

    #[test]
    fn a_circle_of_any_length_is_noticed_wherever_it_begins() {
        for before in 0..20 {
            for length in 1..20 {
                let read = walk(|n| Some((if n <= before { n + 1_000 } else { (n - before) % length }).to_string()));
                let read = read.unwrap();
                assert!(read <= 4 * (before + length), "{before} pages, then {length} in a circle: {read}");
            }
        }
    }

    #[test]
    fn a_long_list_without_a_circle_is_read_to_its_end() {
        assert_eq!(walk(|n| (n < 5_000).then(|| n.to_string())), None);
    }

    #[test]
    fn the_cursor_that_was_just_used_is_noticed_at_once() {
        let second = Cursor::first().after(Some("a".into()), "things").unwrap().unwrap();
        let third = second.after(Some("b".into()), "things").unwrap().unwrap();
        let fourth = third.after(Some("c".into()), "things").unwrap().unwrap();
        assert!(fourth.after(Some("c".into()), "things").is_err());
    }

    #[test]
    fn a_next_that_is_absent_null_or_empty_is_the_end() {
        for (json, expected) in [
            (r#"{"data":[]}"#, None),
            (r#"{"data":[],"next":null}"#, None),
            (r#"{"data":[],"next":""}"#, None),
            (r#"{"data":[{}],"next":"588f","access":[1],"totalRow":{"a":1}}"#, Some("588f")),
            (r#"{"data":[],"next":588}"#, Some("588")),
        ] {
            let page: Page = serde_json::from_str(json).unwrap();
            assert_eq!(page.next().as_deref(), expected, "{json}");
        }
        assert!(serde_json::from_str::<Page>("{}").is_err(), "an answer without data is no empty list");
    }
}
