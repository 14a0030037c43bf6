//! A file of people, applied to a world: a whole new world, or what is wrong with the rows.

use std::collections::HashMap;

use super::query::Query;
use super::table::{Table, day, is_day};
use super::world::{DEPARTMENT, OFFICE, Person, World};
use super::writable::{Applied, Writing};

/// What an import is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) skip_errors: bool,
    upsert: bool,
    create_groups: bool,
    keep_hire_date: bool,
    keep_person: bool,
    pub(super) dry_run: bool,
    pub(super) scenario: Option<String>,
    default_date: Option<String>,
}

impl Flags {
    /// From the query; each of the six required ones has to be there.
    pub(super) fn of(query: &Query) -> Result<Self, String> {
        let flag = |name: &str| match query.get(name) {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(format!("{name} has to be true or false")),
        };
        let default_date = query.get("defaultChangeDate").map(str::to_owned);
        if let Some(date) = default_date.as_ref().filter(|date| !is_day(date)) {
            return Err(format!("{date} is no date"));
        }
        Ok(Self {
            skip_errors: flag("skipErrors")?,
            upsert: flag("upsert")?,
            create_groups: flag("createGroups")?,
            keep_hire_date: flag("disableSyncHireDate")?,
            keep_person: flag("disableOverwritePerson")?,
            dry_run: flag("importDryRun")?,
            scenario: query.get("scenarioId").map(str::to_owned),
            default_date,
        })
    }
}

/// A row that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowError {
    /// From 1, without the header.
    pub(super) row: usize,
    pub(super) email: String,
    pub(super) why: String,
}

/// What an import comes to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) world: World,
    pub(super) applied: Vec<Applied>,
    pub(super) errors: Vec<RowError>,
    /// How many rows a habit made fail.
    pub(super) spoilt: u64,
    pub(super) hired: u64,
    pub(super) changed: u64,
}

struct Import<'i> {
    table: &'i Table,
    flags: &'i Flags,
    writing: &'i Writing,
    today: &'i str,
    world: World,
    emails: HashMap<String, u64>,
    applied: Vec<Applied>,
}

/// Applies a file to a copy of a world. `only`: rows that are left out fail without a word.
pub(super) fn run(
    world: &World,
    table: &Table,
    flags: &Flags,
    writing: &Writing,
    today: &str,
    only: impl Fn(usize) -> bool,
) -> Report {
    let emails = world.emails();
    let mut import = Import { table, flags, writing, today, world: world.clone(), emails, applied: Vec::new() };
    let (mut errors, mut spoilt, mut hired, mut changed) = (Vec::new(), 0, 0, 0);
    for (at, row) in table.rows.iter().enumerate().filter(|(at, _)| only(*at)) {
        let email = table.cell(row, "Work Email").unwrap_or_default().to_owned();
        let spoil = writing.failing_rows.get(&(at + 1)).or_else(|| writing.failing_emails.get(&email.to_lowercase()));
        spoilt += u64::from(spoil.is_some());
        let outcome = match spoil {
            Some(why) => Err(why.clone()),
            None => import.row(row, &email),
        };
        match outcome {
            Ok(None) => hired += 1,
            Ok(Some(any)) => changed += u64::from(any),
            Err(why) => errors.push(RowError { row: at + 1, email, why }),
        }
    }
    Report { world: import.world, applied: import.applied, errors, spoilt, hired, changed }
}

impl Import<'_> {
    /// None: somebody new; else whether anything changed. A row that is refused changes nothing.
    fn row(&mut self, row: &[String], email: &str) -> Result<Option<bool>, String> {
        if !email.contains('@') {
            return Err(format!("Work Email \"{email}\" is no address"));
        }
        let known = self.emails.get(&email.to_lowercase()).and_then(|number| self.world.person(*number));
        let new = known.is_none();
        if new {
            self.complete(row)?;
        }
        let before = known.unwrap_or_else(|| Person::new(self.world.next_number(), email));
        let (mut person, mut groups) = (before.clone(), Vec::new());
        self.person_fields(row, &mut person, new)?;
        self.job_fields(row, &mut person, new)?;
        for (column, of_type) in [("Department", DEPARTMENT), ("Location", OFFICE)] {
            let Some(name) = self.cell(row, column, new) else { continue };
            match self.world.group_named(of_type, name).map(str::to_owned) {
                _ if name.is_empty() => self.world.regroup(&mut person, of_type, None),
                Some(group) => self.world.regroup(&mut person, of_type, Some(&group)),
                None if self.flags.create_groups => groups.push((of_type, name.to_owned())),
                None => return Err(format!("{column} \"{name}\" does not exist")),
            }
        }
        let day = self.effective(row)?;
        // From here on nothing fails any more.
        for (of_type, name) in groups {
            let group = self.world.new_group(of_type, &name);
            self.world.regroup(&mut person, of_type, Some(&group));
            self.note("group", &name, "");
        }
        person.settle(self.today);
        if new {
            self.note("hire", email, "");
            self.emails.insert(email.to_lowercase(), person.number);
            self.world.put(person);
            return Ok(None);
        }
        let changes = differences(&before, &person);
        match day.filter(|day| day.as_str() > self.today) {
            None => {
                for (field, value) in &changes {
                    self.note("update", email, &format!("{field}={value}"));
                }
                if !changes.is_empty() {
                    self.world.put(person);
                }
            }
            // No list of today shows it.
            Some(day) => {
                for (field, value) in &changes {
                    let entry = (before.number, (*field).to_owned(), value.clone(), day.clone());
                    if self.world.scheduled.insert(entry) {
                        self.note("update", email, &format!("{field}={value} from {day}"));
                    }
                }
            }
        }
        Ok(Some(!changes.is_empty()))
    }

    /// What somebody new has to have; only the head has no manager.
    fn complete(&self, row: &[String]) -> Result<(), String> {
        if !self.flags.upsert {
            return Err("no person has this Work Email".to_owned());
        }
        for column in ["First Name", "Last Name", "Job Title", "Start Date"] {
            if self.table.cell(row, column).is_none_or(str::is_empty) {
                return Err(format!("{column} is required"));
            }
        }
        self.table.cell(row, "Manager").map(drop).ok_or_else(|| "Manager is required".to_owned())
    }

    /// A cell that counts. An empty one of somebody known counts where it blanks.
    fn cell<'r>(&self, row: &'r [String], column: &str, new: bool) -> Option<&'r str> {
        let blanks = !new && self.writing.empty_cells_blank;
        self.table.cell(row, column).filter(|text| !text.is_empty() || blanks)
    }

    fn person_fields(&self, row: &[String], person: &mut Person, new: bool) -> Result<(), String> {
        let keeps = |filled: bool| self.flags.keep_person && filled && !new;
        for (column, field) in [("First Name", &mut person.first), ("Last Name", &mut person.last)] {
            if let Some(text) = self.cell(row, column, new).filter(|_| !keeps(!field.is_empty())) {
                text.clone_into(field);
            }
        }
        if let Some(text) = self.cell(row, "Employee ID", new).filter(|_| !keeps(person.employee.is_some())) {
            person.employee = some(text);
        }
        Ok(())
    }

    fn job_fields(&self, row: &[String], person: &mut Person, new: bool) -> Result<(), String> {
        if let Some(text) = self.cell(row, "Job Title", new) {
            person.title = some(text);
        }
        if let Some(text) = self.cell(row, "Start Date", new).filter(|_| new || !self.flags.keep_hire_date) {
            person.start = match text {
                "" => None,
                text => Some(day(text).ok_or_else(|| format!("Start Date \"{text}\" is not M/D/YYYY"))?),
            };
        }
        if let Some(text) = self.cell(row, "Employment", new) {
            if !["", "FULL", "PART", "TEMP", "CONTRACT", "INTERN", "EXPAT"].contains(&text) {
                return Err(format!("Employment \"{text}\" is unknown"));
            }
            person.employment = some(text);
        }
        if let Some(text) = self.cell(row, "Manager", new) {
            person.manager = match text {
                "" => None,
                text => match self.emails.get(&text.to_lowercase()) {
                    Some(manager) if *manager == person.number => {
                        return Err("nobody is their own manager".to_owned());
                    }
                    Some(manager) => Some(*manager),
                    None => return Err(format!("Manager {text} not found")),
                },
            };
        }
        Ok(())
    }

    fn effective(&self, row: &[String]) -> Result<Option<String>, String> {
        match self.table.cell(row, "date").filter(|text| !text.is_empty()) {
            None => Ok(self.flags.default_date.clone()),
            Some(text) => day(text).map(Some).ok_or_else(|| format!("date \"{text}\" is not M/D/YYYY")),
        }
    }

    fn note(&mut self, what: &'static str, who: &str, how: &str) {
        self.applied.push(Applied::new(self.flags.scenario.as_deref(), what, who, how));
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The fields that differ, with their new values.
pub(super) fn differences(before: &Person, after: &Person) -> Vec<(&'static str, String)> {
    fn fields(person: &Person) -> [(&'static str, Option<String>); 11] {
        [
            ("first", Some(person.first.clone())),
            ("last", Some(person.last.clone())),
            ("email", person.email.clone()),
            ("employee", person.employee.clone()),
            ("title", person.title.clone()),
            ("manager", person.manager.map(|number| number.to_string())),
            ("department", person.department.clone()),
            ("location", person.location.clone()),
            ("start", person.start.clone()),
            ("end", person.end.clone()),
            ("employment", person.employment.clone()),
        ]
    }
    let pairs = fields(before).into_iter().zip(fields(after));
    let differing = pairs.filter(|(before, after)| before != after);
    differing.map(|(_, (field, value))| (field, value.unwrap_or_default())).collect()
}
