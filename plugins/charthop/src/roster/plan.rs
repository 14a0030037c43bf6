//! What is written in which order: the same for the same changes, so that a step is found again after a crash. Pure.

use std::collections::BTreeMap;

use muster_sdk::roster::{Person, RosterChange, RosterOptions, Update};

use super::columns::{Field, find};

/// Up to so many hires and updates, an update is written by itself where that can be done.
pub(crate) const SMALL: usize = 20;
/// Updates or departures of one step: each is at most two writes.
const BATCH: usize = 10;
/// Rows of a file.
const FILE_ROWS: usize = 10_000;
/// Bytes of a file: the contract lets 8 MiB out, and a form goes around it.
const FILE_BYTES: usize = 6 * 1024 * 1024;

/// A file to import.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct File {
    /// New people, and not new values.
    pub(crate) hires: bool,
    /// The columns behind the address.
    pub(crate) columns: Vec<&'static Field>,
    /// From which day on; none: the run's.
    pub(crate) effective: Option<String>,
    /// Places in the list of changes.
    pub(crate) rows: Vec<usize>,
}

/// What a step writes; the numbers are places in the list of changes.
#[derive(Debug, PartialEq)]
pub(crate) enum Stage {
    /// New work addresses: an import finds people by them.
    Emails(Vec<usize>),
    Import(File),
    /// Updates one by one.
    Singles(Vec<usize>),
    Departures(Vec<usize>),
}

impl Stage {
    /// The changes that it is about.
    pub(crate) fn places(&self) -> &[usize] {
        match self {
            Stage::Emails(places) | Stage::Singles(places) | Stage::Departures(places) => places,
            Stage::Import(file) => &file.rows,
        }
    }
}

/// All of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// What is written nowhere, and why.
    pub(crate) refused: Vec<(usize, String)>,
    pub(crate) stages: Vec<Stage>,
}

/// Plans the changes.
pub(crate) fn plan(changes: &[RosterChange], options: &RosterOptions) -> Plan {
    let many = changes.iter().filter(|change| !matches!(change, RosterChange::Depart(_))).count() > SMALL;
    let mut plan = Plan::default();
    let (mut emails, mut singles, mut departures, mut hires) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut files: BTreeMap<(Option<&str>, Vec<&'static str>), Vec<usize>> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        let way = match change {
            RosterChange::Hire(person) => cells_of_hire(person).map(|_| hires.push(place)),
            RosterChange::Depart(_) => {
                departures.push(place);
                Ok(())
            }
            RosterChange::Update(update) => way(update, many || options.dry_run).map(|way| match way {
                Way::Single => singles.push(place),
                Way::Import { email, columns } => {
                    if email {
                        emails.push(place);
                    }
                    if !columns.is_empty() {
                        files.entry((update.effective.as_deref(), columns)).or_default().push(place);
                    }
                }
            }),
        };
        if let Err(why) = way {
            plan.refused.push((place, why));
        }
    }
    let batches = |places: &[usize], stage: fn(Vec<usize>) -> Stage| {
        places.chunks(BATCH).map(|places| stage(places.to_vec())).collect::<Vec<_>>()
    };
    plan.stages.extend(batches(&emails, Stage::Emails));
    // Columns that nobody fills are left out; somebody new may have an empty cell in one.
    let filled = |field: &&Field| hires.iter().any(|place| !hire_cell(changes.get(*place), field).is_empty());
    let columns: Vec<&'static Field> = hire_fields().filter(|field| field.name == "manager" || filled(field)).collect();
    for rows in split(&hires, changes) {
        plan.stages.push(Stage::Import(File { hires: true, columns: columns.clone(), effective: None, rows }));
    }
    for ((effective, names), places) in files {
        let columns: Vec<&'static Field> = names.iter().filter_map(|name| find(name).ok()).collect();
        for rows in split(&places, changes) {
            let effective = effective.map(str::to_owned);
            plan.stages.push(Stage::Import(File { hires: false, columns: columns.clone(), effective, rows }));
        }
    }
    plan.stages.extend(batches(&singles, Stage::Singles));
    plan.stages.extend(batches(&departures, Stage::Departures));
    plan
}

enum Way {
    Single,
    Import { email: bool, columns: Vec<&'static str> },
}

fn way(update: &Update, import: bool) -> Result<Way, String> {
    let (mut columns, mut email, mut single) = (Vec::new(), false, true);
    for change in &update.fields {
        let field = find(&change.field)?;
        field.cell(&change.value)?;
        single &= field.is_single();
        match field.column {
            None => email = true,
            Some(_) => columns.push(field.name),
        }
    }
    columns.sort_unstable();
    columns.dedup();
    let findable = email || update.email.as_ref().is_some_and(|email| !email.trim().is_empty());
    match (single && (!import || !findable), findable) {
        (true, _) => Ok(Way::Single),
        (false, true) => Ok(Way::Import { email, columns }),
        (false, false) => {
            Err("this person has no work address in ChartHop, by which an import would find them".to_owned())
        }
    }
}

/// The fields of somebody new, in the order of the columns.
fn hire_fields() -> impl Iterator<Item = &'static Field> {
    [
        "given_name",
        "family_name",
        "title",
        "start_date",
        "manager",
        "department",
        "location",
        "employment_type",
        "employee_id",
    ]
    .into_iter()
    .filter_map(|name| find(name).ok())
}

/// A value of somebody new, as changes write it; empty: none.
fn hire_value<'p>(person: &'p Person, field: &Field) -> &'p str {
    let job = person.user.employment.as_ref();
    let value = match field.name {
        "email" => person.user.email.as_deref(),
        "given_name" => person.user.given_name.as_deref(),
        "family_name" => person.user.family_name.as_deref(),
        "manager" => person.manager.as_deref(),
        "title" => job.and_then(|job| job.title.as_deref()),
        "start_date" => job.and_then(|job| job.start_date.as_deref()),
        "department" => job.and_then(|job| job.department.as_deref()),
        "location" => job.and_then(|job| job.location.as_deref()),
        "employment_type" => job.and_then(|job| job.employment_type.as_deref()),
        "employee_id" => job.and_then(|job| job.employee_id.as_deref()),
        _ => None,
    };
    value.filter(|value| !value.trim().is_empty()).unwrap_or_default()
}

fn hire_cell<'c>(change: Option<&'c RosterChange>, field: &Field) -> &'c str {
    match change {
        Some(RosterChange::Hire(person)) => hire_value(person, field),
        _ => "",
    }
}

/// The address of somebody new and all cells there could be; a sentence where ChartHop would not take the person.
fn cells_of_hire(person: &Person) -> Result<Vec<String>, String> {
    if person.user.email.as_deref().is_none_or(|email| email.trim().is_empty()) {
        return Err("ChartHop imports nobody without a work address".to_owned());
    }
    let cell = |field: &'static Field| match (hire_value(person, field), field.name) {
        ("", "given_name" | "family_name" | "title" | "start_date") => {
            Err(format!("ChartHop imports nobody without a {}", field.name.replace('_', " ")))
        }
        ("", _) => Ok(String::new()),
        (value, _) => field.cell(value),
    };
    hire_fields().map(cell).collect()
}

/// The address by which an import finds a change's person, once new addresses are written; `dry_run`: they are not.
pub(crate) fn address(change: &RosterChange, dry_run: bool) -> Option<&str> {
    match change {
        RosterChange::Hire(person) => person.user.email.as_deref(),
        RosterChange::Depart(departure) => departure.email.as_deref(),
        RosterChange::Update(update) => {
            let new = new_address(update).filter(|_| !dry_run || update.email.is_none());
            new.or(update.email.as_deref())
        }
    }
}

/// The work address that an update writes.
pub(crate) fn new_address(update: &Update) -> Option<&str> {
    update.fields.iter().find(|change| change.field == "email").map(|change| change.value.as_str())
}

/// The cells of a change behind the address. What cannot be written was refused before.
pub(crate) fn cells(change: &RosterChange, columns: &[&'static Field]) -> Vec<String> {
    let value = |field: &&'static Field| match change {
        RosterChange::Hire(person) => hire_value(person, field),
        RosterChange::Update(update) => {
            update.fields.iter().find(|change| change.field == field.name).map_or("", |change| &change.value)
        }
        RosterChange::Depart(_) => "",
    };
    columns.iter().map(|field| field.cell(value(field)).unwrap_or_default()).collect()
}

/// As many files as the rows need.
fn split(places: &[usize], changes: &[RosterChange]) -> Vec<Vec<usize>> {
    let (mut files, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
    for &place in places {
        let weight = changes.get(place).map_or(0, weight);
        if !rows.is_empty() && (rows.len() == FILE_ROWS || bytes.saturating_add(weight) > FILE_BYTES) {
            files.push(std::mem::take(&mut rows));
            bytes = 0;
        }
        rows.push(place);
        bytes = bytes.saturating_add(weight);
    }
    files.extend((!rows.is_empty()).then_some(rows));
    files
}

/// The most bytes that a row takes: quoted, each quote doubled.
fn weight(change: &RosterChange) -> usize {
    /// Quotes and the comma.
    const AROUND: usize = 3;
    let text = |text: &str| text.len().saturating_add(text.bytes().filter(|byte| *byte == b'"').count()) + AROUND;
    let address = address(change, false).map_or(0, text);
    let cells: usize = match change {
        RosterChange::Hire(person) => hire_fields().map(|field| text(hire_value(person, field))).sum(),
        RosterChange::Update(update) => update.fields.iter().map(|change| text(&change.value)).sum(),
        RosterChange::Depart(_) => 0,
    };
    address.saturating_add(cells)
}
