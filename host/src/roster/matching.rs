//! Who of the source is who of the target: by address for work, then by employee id, and not at all where that is not
//! certain.
//!
//! Addresses are compared without blanks at the ends and in any case. Employee ids are compared as they are: `007` and
//! `7` are two people, because nobody says that they are one, and a wrong match would write one person's data to another.

use super::people::{People, Person};
use super::texts::{Text, Texts};
use std::collections::{HashMap, HashSet};

/// Who has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    One(usize),
    Many,
}

/// People by something that ought to be theirs alone.
#[derive(Debug, Default)]
struct Index(HashMap<Text, Holder>);

impl Index {
    fn new(of: impl Iterator<Item = (usize, Text)>) -> Index {
        let mut index = HashMap::with_capacity(of.size_hint().0);
        for (at, text) in of.filter(|(_, text)| !text.is_none()) {
            index.entry(text).and_modify(|holder| *holder = Holder::Many).or_insert(Holder::One(at));
        }
        Index(index)
    }

    fn get(&self, text: Text) -> Option<Holder> {
        if text.is_none() { None } else { self.0.get(&text).copied() }
    }
}

/// What the target knows people by.
#[derive(Debug)]
pub struct Known {
    addresses: Index,
    ids: Index,
}

impl Known {
    /// Of a target.
    pub fn new(target: &People) -> Known {
        let index = |get: fn(&Person) -> Text| Index::new(target.iter().enumerate().map(|(at, p)| (at, get(p))));
        Known { addresses: index(|p| p.address), ids: index(|p| p.employee_id) }
    }

    /// Whether somebody of the target could be meant, certain or not, who is none of these.
    pub fn has_beside(&self, person: &Person, others: &HashSet<usize>) -> bool {
        let holders = [self.addresses.get(person.address), self.ids.get(person.employee_id)];
        let is_free = |holder: &Holder| !matches!(holder, Holder::One(at) if others.contains(at));
        holders.iter().flatten().any(is_free)
    }

    /// Whether somebody of the target could be meant, certain or not.
    pub fn has(&self, person: &Person) -> bool {
        self.addresses.get(person.address).is_some() || self.ids.get(person.employee_id).is_some()
    }
}

/// What is known of somebody of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Nobody of the target.
    Nobody,
    /// The person at this place.
    Person(usize),
    /// It is not certain, and why.
    Unclear(String),
}

/// Two rosters and what they are called.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Who is right.
    pub source: &'a People,
    /// Who is to become like it.
    pub target: &'a People,
    /// The texts of both.
    pub texts: &'a Texts,
    /// The names of the two connections.
    pub names: [&'a str; 2],
}

impl Pair<'_> {
    /// Finds everybody of the source who is meant in the target. Whoever is not, is left out as if not there.
    pub fn matches(&self, known: &Known, meant: impl Fn(usize) -> bool + Copy) -> Vec<Match> {
        let index = |get: fn(&Person) -> Text| {
            Index::new(self.source.iter().enumerate().filter(|(at, _)| meant(*at)).map(|(at, p)| (at, get(p))))
        };
        let (addresses, ids) = (index(|p| p.address), index(|p| p.employee_id));
        let one = |(at, person): (usize, &Person)| match meant(at) {
            true => self.one(person, &addresses, &ids, known),
            false => Match::Nobody,
        };
        let mut matches: Vec<Match> = self.source.iter().enumerate().map(one).collect();
        self.unclaim(&mut matches, known, meant);
        matches
    }

    fn one(&self, person: &Person, addresses: &Index, ids: &Index, known: &Known) -> Match {
        let [source, target] = self.names;
        let several = |what: &str, value: Text, of: &str| {
            Match::Unclear(format!("several people of {of} have the {what} {}", self.texts.get(value)))
        };
        let (address, id) = (person.address, person.employee_id);
        match (known.addresses.get(address), known.ids.get(id)) {
            _ if addresses.get(address) == Some(Holder::Many) => several("email", address, source),
            _ if ids.get(id) == Some(Holder::Many) => several("employee id", id, source),
            (Some(Holder::Many), _) => several("email", address, target),
            (_, Some(Holder::Many)) => several("employee id", id, target),
            (Some(Holder::One(one)), Some(Holder::One(other))) if one != other => Match::Unclear(format!(
                "in {target} the email is that of {}, and the employee id that of {}",
                self.key(one),
                self.key(other)
            )),
            (Some(Holder::One(one)), _) | (None, Some(Holder::One(one))) => self.alone(one, known),
            (None, None) => Match::Nobody,
        }
    }

    /// Somebody of the target, found by the one, may share the other with somebody else, and be written by that.
    fn alone(&self, at: usize, known: &Known) -> Match {
        let they = self.target.get(at).copied().unwrap_or_default();
        let several = |what: &str, value: Text| {
            let [_, target] = self.names;
            Match::Unclear(format!("several people of {target} have the {what} {}", self.texts.get(value)))
        };
        if known.addresses.get(they.address) == Some(Holder::Many) {
            return several("email", they.address);
        }
        if known.ids.get(they.employee_id) == Some(Holder::Many) {
            return several("employee id", they.employee_id);
        }
        Match::Person(at)
    }

    /// Two of the source may mean one of the target, the one by its address, the other by its id, certain or not: then
    /// neither does. Else what is written of the one could make it clear who the other is.
    fn unclaim(&self, matches: &mut [Match], known: &Known, meant: impl Fn(usize) -> bool) {
        let mut claims = vec![0u32; self.target.len()];
        for (_, person) in self.source.iter().enumerate().filter(|(at, _)| meant(*at)) {
            let by_address = known.addresses.get(person.address);
            let by_id = known.ids.get(person.employee_id).filter(|holder| Some(*holder) != by_address);
            for holder in [by_address, by_id].into_iter().flatten() {
                if let Holder::One(at) = holder
                    && let Some(count) = claims.get_mut(at)
                {
                    *count += 1;
                }
            }
        }
        let [source, target] = self.names;
        for found in matches {
            if let Match::Person(at) = found
                && claims.get(*at).is_some_and(|count| *count > 1)
            {
                *found = Match::Unclear(format!("several people of {source} are {} of {target}", self.key(*at)));
            }
        }
    }

    fn key(&self, at: usize) -> &str {
        self.target.get(at).map_or("", |p| self.texts.get(p.key))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{Sketch, people};
    use super::*;

    fn who(id: &str, email: &str, number: &str) -> Sketch {
        Sketch::new(id).email(email).number(number)
    }

    #[test]
    fn by_address_then_by_employee_id_and_not_where_it_is_not_certain() {
        let source = [
            who("01", " Ann@Acme.Test ", ""),
            who("02", "new@acme.test", "17"),
            who("03", "cy@acme.test", "7"),
            who("04", "di@acme.test", "4"),
            who("05", "twice@acme.test", ""),
            who("06", "TWICE@acme.test", ""),
            who("07", "", "x"),
            who("08", "eve@acme.test", "8"),
            who("09", "", "9"),
            who("10", "fay@acme.test", ""),
            who("11", "", "f"),
            who("12", "", ""),
            who("13", "", "same"),
            who("14", "", "same"),
            who("15", "gus@acme.test", ""),
            who("16", "", "h"),
            who("17", "ida@acme.test", "j"),
            who("18", "new.ida@acme.test", "i"),
        ];
        let target = [
            who("01", "ann@acme.test", "1"),
            who("02", "old@acme.test", "17"),
            who("03", "nobody@acme.test", "007"),
            who("04", "di@acme.test", "5"),
            who("05", "other@acme.test", "4"),
            who("06", "", "x"),
            who("07", "", "x"),
            who("08", "eve@acme.test", ""),
            who("09", "EVE@acme.test", ""),
            who("10", "fay@acme.test", "f"),
            who("12", "", ""),
            who("13", "gus@acme.test", "g"),
            who("14", "", "g"),
            who("15", "hal@acme.test", "h"),
            who("16", "hal@acme.test", ""),
            who("17", "ida@acme.test", "i"),
            who("18", "", "j"),
        ];
        let mut texts = Texts::default();
        let (source, target) = (people(&mut texts, "member", &source), people(&mut texts, "person", &target));
        let pair = Pair { source: &source, target: &target, texts: &texts, names: ["hr", "chart"] };
        let unclear = |why: &str| Match::Unclear(why.to_owned());
        let expected = [
            Match::Person(0),
            Match::Person(1),
            Match::Nobody,
            unclear("in chart the email is that of person:04, and the employee id that of person:05"),
            unclear("several people of hr have the email twice@acme.test"),
            unclear("several people of hr have the email twice@acme.test"),
            unclear("several people of chart have the employee id x"),
            unclear("several people of chart have the email eve@acme.test"),
            Match::Nobody,
            unclear("several people of hr are person:10 of chart"),
            unclear("several people of hr are person:10 of chart"),
            Match::Nobody,
            unclear("several people of hr have the employee id same"),
            unclear("several people of hr have the employee id same"),
            unclear("several people of chart have the employee id g"),
            unclear("several people of chart have the email hal@acme.test"),
            unclear("in chart the email is that of person:17, and the employee id that of person:18"),
            unclear("several people of hr are person:17 of chart"),
        ];
        assert_eq!(pair.matches(&Known::new(&target), |_| true), expected);
        let without = pair.matches(&Known::new(&target), |at| at != 5 && at != 10);
        assert_eq!((&without[4], &without[5], &without[9]), (&Match::Nobody, &Match::Nobody, &Match::Person(9)));
    }
}
