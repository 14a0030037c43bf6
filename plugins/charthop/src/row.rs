//! A row of ChartHop, whatever form it came in. Pure.
//!
//! A row is a projection: its keys are what was asked for, as flat dotted keys (`"name.first"`) or as nested objects.
//! Which of both is not documented, nor is whether a list holds ids or objects with an id, or an empty value is null,
//! an empty text or left out. So every reader here takes all of it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One row. Values are read when they are asked for.
#[derive(Debug)]
pub(crate) struct Row<'a>(Vec<(Key<'a>, &'a RawValue)>);

/// A key, borrowed from the answer where it needs no unescaping.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Row(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl<'a> Row<'a> {
    /// The row that this JSON is; none where it is no object.
    pub(crate) fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// Whether the row has this field at all, be it empty.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.find(path, &|_| true).is_some()
    }

    /// A text, or a number as it is written. None where it is absent, null, blank or something else.
    pub(crate) fn text(&self, path: &str) -> Option<Cow<'a, str>> {
        scalar(self.find(path, &|raw| scalar(raw).is_some())?)
    }

    /// The first of these fields that says something.
    pub(crate) fn first(&self, paths: &[&str]) -> Option<Cow<'a, str>> {
        paths.iter().find_map(|path| self.text(path))
    }

    /// A date as `YYYY-MM-DD`; a time behind it is left out, and so is what is no date.
    pub(crate) fn date(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let text = text.trim();
        let date = text.get(..10).filter(|date| is_date(date))?;
        text.get(10..).is_none_or(|rest| rest.is_empty() || rest.starts_with(['T', ' '])).then(|| date.to_owned())
    }

    /// A list of ids: texts, numbers, or objects with an `id`. None where it is absent or null; sorted, each once.
    ///
    /// # Errors
    /// It is something else: half a sentence. Taken for an empty list, it would look like everybody leaving.
    pub(crate) fn ids(&self, path: &str) -> Result<Option<Vec<String>>, String> {
        let Some(raw) = self.find(path, &|raw| raw.get() != "null") else { return Ok(None) };
        let items: Vec<&RawValue> =
            serde_json::from_str(raw.get()).map_err(|_| format!("{path} is neither a list nor null"))?;
        let id = |item: &&'a RawValue| scalar(item).or_else(|| Row::of(item)?.text("id")).map(Cow::into_owned);
        let mut ids = items.iter().map(id).collect::<Option<Vec<String>>>();
        if let Some(ids) = &mut ids {
            ids.sort_unstable();
            ids.dedup();
        }
        ids.map(Some).ok_or_else(|| format!("{path} holds something that is neither an id nor an object with one"))
    }

    /// The value at a path that `fits`: under the whole path as one key, or through objects, in any mixture of both.
    /// Field codes are compared without regard to case, as ChartHop's own pages write them.
    fn find(&self, path: &str, fits: &dyn Fn(&RawValue) -> bool) -> Option<&'a RawValue> {
        let flat = self.0.iter().find(|(key, raw)| key.0.eq_ignore_ascii_case(path) && fits(raw));
        flat.map(|(_, raw)| *raw).or_else(|| {
            self.0.iter().find_map(|(key, raw)| {
                let (start, rest) = path.split_at_checked(key.0.len())?;
                let rest = rest.strip_prefix('.').filter(|_| start.eq_ignore_ascii_case(&key.0))?;
                Row::of(raw)?.find(rest, fits)
            })
        })
    }
}

/// A text that is not blank, or a number's own digits.
fn scalar(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    match json.as_bytes().first()? {
        b'"' => {
            let Key(text) = serde_json::from_str(json).ok()?;
            Some(text).filter(|text| !text.trim().is_empty())
        }
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

/// Whether a text is `YYYY-MM-DD` with a month and a day that exist somewhere.
fn is_date(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| {
        text.get(range).filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?.parse::<u32>().ok()
    };
    text.len() == 10
        && text.get(4..5) == Some("-")
        && text.get(7..8) == Some("-")
        && part(0..4).is_some()
        && part(5..7).is_some_and(|month| (1..=12).contains(&month))
        && part(8..10).is_some_and(|day| (1..=31).contains(&day))
}
