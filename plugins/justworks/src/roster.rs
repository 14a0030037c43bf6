//! The roster's answer as members. Pure.
//!
//! `{"members": [{…}]}`: which key is which field says [`crate::fields`]. Any value may be null, empty or absent but for
//! the uuid. A value of another form than its field has fails the whole roster: half of it understood would
//! look like people leaving.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::fields::{COUNT, Field, MANAGER, NAME_OF};
use crate::text::{self, given, quoted};

/// Bytes of an id: the contract's limit.
const ID_BYTES: usize = 1024;

/// Somebody in the roster. Texts are trimmed and never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member<'a> {
    pub(crate) uuid: Cow<'a, str>,
    pub(crate) employee_id: Option<Cow<'a, str>>,
    pub(crate) first: Option<Cow<'a, str>>,
    pub(crate) last: Option<Cow<'a, str>>,
    pub(crate) preferred: Option<Cow<'a, str>>,
    pub(crate) full: Option<Cow<'a, str>>,
    pub(crate) work_email: Option<Cow<'a, str>>,
    pub(crate) home_email: Option<Cow<'a, str>>,
    pub(crate) title: Option<Cow<'a, str>>,
    pub(crate) department: Option<Cow<'a, str>>,
    pub(crate) location: Option<Cow<'a, str>>,
    /// `YYYY-MM-DD`.
    pub(crate) start: Option<Cow<'a, str>>,
    /// `YYYY-MM-DD`: the last day.
    pub(crate) terminated: Option<Cow<'a, str>>,
    pub(crate) member_type: Option<Cow<'a, str>>,
    pub(crate) manager: Option<Reference<'a>>,
}

/// Who somebody's manager is, as the roster says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference<'a> {
    /// A work email, an uuid or a name: which one is found out by looking.
    Word(Cow<'a, str>),
    /// Any of the three.
    Keys { uuid: Option<Cow<'a, str>>, email: Option<Cow<'a, str>>, name: Option<String> },
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match self {
            Reference::Word(word) => word,
            Reference::Keys { uuid, email, name } => {
                name.as_deref().or(email.as_deref()).or(uuid.as_deref()).unwrap_or_default()
            }
        };
        f.write_str(&quoted(shown))
    }
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Roster<'a> {
    /// By uuid, each once.
    pub(crate) members: Vec<Member<'a>>,
    /// Who is listed several times with different content, by name.
    pub(crate) repeated: Vec<String>,
}

/// Why an answer is no roster.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// It is no JSON, or JSON of another form.
    Json,
    /// Something in it is not as assumed: a clause.
    Shape(String),
}

/// Reads an answer.
///
/// # Errors
/// It is no roster as assumed.
pub(crate) fn read(body: &[u8]) -> Result<Roster<'_>, Wrong> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow, default)]
        members: Option<Vec<Row<'a>>>,
    }
    // A list would be read as the fields of an object in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Wrong::Json);
    }
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|_| Wrong::Json)?;
    let rows = wire.members.ok_or_else(|| Wrong::Shape("there is no list `members` in it".to_owned()))?;
    let members = rows.into_iter().enumerate().map(|(place, row)| member(&row, place + 1));
    Ok(unique(members.collect::<Result<_, _>>().map_err(Wrong::Shape)?))
}

/// One of each uuid, in their order. Of several the one that says most of today counts, whatever the order of
/// the answer: somebody who came back is not gone.
fn unique(mut members: Vec<Member<'_>>) -> Roster<'_> {
    members.sort_by(|a, b| a.uuid.cmp(&b.uuid).then_with(|| recency(b).cmp(&recency(a))).then_with(|| a.cmp(b)));
    let mut repeated = Vec::new();
    members.dedup_by(|later, kept| {
        let same = later.uuid == kept.uuid;
        if same && later != kept && repeated.last() != Some(&kept.uuid) {
            repeated.push(kept.uuid.clone());
        }
        same
    });
    let kept = |uuid: &Cow<'_, str>| members.binary_search_by(|m| m.uuid.cmp(uuid)).ok().and_then(|at| members.get(at));
    let repeated = repeated.iter().filter_map(kept).map(Member::label).collect();
    Roster { members, repeated }
}

/// Greater for whom nothing ended, then for who started last.
fn recency<'m>(member: &'m Member<'_>) -> (bool, Option<&'m str>) {
    (member.terminated.is_none(), member.start.as_deref())
}

impl Member<'_> {
    /// The name that is used: the preferred or first name and the last.
    pub(crate) fn name(&self) -> Option<String> {
        let (first, last) = (self.first.as_deref(), self.last.as_deref());
        match (self.preferred.as_deref().or(first), last) {
            // A preferred name may be whole already.
            (Some(used), Some(last)) if used.contains(' ') && used.ends_with(last) => Some(used.to_owned()),
            (Some(used), Some(last)) => Some(format!("{used} {last}")),
            (one, other) => self.full.as_deref().or(one).or(other).map(str::to_owned),
        }
    }

    /// Every name somebody may be called by.
    pub(crate) fn names(&self) -> Vec<String> {
        let whole = |first: &Option<Cow<'_, str>>| Some(format!("{} {}", first.as_deref()?, self.last.as_deref()?));
        let mut names: Vec<String> =
            [self.name(), whole(&self.first), whole(&self.preferred), self.full.as_deref().map(str::to_owned)]
                .into_iter()
                .flatten()
                .map(|name| text::folded(&name))
                .filter(|name| !name.is_empty())
                .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// For lists that people read.
    pub(crate) fn display(&self) -> String {
        self.name().or_else(|| self.work_email.as_deref().map(str::to_owned)).unwrap_or_else(|| self.uuid.to_string())
    }

    /// The name and what tells the person from another of that name.
    pub(crate) fn label(&self) -> String {
        let name = self.display();
        match self.work_email.as_deref().filter(|email| *email != name) {
            Some(email) => format!("{name} ({email})"),
            None if name != self.uuid => format!("{name} ({})", self.uuid),
            None => name,
        }
    }

    /// Whether the last day is over.
    pub(crate) fn has_left(&self, today: &str) -> bool {
        self.terminated.as_deref().is_some_and(|day| day < today)
    }
}

/// A member's values by field, unread.
struct Row<'a>([Option<(usize, &'a RawValue)>; COUNT]);

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
                let mut row = Row([None; COUNT]);
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let Some((field, rank)) = Field::of(&key.0) else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value: &RawValue = map.next_value()?;
                    if let Some(place) = row.0.get_mut(field as usize)
                        && !is_nothing(value)
                        && place.is_none_or(|(before, _)| rank < before)
                    {
                        *place = Some((rank, value));
                    }
                }
                Ok(row)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// A text, borrowed where it needs no unescaping: rosters are long.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether a value says nothing: null, an empty or blank text, an empty object or list.
fn is_nothing(value: &RawValue) -> bool {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'n') => true,
        Some(b'{' | b'[') => json.get(1..json.len().saturating_sub(1)).is_some_and(|inside| inside.trim().is_empty()),
        Some(b'"') => plain(value).is_some_and(|text| given(&text).is_none()),
        _ => false,
    }
}

/// A text or a number, as text.
fn plain(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

/// An object's keys and what they hold.
fn object(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    let json = value.get();
    json.starts_with('{').then(|| serde_json::Deserializer::from_str(json).deserialize_map(Pairs).ok()).flatten()
}

/// The first of these keys that holds a text.
fn pick<'a>(pairs: &[(String, &'a RawValue)], keys: &[&str]) -> Option<Cow<'a, str>> {
    keys.iter().find_map(|key| {
        let (_, value) = pairs.iter().find(|(known, _)| known == key)?;
        trimmed(plain(value)?)
    })
}

/// Without blanks around it; none where nothing is left.
fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    given(&text)?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    })
}

fn member<'a>(row: &Row<'a>, place: usize) -> Result<Member<'a>, String> {
    let value = |field: Field| row.0.get(field as usize).copied().flatten().map(|(_, value)| value);
    let uuid = value(Field::Uuid).and_then(plain).and_then(trimmed);
    let uuid = uuid.ok_or_else(|| format!("the member at place {place} has no {}", Field::Uuid.key()))?;
    if uuid.len() > ID_BYTES || uuid.chars().any(char::is_control) {
        return Err(format!(
            "the member at place {place} has the {} {}, which is none",
            Field::Uuid.key(),
            quoted(&uuid)
        ));
    }
    let odd = |field: Field, form: &str| format!("the {} of the member {} is {form}", field.key(), quoted(&uuid));
    let text = |field: Field| -> Result<Option<Cow<'a, str>>, String> {
        let Some(value) = value(field) else { return Ok(None) };
        if let Some(text) = plain(value) {
            return Ok(trimmed(text));
        }
        let pairs = object(value).ok_or_else(|| odd(field, "neither a text nor an object with a name"))?;
        match pick(&pairs, NAME_OF) {
            Some(name) => Ok(Some(name)),
            // An object may be as empty as a text.
            None if pairs.iter().all(|(_, value)| is_nothing(value)) => Ok(None),
            None => Err(odd(field, "an object without a name")),
        }
    };
    let date = |field: Field| -> Result<Option<Cow<'a, str>>, String> {
        let Some(text) = text(field)? else { return Ok(None) };
        let day = text::day(&text).map(str::len);
        match (day, text) {
            (None, text) => Err(odd(field, &format!("{}, no day like 2026-01-31", quoted(&text)))),
            (Some(len), Cow::Borrowed(text)) => Ok(text.get(..len).map(Cow::Borrowed)),
            (Some(len), Cow::Owned(text)) => Ok(text.get(..len).map(|day| Cow::Owned(day.to_owned()))),
        }
    };
    Ok(Member {
        employee_id: text(Field::EmployeeId)?,
        first: text(Field::FirstName)?,
        last: text(Field::LastName)?,
        preferred: text(Field::PreferredName)?,
        full: text(Field::FullName)?,
        work_email: text(Field::WorkEmail)?,
        home_email: text(Field::HomeEmail)?,
        title: text(Field::Title)?,
        department: text(Field::Department)?,
        location: text(Field::Location)?,
        start: date(Field::StartDate)?,
        terminated: date(Field::TerminatedDate)?,
        member_type: text(Field::MemberType)?,
        manager: match value(Field::Manager) {
            None => None,
            Some(value) => reference(value).map_err(|form| odd(Field::Manager, form))?,
        },
        uuid,
    })
}

fn reference(value: &RawValue) -> Result<Option<Reference<'_>>, &'static str> {
    if let Some(word) = plain(value) {
        return Ok(trimmed(word).map(Reference::Word));
    }
    let pairs = object(value).ok_or("neither a text nor an object")?;
    let (first, last) = (pick(&pairs, MANAGER.first), pick(&pairs, MANAGER.last));
    let name = pick(&pairs, MANAGER.name).map(Cow::into_owned).or_else(|| match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        _ => None,
    });
    let (uuid, email) = (pick(&pairs, MANAGER.uuid), pick(&pairs, MANAGER.email));
    if uuid.is_none() && email.is_none() && name.is_none() {
        return match pairs.iter().all(|(_, value)| is_nothing(value)) {
            true => Ok(None),
            false => Err("an object without a uuid, a work email or a name"),
        };
    }
    Ok(Some(Reference::Keys { uuid, email, name }))
}
