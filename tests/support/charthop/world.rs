//! What is in a fake ChartHop: the organization, its people, its groups and their types.
//!
//! People are made from their number when they are asked for; only those that a test changed are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use super::person::{Person, Stage};

/// The organization.
#[derive(Clone, Debug)]
pub struct Org {
    pub id: String,
    pub slug: String,
    pub name: String,
}

/// A type of groups.
#[derive(Clone, Debug)]
pub struct GroupType {
    pub id: String,
    pub name: String,
    pub field: String,
    pub code: Option<String>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// The id of its type.
    pub of_type: String,
    pub parent: Option<String>,
    /// No longer in use: only lists that ask for it have it.
    pub archived: bool,
}

/// How many people there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) current: u64,
    pub(super) starting: u64,
    pub(super) former: u64,
    pub(super) idle: u64,
}

impl Size {
    fn all(self) -> u64 {
        self.current + self.starting + self.former + self.idle
    }

    fn stage(self, number: u64) -> Stage {
        match number {
            n if n <= self.current => Stage::Current,
            n if n <= self.current + self.starting => Stage::Starting,
            n if n <= self.current + self.starting + self.former => Stage::Former,
            _ => Stage::Idle,
        }
    }
}

/// A place that somebody left, and that stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenJob {
    /// Who left it.
    pub number: u64,
    pub date: String,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct World {
    pub org: Org,
    pub types: Vec<GroupType>,
    /// By id.
    pub groups: BTreeMap<String, Group>,
    /// The changes that were made one by one: what they say, and their ids.
    pub changes: BTreeMap<String, String>,
    /// What is to be from a later day on: person, field, value, day. No list shows it.
    pub scheduled: BTreeSet<(u64, String, String, String)>,
    pub open_jobs: Vec<OpenJob>,
    pub(super) size: Size,
    seed: u64,
    /// None: deleted.
    changed: BTreeMap<u64, Option<Person>>,
}

/// Ids are 24 hexadecimal digits that begin like this; what follows is a number.
const ID_START: &str = "588f7ee98f13";
const PERSON: u64 = 0xb000_0000_0000;
const JOB: u64 = 0xc000_0000_0000;
const GROUP: u64 = 0xd000_0000_0000;
const TYPE: u64 = 0xe000_0000_0000;
const PROCESS: u64 = 0xf100_0000_0000;
const CHANGE: u64 = 0xf200_0000_0000;

/// The number of the type of departments.
pub(super) const DEPARTMENT: u64 = 1;
/// The number of the type of offices.
pub(super) const OFFICE: u64 = 2;

fn id(base: u64, number: u64) -> String {
    format!("{ID_START}{:012x}", base + number)
}

/// The id of the person with this number.
pub fn person_id(number: u64) -> String {
    id(PERSON, number)
}

/// The id of the job that the person with this number is in.
pub fn job_id(number: u64) -> String {
    id(JOB, number)
}

/// The id of the group with this number.
pub fn group_id(number: u64) -> String {
    id(GROUP, number)
}

/// The number in a person's id.
pub(super) fn number_of(id: &str) -> Option<u64> {
    number_above(PERSON, id)
}

/// The number in a job's id.
pub(super) fn job_number_of(id: &str) -> Option<u64> {
    number_above(JOB, id)
}

/// The id of the process with this number.
pub(super) fn process_id(number: u64) -> String {
    id(PROCESS, number)
}

/// The id of the change with this number.
pub(super) fn change_id(number: u64) -> String {
    id(CHANGE, number)
}

fn number_above(base: u64, id: &str) -> Option<u64> {
    let digits = id.strip_prefix(ID_START).filter(|rest| rest.len() == 12)?;
    u64::from_str_radix(digits, 16).ok()?.checked_sub(base).filter(|number| *number < JOB - PERSON)
}

/// SplitMix64 of a seed and a number.
pub(super) fn mixed(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Of everybody's names some are written from right to left, and some have marks, blanks and joiners.
const FIRST: [&str; 16] = [
    "Alma",
    "Boris",
    "Zoë",
    "Dario",
    "مريم",
    "Felix",
    "李",
    "Hugo",
    "שרה",
    "Jonas",
    "Kira",
    "Łukasz",
    "Mina",
    "👩\u{200d}🚀 Ast",
    "O'Neill \"Bo\"",
    "Paul\u{202e}gnp",
];
const LAST: [&str; 16] = [
    "Abend",
    "Bach",
    "العلي",
    "Dorn",
    "Eklund",
    "山田",
    "Grau",
    "Ñandú",
    "Ito",
    "כהן",
    "Kovac",
    "Lund",
    "Moreau",
    "<b>Novak</b>",
    "Okafor",
    "van der Berg",
];
const DEPARTMENTS: [&str; 8] =
    ["Everybody", "Engineering", "Sales", "Support", "المالية", "Legal & Risk", "Ops", "Research"];
const LOCATIONS: [&str; 4] = ["Harbour", "São Paulo", "東京", "Remote"];
const TEAMS: u64 = 20;
const GUILDS: [&str; 3] = ["Runners", "Ünïcode", "a:b/c?d"];

/// The numbers of a kind's groups begin here.
const FIRST_DEPARTMENT: u64 = 100;
const FIRST_LOCATION: u64 = 200;
const FIRST_TEAM: u64 = 300;
const FIRST_GUILD: u64 = 400;
/// A group that is no longer in use.
const ARCHIVED: u64 = 900;

impl World {
    pub(super) fn new(size: Size, seed: u64) -> Self {
        let org = Org { id: id(0xa000_0000_0000, 1), slug: "acme".to_owned(), name: "Acme Corp".to_owned() };
        let of = |number, name: &str, field: &str, code: Option<&str>| GroupType {
            id: id(TYPE, number),
            name: name.to_owned(),
            field: field.to_owned(),
            code: code.map(str::to_owned),
        };
        let types = vec![
            of(1, "Department", "department", Some("DEPARTMENT")),
            of(2, "Office", "location", Some("LOCATION")),
            of(3, "Team", "team", Some("TEAM")),
            // The customer's own.
            of(4, "Guild", "guild", None),
        ];
        let mut world = World {
            org,
            types,
            groups: BTreeMap::new(),
            changes: BTreeMap::new(),
            scheduled: BTreeSet::new(),
            open_jobs: Vec::new(),
            size,
            seed,
            changed: BTreeMap::new(),
        };
        for (number, name) in (FIRST_DEPARTMENT..).zip(DEPARTMENTS) {
            world.add_group(number, name, 1, (number > FIRST_DEPARTMENT).then_some(FIRST_DEPARTMENT));
        }
        for (number, name) in (FIRST_LOCATION..).zip(LOCATIONS) {
            world.add_group(number, name, 2, None);
        }
        for number in 0..TEAMS {
            let parent = FIRST_DEPARTMENT + number % DEPARTMENTS.len() as u64;
            world.add_group(FIRST_TEAM + number, &format!("team {number}"), 3, Some(parent));
        }
        for (number, name) in (FIRST_GUILD..).zip(GUILDS) {
            world.add_group(number, name, 4, (number > FIRST_GUILD).then_some(number - 1));
        }
        world.add_group(ARCHIVED, "Closed long ago", 1, None);
        world.groups.get_mut(&group_id(ARCHIVED)).unwrap().archived = true;
        world
    }

    /// One more group, of the type with this number.
    pub fn add_group(&mut self, number: u64, name: &str, of_type: u64, parent: Option<u64>) {
        let group = Group {
            id: group_id(number),
            name: name.to_owned(),
            of_type: id(TYPE, of_type),
            parent: parent.map(group_id),
            archived: false,
        };
        self.groups.insert(group.id.clone(), group);
    }

    /// The person of a number; none where there is none.
    pub fn person(&self, number: u64) -> Option<Person> {
        match self.changed.get(&number) {
            Some(changed) => changed.clone(),
            None => (1..=self.size.all()).contains(&number).then(|| self.made(number)),
        }
    }

    /// Where a person is, without making it.
    pub(super) fn stage(&self, number: u64) -> Option<Stage> {
        match self.changed.get(&number) {
            Some(changed) => changed.as_ref().map(|person| person.stage),
            None => (1..=self.size.all()).contains(&number).then(|| self.size.stage(number)),
        }
    }

    /// The numbers of all there are, from this one on.
    pub(super) fn numbers(&self, from: u64) -> impl Iterator<Item = u64> {
        let last = self.next_number() - 1;
        (from.max(1)..=last).filter(|number| self.stage(*number).is_some())
    }

    /// Everybody.
    pub fn persons(&self) -> impl Iterator<Item = Person> {
        self.numbers(1).filter_map(|number| self.person(number))
    }

    /// How many are where.
    pub(super) fn count(&self, stage: Stage) -> u64 {
        let Size { current, starting, former, idle } = self.size;
        let mut count = match stage {
            Stage::Current => current,
            Stage::Starting => starting,
            Stage::Former => former,
            Stage::Idle => idle,
        };
        for (number, changed) in &self.changed {
            count -= u64::from(*number <= self.size.all() && self.size.stage(*number) == stage);
            count += u64::from(changed.as_ref().is_some_and(|person| person.stage == stage));
        }
        count
    }

    /// Adds a person, or puts it in place of the one of its number.
    pub fn put(&mut self, person: Person) {
        self.changed.insert(person.number, Some(person));
    }

    /// Who has which work address, written small.
    pub fn emails(&self) -> HashMap<String, u64> {
        let mut emails = HashMap::new();
        for person in self.persons() {
            if let Some(email) = person.email {
                emails.entry(email.to_lowercase()).or_insert(person.number);
            }
        }
        emails
    }

    /// The person of this work address.
    pub fn by_email(&self, email: &str) -> Option<Person> {
        self.persons().find(|person| person.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email)))
    }

    /// A manager's address, without making the manager.
    pub(super) fn manager_email(&self, number: u64) -> String {
        let known = self.changed.get(&number).and_then(|person| person.as_ref()?.email.clone());
        known.unwrap_or_else(|| format!("person.{number}@acme.test"))
    }

    /// The id of a group in use, by its exact name.
    pub(super) fn group_named(&self, of_type: u64, name: &str) -> Option<&str> {
        let of_type = id(TYPE, of_type);
        let mut groups = self.groups.values();
        let group = groups.find(|group| group.of_type == of_type && group.name == name && !group.archived)?;
        Some(&group.id)
    }

    /// One more group of that type, behind all others.
    pub(super) fn new_group(&mut self, of_type: u64, name: &str) -> String {
        let last = self.groups.keys().next_back().and_then(|id| number_above(GROUP, id)).unwrap_or(0);
        self.add_group(last + 1, name, of_type, None);
        group_id(last + 1)
    }

    /// Takes a person out of the department or the office, and puts it into another one.
    pub(super) fn regroup(&self, person: &mut Person, of_type: u64, group: Option<&str>) {
        let type_id = id(TYPE, of_type);
        let of_that = |id: &String| self.groups.get(id).is_some_and(|group| group.of_type == type_id);
        person.groups.retain(|id| !of_that(id));
        person.groups.extend(group.map(str::to_owned));
        let name = group.and_then(|id| self.groups.get(id)).map(|group| group.name.clone());
        match of_type {
            DEPARTMENT => person.department = name,
            OFFICE => person.location = name,
            _ => {}
        }
    }

    /// Which of both types a group is of.
    pub(super) fn type_number(&self, group: &str) -> Option<u64> {
        let of_type = &self.groups.get(group)?.of_type;
        [DEPARTMENT, OFFICE].into_iter().find(|number| *of_type == id(TYPE, *number))
    }

    /// Changes a person.
    pub fn edit_person(&mut self, number: u64, change: impl FnOnce(&mut Person)) {
        let mut person = self.person(number).expect("a person of that number");
        change(&mut person);
        self.put(person);
    }

    /// Deletes a person: not a departure, but as if it had never been.
    pub fn delete(&mut self, number: u64) {
        self.changed.insert(number, None);
    }

    /// A number behind all others.
    pub fn next_number(&self) -> u64 {
        self.changed.keys().next_back().copied().unwrap_or(0).max(self.size.all()) + 1
    }

    /// One more person who works here, with a number behind all others.
    pub fn hire(&mut self) -> u64 {
        let number = self.next_number();
        let made = Person { number, stage: Stage::Current, end: None, ..self.made(1 + number % 64) };
        self.put(Person { email: Some(format!("hired.{number}@acme.test")), ..made });
        number
    }

    /// Somebody leaves today's world for the former ones.
    pub fn depart(&mut self, number: u64) {
        self.edit_person(number, |person| {
            person.stage = Stage::Former;
            person.end = Some("2021-06-30".to_owned());
        });
    }

    fn made(&self, number: u64) -> Person {
        let random = mixed(self.seed, number);
        let pick = |of: &[&str], shift: u32| of[(random >> shift) as usize % of.len()].to_owned();
        let stage = self.size.stage(number);
        let (first, last) = (pick(&FIRST, 0), pick(&LAST, 8));
        let employed = stage != Stage::Idle;
        let every = |nth| number.is_multiple_of(nth);
        let department = (random >> 16) % DEPARTMENTS.len() as u64;
        let location = (random >> 24) % LOCATIONS.len() as u64;
        let mut groups = BTreeSet::new();
        if employed {
            groups.extend([FIRST_DEPARTMENT + department, FIRST_LOCATION + location].map(group_id));
        }
        if every(3) && employed {
            groups.insert(group_id(FIRST_TEAM + (random >> 32) % TEAMS));
        }
        if every(5) && employed {
            groups.insert(group_id(FIRST_GUILD + number % GUILDS.len() as u64));
        }
        // Somebody whom ChartHop puts into no group.
        if every(17) {
            groups.clear();
        }
        let day = |year: u64| Some(format!("{year}-{:02}-{:02}", 1 + random % 12, 1 + random % 28));
        Person {
            number,
            pref: (every(7)).then(|| "Pref".to_owned()),
            email: (!every(23)).then(|| format!("person.{number}@acme.test")),
            employee: employed.then(|| if every(2) { number.to_string() } else { format!("{number:06}") }),
            title: employed.then(|| format!("Job {}", random % 40)),
            manager: (employed && number > 1).then(|| (number / 8).max(1)),
            department: employed.then(|| DEPARTMENTS[department as usize].to_owned()),
            location: (employed && !every(11)).then(|| LOCATIONS[location as usize].to_owned()),
            start: match stage {
                Stage::Starting => day(2090 + random % 9),
                Stage::Idle => None,
                _ => day(2010 + random % 9),
            },
            end: (stage == Stage::Former).then(|| day(2020 + random % 4)).flatten(),
            employment: employed.then(|| ["FULL", "PART", "CONTRACT"][random as usize % 3].to_owned()),
            groups,
            stage,
            first,
            last,
        }
    }
}
