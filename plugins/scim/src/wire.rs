//! Users and groups as they come: names of attributes in any case, values in more shapes than the RFC has.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A user, as the server wrote it.
pub(crate) type Attributes = Map<String, Value>;

/// An attribute, whatever the case of its name (RFC 7643, 2.1).
pub(crate) fn attribute<'a>(of: &'a Attributes, name: &str) -> Option<&'a Value> {
    let value = of.get(name).or_else(|| of.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v));
    value.filter(|value| !value.is_null())
}

/// A text that says something; numbers are texts, too.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(Cow::Borrowed(text)),
        // Not a fraction: its digits would not be the server's.
        Value::Number(number) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// The values of an attribute that should be a list: one alone is a list of one.
pub(crate) fn values(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// A text or a number, borrowed where it needs no unescaping; blank is none.
#[derive(Debug, Default)]
pub(crate) struct Loose<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(PhantomData))
    }
}

struct LooseVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for LooseVisitor<'a> {
    type Value = Loose<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose((!text.trim().is_empty()).then_some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose((!text.trim().is_empty()).then(|| Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Loose(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose(None))
    }
}

/// The name of an attribute.
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A group. Typed, unlike a user: its members can be many.
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    pub(crate) id: Loose<'a>,
    pub(crate) display_name: Loose<'a>,
    pub(crate) external_id: Loose<'a>,
    /// None where the attribute is absent or null: the group may have members all the same.
    pub(crate) members: Option<Vec<Member<'a>>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Group<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GroupVisitor(PhantomData))
    }
}

struct GroupVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for GroupVisitor<'a> {
    type Value = Group<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut group = Group::default();
        while let Some(Name(name)) = map.next_key()? {
            match name {
                name if name.eq_ignore_ascii_case("id") => group.id = map.next_value()?,
                name if name.eq_ignore_ascii_case("displayName") => group.display_name = map.next_value()?,
                name if name.eq_ignore_ascii_case("externalId") => group.external_id = map.next_value()?,
                name if name.eq_ignore_ascii_case("members") => group.members = map.next_value::<Members<'a>>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(group)
    }
}

/// A member of a group.
#[derive(Debug, Default)]
pub(crate) struct Member<'a> {
    pub(crate) value: Loose<'a>,
    pub(crate) kind: Loose<'a>,
    pub(crate) reference: Loose<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor(PhantomData))
    }
}

struct MemberVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for MemberVisitor<'a> {
    type Value = Member<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member with a value, or an id alone")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, id: &'de str) -> Result<Self::Value, E> {
        LooseVisitor(PhantomData).visit_borrowed_str(id).map(alone)
    }

    fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<Self::Value, E> {
        LooseVisitor(PhantomData).visit_str(id).map(alone)
    }

    fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<Self::Value, E> {
        LooseVisitor(PhantomData).visit_u64(id).map(alone)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut member = Member::default();
        while let Some(Name(name)) = map.next_key()? {
            match name {
                name if name.eq_ignore_ascii_case("value") => member.value = map.next_value()?,
                name if name.eq_ignore_ascii_case("type") => member.kind = map.next_value()?,
                name if name.eq_ignore_ascii_case("$ref") => member.reference = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(member)
    }
}

fn alone(value: Loose<'_>) -> Member<'_> {
    Member { value, ..Member::default() }
}

/// The members of a group: a list, one member alone, or nothing.
struct Members<'a>(Option<Vec<Member<'a>>>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for MembersVisitor<'a> {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of members")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = items.next_element()? {
            members.push(member);
        }
        Ok(Members(Some(members)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(Members(Some(vec![Member::deserialize(MapAccessDeserializer::new(map))?])))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Members(None))
    }
}
