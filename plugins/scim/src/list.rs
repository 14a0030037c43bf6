//! A list of SCIM as it comes: its records one by one, and what it says of itself.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::wire::{Loose, Name, text};

/// What a list says of itself.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) total: Option<u64>,
    pub(crate) cursor: Option<String>,
}

/// Reads a list's answer and hands over its records one by one: only the one in hand takes memory beside the body.
pub(crate) struct List<'s, T, F, E> {
    take: F,
    stopped: &'s mut Option<E>,
    record: PhantomData<T>,
}

impl<'s, T, F, E> List<'s, T, F, E> {
    /// `stopped` gets the error that `take` ended with, if it did.
    pub(crate) fn new(take: F, stopped: &'s mut Option<E>) -> Self {
        List { take, stopped, record: PhantomData }
    }
}

impl<'de, T, F, E> DeserializeSeed<'de> for List<'_, T, F, E>
where
    T: Deserialize<'de>,
    F: FnMut(T) -> Result<(), E>,
{
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Envelope, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T, F, E> Visitor<'de> for List<'_, T, F, E>
where
    T: Deserialize<'de>,
    F: FnMut(T) -> Result<(), E>,
{
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of SCIM, an object with Resources and totalResults")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        let mut has_records = false;
        while let Some(Name(name)) = map.next_key()? {
            match name {
                name if name.eq_ignore_ascii_case("totalResults") => {
                    // -1 and the like say that it is not known.
                    let total = map.next_value::<Value>()?;
                    envelope.total = text(&total).and_then(|total| total.trim().parse().ok());
                }
                name if name.eq_ignore_ascii_case("nextCursor") => {
                    envelope.cursor = map.next_value::<Loose<'de>>()?.0.map(Cow::into_owned);
                }
                name if name.eq_ignore_ascii_case("Resources") => {
                    let records = Records { take: &mut self.take, stopped: self.stopped, record: PhantomData::<T> };
                    has_records |= map.next_value_seed(records)?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if !has_records && envelope.total.is_none() {
            // An error that came with status 200, say: taken for an empty list it would look like everybody left.
            return Err(A::Error::custom("expected a list of SCIM, got an object without Resources and totalResults"));
        }
        Ok(envelope)
    }
}

/// The list itself; true if there is one.
struct Records<'r, T, F, E> {
    take: &'r mut F,
    stopped: &'r mut Option<E>,
    record: PhantomData<T>,
}

impl<'de, T, F, E> DeserializeSeed<'de> for Records<'_, T, F, E>
where
    T: Deserialize<'de>,
    F: FnMut(T) -> Result<(), E>,
{
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, F, E> Visitor<'de> for Records<'_, T, F, E>
where
    T: Deserialize<'de>,
    F: FnMut(T) -> Result<(), E>,
{
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_unit<D>(self) -> Result<bool, D> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<bool, A::Error> {
        while let Some(record) = records.next_element()? {
            if let Err(error) = (self.take)(record) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(true)
    }
}
