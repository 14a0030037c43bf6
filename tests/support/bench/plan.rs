//! Planning: two rosters of very many people, read from a store and compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use muster::model::{Employment, Kind, Record, Resource, ResourceId, Status, User};
use muster::packed::Packed;
use muster::store::{self, Close, Done, Ledger, NewRun, Resume, Store};
use serde_json::Value;
use support::seed::Dice;
use tempfile::TempDir;

use crate::figure::{Report, Unit};
use crate::process::{self, Process};
use crate::{Broken, ms};

/// People on either side.
const PEOPLE: u64 = 100_000;
/// Milliseconds and mebibytes that the plan may take.
const WALL_MS: f64 = 2_000.0;
const PEAK_MIB: f64 = 150.0;
/// Of a hundred people of the source, whose title, whose department and whose employment is another at the target, and
/// who is not there.
const OTHER_TITLE: u64 = 2;
const MOVED: u64 = 1;
const NEW: u64 = 1;
const LEFT: u64 = 1;
/// Reports of a manager.
const REPORTS: u64 = 8;
/// Any company; the same in every run.
const SEED: u64 = 20_261_122;

/// What is compared with what.
#[derive(Clone, Copy)]
enum Target {
    /// The same company a day ago.
    Alike,
    /// Nobody at all: everybody is hired.
    Empty,
    /// The same people, and everything else of them is other.
    Other,
}

/// Measures all of it.
pub fn measure(report: &mut Report, runs: u32) -> Result<(), Broken> {
    let cases = [
        ("alike", "a day's changes", Target::Alike, true),
        ("hires", "everybody is to be hired", Target::Empty, false),
        ("other", "everybody changes and moves", Target::Other, false),
    ];
    for (key, what, target, aimed) in cases {
        report.group(&format!("A plan, {PEOPLE} people against {PEOPLE}: {what}"), runs)?;
        let scene = Scene::new(target)?;
        let mut measured = Vec::new();
        for _ in 0..runs {
            measured.push(scene.plan(target)?);
        }
        let walls = measured.iter().map(|process| ms(process.wall));
        report.figure(&format!("plan.{key}.wall"), "wall clock", Unit::Ms, walls, Some(WALL_MS).filter(|_| aimed))?;
        let peaks = measured.iter().map(|process| process.peak_mib);
        report.figure(
            &format!("plan.{key}.peak"),
            "peak memory",
            Unit::MiB,
            peaks,
            Some(PEAK_MIB).filter(|_| aimed),
        )?;
    }
    Ok(())
}

/// A folder with a store of two connections.
struct Scene {
    folder: TempDir,
    muster: PathBuf,
}

impl Scene {
    fn new(target: Target) -> Result<Scene, Broken> {
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("a program without a folder")?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(fill(&folder.path().join("muster.db"), target))?;
        Ok(Scene { folder, muster: beside.join("muster") })
    }

    fn plan(&self, target: Target) -> Result<Process, Broken> {
        let mut command = Command::new(&self.muster);
        command.current_dir(self.folder.path()).args(["plan", "hr", "chart", "--json"]);
        let process = process::run(&command)?;
        // What is fast because it is wrong does not count.
        let plan: Value = serde_json::from_str(&process.output)?;
        let count = |section: &str| plan.get(section).and_then(Value::as_array).map_or(0, Vec::len) as u64;
        let near = |section: &str, percent: u64| (PEOPLE * percent).abs_diff(count(section) * 100) < PEOPLE * 100 / 200;
        let right = match target {
            Target::Alike => {
                near("hires", NEW) && near("changes", OTHER_TITLE) && near("moves", MOVED) && near("departures", LEFT)
            }
            Target::Empty => count("hires") == PEOPLE,
            Target::Other => count("changes") == PEOPLE && count("moves") == PEOPLE,
        };
        if !right {
            let sections = ["hires", "changes", "moves", "departures", "skipped"].map(count);
            return Err(format!("the plan is not what it should be: {sections:?}").into());
        }
        Ok(process)
    }
}

async fn fill(path: &Path, target: Target) -> Result<(), Broken> {
    let (_thread, store) = Store::open(path, &tokio::runtime::Handle::current())?;
    let mut dice = Dice::new(SEED);
    let (mut source, mut there) = (Packed::default(), Packed::default());
    for n in 0..PEOPLE {
        let mut left = false;
        let usual = employment("member", n, &mut dice);
        let mut other = Employment { manager: None, ..usual.clone() };
        other.manager = usual.manager.clone().map(|manager| ResourceId { resource_type: "person".into(), ..manager });
        let mut is_there = true;
        match target {
            Target::Alike => match dice.within(0..=99) {
                roll if roll < OTHER_TITLE => other.title = Some("Something else".into()),
                roll if roll < OTHER_TITLE + MOVED => other.department = Some("Somewhere else".into()),
                roll if roll < OTHER_TITLE + MOVED + NEW => is_there = n * REPORTS <= PEOPLE,
                roll if roll < OTHER_TITLE + MOVED + NEW + LEFT => left = n * REPORTS > PEOPLE,
                _ => {}
            },
            Target::Empty => is_there = false,
            Target::Other => {
                other = Employment { start_date: Some("2001-01-01".into()), ..Employment::default() };
            }
        }
        let last = left.then(|| "2026-11-20".to_owned());
        push(&mut source, person("member", n, Employment { end_date: last, ..usual }, left))?;
        if is_there {
            push(&mut there, person("person", n, other, false))?;
        }
    }
    publish(&store, "hr", source).await?;
    publish(&store, "chart", there).await
}

/// Eight report to each.
fn employment(of_type: &str, n: u64, dice: &mut Dice) -> Employment {
    let manager = (n > 0).then(|| ResourceId { resource_type: of_type.into(), id: id(n / REPORTS) });
    Employment {
        employee_id: Some(format!("{n:06}")),
        title: Some(format!("Job {}", dice.within(0..=400))),
        department: Some(format!("Department {}", dice.within(0..=60))),
        location: Some(format!("Location {}", dice.within(0..=20))),
        employment_type: Some("FULL".into()),
        manager,
        manager_email: None,
        start_date: Some(format!(
            "20{:02}-{:02}-{:02}",
            dice.within(10..=25),
            dice.within(1..=12),
            dice.within(1..=28)
        )),
        end_date: None,
    }
}

/// As long as the vendors' own.
fn id(n: u64) -> String {
    format!("588f7ee98f13{n:012x}")
}

fn person(of_type: &str, n: u64, employment: Employment, left: bool) -> Resource {
    let (given, family) = (format!("Given{}", n % 3_000), format!("Family{}", n % 20_011));
    Resource {
        id: ResourceId { resource_type: of_type.into(), id: id(n) },
        kind: Kind::User,
        name: format!("{given} {family}"),
        parent: None,
        user: Some(User {
            email: Some(format!("given.family.{n}@acme.test")),
            other_emails: vec![],
            login: None,
            given_name: Some(given),
            family_name: Some(family),
            status: if left { Status::Departed } else { Status::Enabled },
            status_detail: None,
            employment: Some(Box::new(employment)),
        }),
        profile: r#"{"jobId":"588f7ee98f13c00000000000"}"#.into(),
    }
}

fn push(packed: &mut Packed, resource: Resource) -> Result<(), Broken> {
    packed.push(&Record::Resource(Box::new(resource))).map_err(|_| "too many people".into())
}

async fn publish(store: &Store, connection: &str, mut records: Packed) -> Result<(), Broken> {
    records.sort();
    let (started, ended) = ("2026-11-22T01:00:00Z".to_owned(), "2026-11-22T01:00:01Z".to_owned());
    let begun = store
        .begin(NewRun {
            connection: connection.into(),
            started,
            connector: "none".into(),
            version: "1.0.0".into(),
            digest: String::new(),
            contract: String::new(),
            settings: String::new(),
            resume: Resume { since: String::new(), never: None },
            scope: None,
        })
        .await?;
    store.commit(begun.run, Done { task: 0, tries: 1, records, follow_ups: vec![], share: None }).await?;
    let status = store::Status::Published;
    let close = Close { status, ended, max_removals_percent: 100, report: serde_json::json!({}) };
    let closed = store.close(begun.run, close).await?;
    if closed.status != store::Status::Published {
        return Err(format!("the roster {connection} was not published: {:?}", closed.objections).into());
    }
    Ok(())
}
