//! A JSON array item by item, without holding the items.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Hands over each item of the array that `json` is. The inner result is what `take` ended with.
pub(crate) fn each<'a, T, E>(
    json: &'a [u8],
    take: impl FnMut(T) -> Result<(), E>,
) -> Result<Result<(), E>, serde_json::Error>
where
    T: Deserialize<'a>,
{
    let mut stopped = None;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let items = Items { take, stopped: &mut stopped, item: PhantomData };
    let read = deserializer.deserialize_seq(items).and_then(|()| deserializer.end());
    match (read, stopped) {
        (_, Some(error)) => Ok(Err(error)),
        (Ok(()), None) => Ok(Ok(())),
        (Err(error), None) => Err(error),
    }
}

struct Items<'s, F, E, T> {
    take: F,
    stopped: &'s mut Option<E>,
    item: PhantomData<T>,
}

impl<'de, F, E, T> Visitor<'de> for Items<'_, F, E, T>
where
    F: FnMut(T) -> Result<(), E>,
    T: Deserialize<'de>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if let Err(error) = (self.take)(item) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
