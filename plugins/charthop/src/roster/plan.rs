//! What is written in which order: the same for the same changes, so that a step is found again after a crash. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use muster_sdk::roster::{FieldChange, Person, RosterChange, RosterOptions, Update};

use super::addresses::{Addresses, folded, new_address};
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
    pub(crate) addresses: Addresses,
}

/// Plans the changes.
pub(crate) fn plan(changes: &[RosterChange], options: &RosterOptions) -> Plan {
    let many = changes.iter().filter(|change| !matches!(change, RosterChange::Depart(_))).count() > SMALL;
    let written = changes.iter().filter(|change| is_written(change));
    let mut plan = Plan { addresses: Addresses::new(written, options.dry_run), ..Plan::default() };
    let (mut emails, mut singles, mut departures, mut hires) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut files: BTreeMap<(Option<&str>, Vec<&'static str>), Vec<usize>> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        let way = match change {
            RosterChange::Hire(person) => cells_of_hire(person).map(|_| hires.push(place)),
            RosterChange::Depart(_) => {
                departures.push(place);
                Ok(())
            }
            RosterChange::Update(update) => way(update, many, options.dry_run, &plan.addresses).map(|way| {
                // Whatever else is written: managers are named by addresses, and rows found by them.
                if new_address(update).is_some() {
                    emails.push(place);
                }
                match way {
                    Way::Nothing => {}
                    Way::Single => singles.push(place),
                    Way::Import(columns) => {
                        files.entry((update.effective.as_deref(), columns)).or_default().push(place)
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
    plan.stages.extend(files_of_hires(&hires, changes, &plan.addresses).into_iter().map(Stage::Import));
    for ((effective, names), places) in files {
        let columns: Vec<&'static Field> = names.iter().filter_map(|name| find(name).ok()).collect();
        let mut open: Option<Room> = None;
        for place in places {
            let weight = changes.get(place).map_or(0, |change| weight(change, &plan.addresses));
            match open.as_mut().filter(|room| room.takes(weight)) {
                Some(room) => room.add(place, weight),
                None => {
                    let file =
                        File { columns: columns.clone(), effective: effective.map(str::to_owned), ..File::default() };
                    plan.stages
                        .extend(open.replace(Room::new(file, place, weight)).map(|room| Stage::Import(room.file)));
                }
            }
        }
        plan.stages.extend(open.map(|room| Stage::Import(room.file)));
    }
    plan.stages.extend(batches(&singles, Stage::Singles));
    plan.stages.extend(batches(&departures, Stage::Departures));
    plan
}

/// How an update is written, beside its new address.
enum Way {
    Nothing,
    Single,
    Import(Vec<&'static str>),
}

/// The fields of an update; a sentence where one cannot be written.
fn checked(update: &Update) -> Result<Vec<&'static Field>, String> {
    let field = |change: &FieldChange| find(&change.field).and_then(|field| field.cell(&change.value).map(|_| field));
    update.fields.iter().map(field).collect()
}

/// Whether a change can be written at all.
fn is_written(change: &RosterChange) -> bool {
    match change {
        RosterChange::Hire(person) => cells_of_hire(person).is_ok(),
        RosterChange::Update(update) => checked(update).is_ok(),
        RosterChange::Depart(_) => true,
    }
}

fn way(update: &Update, many: bool, dry_run: bool, addresses: &Addresses) -> Result<Way, String> {
    let mut fields = checked(update)?;
    fields.retain(|field| field.column.is_some());
    let finds = |address: Option<&str>| address.is_some_and(|address| !address.trim().is_empty());
    let (now, later) = (finds(update.email.as_deref()), finds(addresses.written(update)));
    let single = fields.iter().all(|field| field.is_single());
    if fields.is_empty() {
        return Ok(Way::Nothing);
    }
    if !single && !later {
        return Err("this person has no work address in ChartHop, by which an import would find them".to_owned());
    }
    // What only the plan itself makes possible cannot be tried in a dry run: the person is looked at.
    if dry_run {
        let manager = value(update, "manager");
        fields.retain(|field| field.name != "manager" || addresses.is_there(manager));
    }
    let found = if dry_run { now } else { later };
    if fields.is_empty() || !found || single && !many && !dry_run {
        return Ok(Way::Single);
    }
    let mut columns: Vec<&'static str> = fields.iter().map(|field| field.name).collect();
    columns.sort_unstable();
    columns.dedup();
    Ok(Way::Import(columns))
}

/// A new value of an update; empty: none.
fn value<'u>(update: &'u Update, field: &str) -> &'u str {
    update.fields.iter().find(|change| change.field == field).map_or("", |change| &change.value)
}

/// A file that may take more rows.
struct Room {
    file: File,
    bytes: usize,
}

impl Room {
    fn new(mut file: File, place: usize, weight: usize) -> Room {
        file.rows.push(place);
        Room { file, bytes: weight }
    }

    fn takes(&self, weight: usize) -> bool {
        self.file.rows.len() < FILE_ROWS && self.bytes.saturating_add(weight) <= FILE_BYTES
    }

    fn add(&mut self, place: usize, weight: usize) {
        self.file.rows.push(place);
        self.bytes = self.bytes.saturating_add(weight);
    }
}

/// A file for each set of filled columns: somebody new may be there after all, and an empty cell might blank a field.
/// Nobody comes before their manager. The manager's cell alone may be empty: the head has none.
fn files_of_hires(hires: &[usize], changes: &[RosterChange], addresses: &Addresses) -> Vec<File> {
    let (mut rooms, mut file_of): (Vec<Room>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    for &place in hires {
        let Some(change @ RosterChange::Hire(person)) = changes.get(place) else { continue };
        let filled = |field: &&Field| field.name == "manager" || !hire_value(person, field).is_empty();
        let columns: Vec<&'static Field> = hire_fields().filter(filled).collect();
        let least = person.manager.as_deref().and_then(|manager| file_of.get(&folded(manager)).copied()).unwrap_or(0);
        let weight = weight(change, addresses);
        let fits = |room: &Room| room.file.columns == columns && room.takes(weight);
        let found = rooms.iter().enumerate().skip(least).find(|(_, room)| fits(room)).map(|(at, _)| at);
        let at = found.unwrap_or(rooms.len());
        match rooms.get_mut(at) {
            Some(room) => room.add(place, weight),
            None => rooms.push(Room::new(File { hires: true, columns, ..File::default() }, place, weight)),
        }
        file_of.insert(person.user.email.as_deref().map(folded).unwrap_or_default(), at);
    }
    rooms.into_iter().map(|room| room.file).collect()
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

/// The cells of a change behind the address; `beside`: who is hired by the same file, their addresses folded. What
/// cannot be written was refused before.
pub(crate) fn cells(
    change: &RosterChange,
    columns: &[&'static Field],
    addresses: &Addresses,
    beside: &HashSet<String>,
) -> Vec<String> {
    let value = |field: &&'static Field| match change {
        RosterChange::Hire(person) => hire_value(person, field),
        RosterChange::Update(update) => value(update, field.name),
        RosterChange::Depart(_) => "",
    };
    let named = |field: &&'static Field| match (field.name, value(field)) {
        ("manager", manager) => addresses.manager(manager, beside).unwrap_or_default(),
        (_, value) => value,
    };
    columns.iter().map(|field| field.cell(named(field)).unwrap_or_default()).collect()
}

/// The most bytes that a row takes: quoted, each quote doubled.
fn weight(change: &RosterChange, addresses: &Addresses) -> usize {
    /// Quotes and the comma.
    const AROUND: usize = 3;
    let text = |text: &str| text.len().saturating_add(text.bytes().filter(|byte| *byte == b'"').count()) + AROUND;
    let address = addresses.of(change).map_or(0, text);
    let cells: usize = match change {
        RosterChange::Hire(person) => hire_fields().map(|field| text(hire_value(person, field))).sum(),
        RosterChange::Update(update) => update.fields.iter().map(|change| text(&change.value)).sum(),
        RosterChange::Depart(_) => 0,
    };
    address.saturating_add(cells)
}
