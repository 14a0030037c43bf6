//! A fake ChartHop that can be written: how it behaves then, and what was written.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{DEPARTMENT, OFFICE, Person, World};
use super::{Builder, FakeChartHop};

pub use super::process::{Process, Status};

/// What a process that failed says of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogForm {
    /// The row's number, from 1 without the header, in the words; number and address beside them.
    #[default]
    Data,
    /// Number and address in the words.
    Address,
    /// The number alone, as a spreadsheet counts: the first row of data is row 2.
    SheetRow,
}

/// Another end of a process than its rows bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing was done, in these words.
    Error(String),
    /// Done with errors, in these words, and without any about a row: every other row is left out.
    Silent(String),
}

/// How it behaves when it is written.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// The scenarios there are; each begins as a copy.
    pub scenarios: BTreeSet<String>,
    /// Every write is answered with 202.
    pub accepts: bool,
    /// How often a process is asked for until its work is done; 0: it is done before the import is answered.
    pub polls: u64,
    /// An empty cell of somebody known blanks the field.
    pub empty_cells_blank: bool,
    /// Rows, from 1 without the header, that are refused with these words.
    pub failing_rows: BTreeMap<usize, String>,
    /// Addresses, written small, whose rows are refused.
    pub failing_emails: BTreeMap<String, String>,
    /// How the next processes end.
    pub ends: Vec<End>,
    pub log_form: LogForm,
    /// Processes do not repeat their `importSource`.
    pub sources_hidden: bool,
}

/// Something that was applied, and not only asked for; or a write that was taken, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Applied {
    pub scenario: Option<String>,
    /// `hire`, `update`, `depart`, `backfill` or `group`; of a write `import`, `change` or `patch`.
    pub what: &'static str,
    /// A work address; the name of a group. Of a write the mark of an import, or a person's id.
    pub who: String,
    /// `title=Boss`, or a day. Of a write its file or body.
    pub how: String,
}

impl Applied {
    pub(super) fn new(scenario: Option<&str>, what: &'static str, who: &str, how: &str) -> Self {
        Self { scenario: scenario.map(str::to_owned), what, who: who.to_owned(), how: how.to_owned() }
    }
}

impl FakeChartHop {
    /// What was applied so far, in order.
    pub fn applied(&self) -> Vec<Applied> {
        self.written(|writes| writes.applied.clone())
    }

    /// Every write that was taken, in order, as it was asked for: the second of two equal ones is there, though it
    /// applied nothing. Dry runs are not.
    pub fn taken(&self) -> Vec<Applied> {
        self.written(|writes| writes.taken.clone())
    }

    /// What was applied more than once, and the writes that were taken more than once, whether or not the second one made
    /// a difference: nothing, where whoever writes looks before writing again.
    pub fn applied_twice(&self) -> Vec<Applied> {
        let mut seen = BTreeSet::new();
        let all = self.applied().into_iter().chain(self.taken());
        all.filter(|applied| !seen.insert(applied.clone())).collect()
    }

    /// The imports so far, the oldest first.
    pub fn processes(&self) -> Vec<Process> {
        self.written(|writes| writes.processes.clone())
    }

    /// How many rows [`Writing::failing_rows`] and [`Writing::failing_emails`] refused.
    pub fn rows_failed(&self) -> u64 {
        self.written(|writes| writes.spoilt)
    }

    /// How many processes ended as [`Writing::ends`] wants it.
    pub fn ends_bent(&self) -> u64 {
        self.written(|writes| writes.bent)
    }

    /// Changes how it behaves from now on.
    pub fn rewrite<R>(&self, change: impl FnOnce(&mut Writing) -> R) -> R {
        change(&mut self.lock().writes.as_mut().expect("a fake that is writable").writing)
    }

    /// One more scenario: a copy of the real data as they are.
    pub fn add_scenario(&self, id: &str) {
        let mut state = self.lock();
        let world = state.world.clone();
        state.writes.as_mut().expect("a fake that is writable").scenarios.insert(id.to_owned(), world);
    }

    /// A scenario as it is now.
    pub fn scenario(&self, id: &str) -> World {
        self.written(|writes| writes.scenarios.get(id).cloned()).expect("a scenario of that id")
    }

    fn written<R>(&self, read: impl FnOnce(&super::writes::Writes) -> R) -> R {
        read(self.lock().writes.as_ref().expect("a fake that is writable"))
    }
}

impl Builder {
    /// People can be written, too.
    #[must_use]
    pub fn writable(self) -> Self {
        self.writing(|_| {})
    }

    /// People can be written, and this is how.
    #[must_use]
    pub fn writing(mut self, change: impl FnOnce(&mut Writing)) -> Self {
        change(self.writing.get_or_insert_default());
        self
    }

    /// These people and no others. Their numbers are given anew, from 1 in this order; a manager is meant by that
    /// number. Departments and locations go by name and are made where there are none.
    #[must_use]
    pub fn people(mut self, people: Vec<Person>) -> Self {
        self.size = super::world::Size::default();
        self.people = Some(people);
        self
    }

    /// The day that it is there (default: today's).
    #[must_use]
    pub fn today(mut self, day: &str) -> Self {
        self.day = Some(day.to_owned());
        self
    }

    pub(super) fn today_there(&self) -> String {
        self.day.clone().unwrap_or_else(today)
    }
}

/// Today's date, in UTC.
pub fn today() -> String {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// Puts people into a world that has none.
pub(super) fn settle(world: &mut World, people: &[Person], today: &str) {
    for (number, person) in (1..).zip(people) {
        let mut person = Person { number, ..person.clone() };
        for (of_type, name) in [(DEPARTMENT, person.department.clone()), (OFFICE, person.location.clone())] {
            let Some(name) = name else { continue };
            let group = world.group_named(of_type, &name).map(str::to_owned);
            let group = group.unwrap_or_else(|| world.new_group(of_type, &name));
            world.regroup(&mut person, of_type, Some(&group));
        }
        person.settle(today);
        world.put(person);
    }
}
