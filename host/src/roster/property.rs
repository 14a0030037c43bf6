//! Any roster against any other: what is planned, carried out on a target in memory, leaves nothing to plan; managers
//! come before those who report to them; nobody but those of the source is touched, and nothing is blanked.

use super::Field;
use super::make::{Rosters, make};
use super::options::{ChangeKind, Contractors, Departures, MissingLocation, Options, PersonFields};
use super::plan::{Plan, Snapshot};
use super::sketch::{Sketch, people};
use super::stale::{Verdict, newly_skipped, remaining, verdict};
use super::texts::{Texts, folded};
use std::collections::{HashMap, HashSet};

const TODAY: &str = "2026-11-22";

/// Random numbers that are the same for the same seed (xorshift64*: Vigna, 2016).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `n`.
    fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn pick(&mut self, of: &[&str]) -> String {
        of[usize::try_from(self.roll(of.len() as u64)).expect("small")].to_owned()
    }
}

/// Somebody of few, so that addresses and ids meet, also where they should not.
fn person(dice: &mut Dice, n: u64, count: u64, prefix: &str) -> Sketch {
    let number = if dice.one_in(8) { dice.roll(count) } else { n };
    let address = if dice.one_in(10) { dice.roll(count) } else { n };
    let at = dice.pick(&["acme.test", "acme.test", "acme.test", "Acme.Test ", "new.test"]);
    let days = ["2020-01-01", "2026-11-01", "2019-05-05", "2027-02-02", "2027-02-02", "2026-11-01", "2019-05-05", ""];
    let mut sketch = Sketch::new(&format!("{prefix}{n}"))
        .name(
            &dice.pick(&["Ann", "Bo", "Cy", "Di", "Ed", "Fay", ""]),
            &dice.pick(&["Lee", "Leigh", " Ito ", "Poe", "Roe", "Sy", ""]),
        )
        .email(&if dice.one_in(9) { String::new() } else { format!("p{address}@{at}") })
        .number(&if dice.one_in(3) { String::new() } else { format!("{number:03}") })
        .title(&dice.pick(&["Maker", "Baker", " Maker", "Cook", "Cook", "Cook", "a\u{7}b", ""]))
        .department(&dice.pick(&["R&D", "Sales", ""]))
        .location(&dice.pick(&["Bonn", "Remote", "", ""]))
        .kind(&dice.pick(&["FULL", "part_time", "employee", "contractor", "CONTRACT", "odd", ""]))
        .starts(&dice.pick(&days));
    if !dice.one_in(6) {
        // Perhaps nobody, perhaps the person itself, often a circle.
        let manager = dice.roll(count + 1);
        sketch = match dice.one_in(4) {
            true => sketch.manager_by(&format!("P{manager}@acme.test")),
            false => sketch.manager(&format!("{prefix}{manager}")),
        };
    }
    match dice.roll(10) {
        0 => sketch.departed().ends(&dice.pick(&["2026-10-01", "2018-01-01", ""])),
        1 => sketch.ends(&dice.pick(&["2027-05-05", "2018-01-01"])),
        _ => sketch,
    }
}

fn roster(dice: &mut Dice, prefix: &str) -> Vec<Sketch> {
    let count = 1 + dice.roll(24);
    (0..count).map(|n| person(dice, n, count, prefix)).collect()
}

fn options(dice: &mut Dice, source: &[Sketch]) -> Options {
    let usual = Options::default();
    let kinds =
        if dice.one_in(2) { usual.kinds } else { ChangeKind::ALL.into_iter().filter(|_| !dice.one_in(3)).collect() };
    let somebody = || source.iter().find(|s| !s.departed && !s.name.is_empty());
    Options {
        exclude: if dice.one_in(4) { vec!["s1".to_owned(), "003".to_owned()] } else { vec![] },
        contractors: if dice.one_in(2) { Contractors::Include } else { Contractors::Exclude },
        kinds,
        person_fields: if dice.one_in(3) { PersonFields::Fill } else { PersonFields::Overwrite },
        missing_location: if dice.one_in(3) { MissingLocation::Remote } else { MissingLocation::Blank },
        departures: if dice.one_in(3) { Departures::Backfill } else { Departures::Sync },
        history_days: if dice.one_in(4) { Some(60) } else { None },
        org_head: if dice.one_in(4) { somebody().map(|s| s.name.clone()) } else { None },
    }
    .in_form()
}

fn rosters(source: &[Sketch], target: &[Sketch]) -> Rosters {
    let mut texts = Texts::default();
    let (source, target) = (people(&mut texts, "member", source), people(&mut texts, "person", target));
    let snapshot = |connection: &str| Snapshot { connection: connection.to_owned(), run: 1 };
    Rosters { texts, source, target, from: snapshot("hr"), to: snapshot("chart"), today: TODAY.to_owned() }
}

/// A target that does what it is told: the one that is meant by an address is who has it and works there.
struct Target(Vec<Sketch>);

impl Target {
    fn by_address(&self, address: &str) -> Option<usize> {
        let is = |s: &Sketch| folded(&s.email) == folded(address);
        self.0.iter().position(|s| is(s) && !s.departed).or_else(|| self.0.iter().position(is))
    }

    fn by_key(&mut self, key: &str) -> &mut Sketch {
        self.0.iter_mut().find(|s| format!("person:{}", s.id) == key).expect("a person of the target")
    }

    fn manager(&self, address: &str) -> String {
        self.0[self.by_address(address).unwrap_or_else(|| panic!("{address} is nobody of the target"))].id.clone()
    }

    fn set(&mut self, at: usize, field: Field, value: &str) {
        let manager = if field == Field::Manager { self.manager(value) } else { String::new() };
        if field == Field::Email {
            // Whom others report to is called by the new one.
            let old = folded(&self.0[at].email);
            let called = self.0.iter_mut().filter(|s| !old.is_empty() && folded(&s.manager_email) == old);
            called.for_each(|s| value.clone_into(&mut s.manager_email));
        }
        let person = &mut self.0[at];
        if field == Field::Manager {
            person.manager_email.clear();
        }
        let to = match field {
            Field::GivenName => &mut person.given_name,
            Field::FamilyName => &mut person.family_name,
            Field::Email => &mut person.email,
            Field::EmployeeId => &mut person.number,
            Field::Title => &mut person.title,
            Field::Department => &mut person.department,
            Field::Location => &mut person.location,
            Field::EmploymentType => &mut person.employment_type,
            Field::Manager => &mut person.manager,
            Field::StartDate => &mut person.start,
        };
        *to = if field == Field::Manager { manager } else { value.to_owned() };
    }

    /// Changes of people first: their addresses may be new, and managers are named by them.
    fn carry_out(&mut self, plan: &Plan) {
        let place = |target: &mut Target, key: &str| {
            let id = target.by_key(key).id.clone();
            target.0.iter().position(|s| s.id == id).expect("it")
        };
        for change in &plan.changes {
            let at = place(self, &change.id);
            change.fields.iter().for_each(|f| self.set(at, f.field, &f.new));
        }
        for hire in &plan.hires {
            let at = match self.by_address(&hire.email) {
                Some(at) => {
                    assert!(self.0[at].departed, "{} works there already", hire.email);
                    at
                }
                None => {
                    self.0.push(Sketch::new(&format!("h{}", self.0.len())));
                    self.0.len() - 1
                }
            };
            (self.0[at].departed, self.0[at].end) = (false, String::new());
            hire.fields.iter().for_each(|(field, value)| self.set(at, *field, value));
        }
        for change in &plan.moves {
            let at = place(self, &change.id);
            change.fields.iter().for_each(|f| self.set(at, f.field, &f.new));
        }
        for departure in &plan.departures {
            let at = place(self, &departure.id);
            self.0[at].end.clone_from(&departure.date);
            self.0[at].departed = departure.date.as_str() < TODAY;
        }
    }
}

/// How much came of all cases: a property that never meets anything proves nothing.
#[derive(Debug, Default)]
struct Met {
    hires: usize,
    below: usize,
    changes: usize,
    moves: usize,
    departures: usize,
    circles: usize,
    unclear: usize,
    rehired: usize,
}

#[test]
fn what_was_planned_and_carried_out_leaves_nothing_to_plan() {
    let mut met = Met::default();
    for seed in 1..=5000 {
        let mut dice = Dice::new(seed);
        let (source, before) = (roster(&mut dice, "s"), roster(&mut dice, "t"));
        let options = options(&mut dice, &source);
        let Ok(made) = make(&rosters(&source, &before), &options) else { continue };
        let plan = made.plan;
        let text = serde_json::to_string(&plan).expect("JSON");
        assert_eq!(Plan::read(&text).as_ref(), Ok(&plan), "seed {seed}: it can be read back");
        assert_eq!(verdict(&plan, &plan), Verdict::Holds, "seed {seed}");
        in_order(&plan, &before, &mut met, seed);
        let mut target = Target(before.clone());
        target.carry_out(&plan);
        only_its_people(&plan, &source, &before, &target.0, seed);
        let mut again = make(&rosters(&source, &target.0), &options).expect("a plan").plan;
        // Who was hired and is going to leave is let go by the next plan.
        let hired: HashSet<String> = plan.hires.iter().map(|hire| folded(&hire.email)).collect();
        let is_hired = |email: &Option<super::Word>| email.as_ref().is_some_and(|email| hired.contains(&folded(email)));
        let later = again.departures.iter().all(|d| is_hired(&d.email) && d.date.as_str() > TODAY);
        assert!(later, "seed {seed}: {:#?}", again.departures);
        if !again.departures.is_empty() {
            assert!(again.hires.is_empty() && again.changes.is_empty() && again.moves.is_empty(), "seed {seed}");
            target.carry_out(&again);
            again = make(&rosters(&source, &target.0), &options).expect("a plan").plan;
        }
        assert!(again.is_empty(), "seed {seed}: {again:#?}\nafter {plan:#?}");
        assert!(remaining(&plan, &again).is_empty());
        assert_eq!(newly_skipped(&plan, &again), [] as [String; 0], "seed {seed}");
        count(&plan, &before, &mut met);
    }
    let least = [met.hires, met.below, met.changes, met.moves, met.departures, met.circles, met.unclear, met.rehired];
    assert!(least.iter().all(|n| *n > 100), "{met:?}");
}

/// Managers before those who report to them, and every manager is somebody.
fn in_order(plan: &Plan, before: &[Sketch], met: &mut Met, seed: u64) {
    let changed = plan.changes.iter().flat_map(|c| &c.fields).filter(|f| f.field == Field::Email);
    let mut there: HashSet<String> = before.iter().map(|s| folded(&s.email)).collect();
    there.extend(changed.map(|f| folded(&f.new)));
    let hired: HashSet<String> = plan.hires.iter().map(|hire| folded(&hire.email)).collect();
    for hire in &plan.hires {
        if let Some(manager) = hire.fields.get(&Field::Manager) {
            assert!(there.contains(&folded(manager)), "seed {seed}: {manager} comes after {}", hire.email);
            met.below += usize::from(hired.contains(&folded(manager)));
        }
        there.insert(folded(&hire.email));
    }
}

/// Who is in the target alone is as before, and whoever has something has something after it.
fn only_its_people(plan: &Plan, source: &[Sketch], before: &[Sketch], after: &[Sketch], seed: u64) {
    let addresses: HashSet<String> = source.iter().map(|s| folded(&s.email)).filter(|a| !a.is_empty()).collect();
    let numbers: HashSet<&str> = source.iter().map(|s| s.number.as_str()).filter(|n| !n.is_empty()).collect();
    let after: HashMap<&str, &Sketch> = after.iter().map(|s| (s.id.as_str(), s)).collect();
    for person in before {
        let now = after[person.id.as_str()];
        if !addresses.contains(&folded(&person.email)) && !numbers.contains(person.number.as_str()) {
            // The target calls the manager by an address that may be new.
            let called =
                |s: &Sketch| (!s.manager_email.is_empty(), Sketch { manager_email: String::new(), ..s.clone() });
            assert_eq!(called(now), called(person), "seed {seed}");
            let key = format!("person:{}", person.id);
            let named = plan.skipped.iter().any(|s| s.who.contains(&key));
            assert!(!named, "seed {seed}: {key} is nobody's business");
        }
        let kept = [
            (&person.given_name, &now.given_name),
            (&person.family_name, &now.family_name),
            (&person.email, &now.email),
            (&person.number, &now.number),
            (&person.title, &now.title),
            (&person.department, &now.department),
            (&person.location, &now.location),
            (&person.employment_type, &now.employment_type),
            (&person.start, &now.start),
        ];
        let manager = |s: &Sketch| s.manager.clone() + &s.manager_email;
        assert!(manager(person).is_empty() || !manager(now).is_empty(), "seed {seed}: {person:?} → {now:?}");
        assert!(kept.iter().all(|(old, new)| old.is_empty() || !new.is_empty()), "seed {seed}: {person:?} → {now:?}");
    }
}

fn count(plan: &Plan, before: &[Sketch], met: &mut Met) {
    met.hires += plan.hires.len();
    met.changes += plan.changes.len();
    met.moves += plan.moves.len();
    met.departures += plan.departures.len();
    met.circles += plan.skipped.iter().filter(|s| s.reason.contains("form a circle")).count();
    met.unclear += plan.skipped.iter().filter(|s| s.reason.starts_with("several people")).count();
    let gone: HashSet<String> = before.iter().filter(|s| s.departed).map(|s| folded(&s.email)).collect();
    met.rehired += plan.hires.iter().filter(|hire| gone.contains(&folded(&hire.email))).count();
}
