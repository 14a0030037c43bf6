//! What the operator may choose. Every choice is a named option, and a plan keeps all of them, so that it can be made
//! again. The defaults are those of ChartHop's own payroll apps, where they are known.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Who is new.
    Hires,
    /// Who has left.
    Departures,
    /// Job titles.
    Titles,
    /// Who reports to whom.
    Managers,
    /// Departments.
    Departments,
    /// Locations.
    Locations,
    /// Full time, part time and so on.
    Employment,
    /// Names, address for work and employee id.
    Person,
    /// First days.
    Dates,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [ChangeKind; 9] = [
        ChangeKind::Hires,
        ChangeKind::Departures,
        ChangeKind::Titles,
        ChangeKind::Managers,
        ChangeKind::Departments,
        ChangeKind::Locations,
        ChangeKind::Employment,
        ChangeKind::Person,
        ChangeKind::Dates,
    ];

    /// The stable label.
    pub fn label(self) -> &'static str {
        match self {
            ChangeKind::Hires => "hires",
            ChangeKind::Departures => "departures",
            ChangeKind::Titles => "titles",
            ChangeKind::Managers => "managers",
            ChangeKind::Departments => "departments",
            ChangeKind::Locations => "locations",
            ChangeKind::Employment => "employment",
            ChangeKind::Person => "person",
            ChangeKind::Dates => "dates",
        }
    }
}

/// One of a few words.
fn word<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text.trim()).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("it has to be one of {}", words.join(", "))
    })
}

impl FromStr for ChangeKind {
    type Err = String;
    fn from_str(text: &str) -> Result<ChangeKind, String> {
        word(text, &ChangeKind::ALL.map(|kind| (kind.label(), kind)))
    }
}

/// What becomes of contractors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contractors {
    /// They are people like others.
    Include,
    /// They are left alone.
    #[default]
    Exclude,
}

impl FromStr for Contractors {
    type Err = String;
    fn from_str(text: &str) -> Result<Contractors, String> {
        word(text, &[("include", Contractors::Include), ("exclude", Contractors::Exclude)])
    }
}

/// What becomes of names, address and employee id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonFields {
    /// The source is right.
    #[default]
    Overwrite,
    /// Only where the target has nothing.
    Fill,
}

impl FromStr for PersonFields {
    type Err = String;
    fn from_str(text: &str) -> Result<PersonFields, String> {
        word(text, &[("overwrite", PersonFields::Overwrite), ("fill", PersonFields::Fill)])
    }
}

/// Where somebody is of whom the source says no location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingLocation {
    /// At the location `Remote`.
    Remote,
    /// Nowhere: it is not compared.
    #[default]
    Blank,
}

impl FromStr for MissingLocation {
    type Err = String;
    fn from_str(text: &str) -> Result<MissingLocation, String> {
        word(text, &[("remote", MissingLocation::Remote), ("blank", MissingLocation::Blank)])
    }
}

/// What a departure leaves behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Departures {
    /// Nothing.
    #[default]
    Sync,
    /// An open place.
    Backfill,
}

impl FromStr for Departures {
    type Err = String;
    fn from_str(text: &str) -> Result<Departures, String> {
        word(text, &[("sync", Departures::Sync), ("backfill", Departures::Backfill)])
    }
}

/// All choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// People of the source to leave alone: id, employee id or address for work.
    pub exclude: Vec<String>,
    /// Contractors.
    pub contractors: Contractors,
    /// Which kinds of change.
    pub kinds: Vec<ChangeKind>,
    /// Names, address and employee id.
    pub person_fields: PersonFields,
    /// Those without location.
    pub missing_location: MissingLocation,
    /// Open places.
    pub departures: Departures,
    /// How many days back a hire or a departure may lie; none: any number.
    pub history_days: Option<u32>,
    /// The name of the one person who needs no manager and never gets one.
    pub org_head: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            exclude: Vec::new(),
            contractors: Contractors::default(),
            kinds: ChangeKind::ALL.to_vec(),
            person_fields: PersonFields::default(),
            missing_location: MissingLocation::default(),
            departures: Departures::default(),
            history_days: None,
            org_head: None,
        }
    }
}

impl Options {
    /// In one form: lists sorted, each entry once, without blanks at the ends; no kind at all means all of them.
    #[must_use]
    pub fn in_form(mut self) -> Options {
        self.exclude = self.exclude.iter().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
        self.exclude.sort();
        self.exclude.dedup();
        self.kinds.sort();
        self.kinds.dedup();
        if self.kinds.is_empty() {
            self.kinds = ChangeKind::ALL.to_vec();
        }
        self.org_head = self.org_head.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        self
    }

    /// Whether this kind of change is wanted.
    pub fn wants(&self, kind: ChangeKind) -> bool {
        self.kinds.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_others_are_told_what_there_is() {
        assert_eq!("include".parse(), Ok(Contractors::Include));
        assert_eq!(" fill".parse(), Ok(PersonFields::Fill));
        assert_eq!("remote".parse(), Ok(MissingLocation::Remote));
        assert_eq!("backfill".parse(), Ok(Departures::Backfill));
        for kind in ChangeKind::ALL {
            assert_eq!(kind.label().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).ok(), Some(format!("\"{}\"", kind.label())), "one label");
        }
        let wrong = Err("it has to be one of include, exclude".to_owned());
        assert_eq!("maybe".parse::<Contractors>(), wrong);
    }

    #[test]
    fn the_same_choices_have_one_form() {
        let given = Options {
            exclude: vec![" b ".into(), "a".into(), String::new(), "b".into()],
            kinds: vec![ChangeKind::Titles, ChangeKind::Hires, ChangeKind::Titles],
            org_head: Some("  ".into()),
            ..Options::default()
        };
        let form = given.in_form();
        assert_eq!(form.exclude, ["a", "b"]);
        assert_eq!((form.kinds, form.org_head), (vec![ChangeKind::Hires, ChangeKind::Titles], None));
        let none = Options { kinds: vec![], ..Options::default() };
        assert_eq!(none.in_form(), Options::default());
    }
}
