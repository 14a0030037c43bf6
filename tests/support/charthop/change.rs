//! Changes one by one: made only where an equal one does not exist.

use serde_json::{Value, json};

use super::import::differences;
use super::table::is_day;
use super::world::{OpenJob, Person, World, change_id, job_id, job_number_of, number_of, person_id};
use super::writable::Applied;

/// Why a change is refused: the status and the words.
pub(super) type Refusal = (u16, String);

/// A change that exists now, and what it did to the world.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) change: Value,
    pub(super) applied: Vec<Applied>,
}

fn bad(why: impl Into<String>) -> Refusal {
    (400, why.into())
}

/// Makes the change of this type that a body describes. `next` is the number of the next change.
pub(super) fn sync(world: &mut World, of: &str, body: &Value, today: &str, next: u64) -> Result<Made, Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if text("type").is_some_and(|named| named != of) {
        return Err(bad("the type of the body is not that of the path"));
    }
    let person = whose(world, text("jobId"), text("personId"))?;
    let date = text("date").filter(|date| is_day(date)).ok_or_else(|| bad("date has to be YYYY-MM-DD"))?;
    // What it says, in an order of its own.
    let key = format!("{of} {} {date} {} {}", person.number, body["update"], body["departType"]);
    let id = world.changes.get(&key).cloned();
    let is_new = id.is_none();
    let id = id.unwrap_or_else(|| change_id(next));
    let mut applied = Vec::new();
    if is_new {
        let mut note = |how: String| {
            let who = person.email.clone().unwrap_or_else(|| person_id(person.number));
            applied.push(Applied::new(text("scenarioId"), word(of), &who, &how));
        };
        match of {
            "DEPART" => {
                if text("departType").is_some_and(|kind| !["VOLUNTARY", "INVOLUNTARY"].contains(&kind)) {
                    return Err(bad("departType has to be VOLUNTARY or INVOLUNTARY"));
                }
                world.edit_person(person.number, |person| {
                    person.end = Some(date.to_owned());
                    person.settle(today);
                });
                note(date.to_owned());
            }
            "BACKFILL" => {
                world.open_jobs.push(OpenJob { number: person.number, date: date.to_owned() });
                note(date.to_owned());
            }
            "HIRE" => {
                world.edit_person(person.number, |person| {
                    person.start = Some(date.to_owned());
                    person.title = body["job"]["title"].as_str().map(str::to_owned).or(person.title.take());
                    person.settle(today);
                });
                note(date.to_owned());
            }
            "UPDATE" => {
                let after = updated(world, &person, &body["update"])?;
                for (field, value) in differences(&person, &after) {
                    if date > today {
                        let entry = (person.number, field.to_owned(), value.clone(), date.to_owned());
                        if world.scheduled.insert(entry) {
                            note(format!("{field}={value} from {date}"));
                        }
                    } else {
                        note(format!("{field}={value}"));
                    }
                }
                if date <= today {
                    world.put(after);
                }
            }
            _ => return Err(bad(format!("this fake makes no change of type {of}"))),
        }
        world.changes.insert(key, id.clone());
    }
    let change = json!({
        "id": id, "orgId": world.org.id, "type": of, "date": date, "status": "ACTIVE",
        "jobId": job_id(person.number), "personId": person_id(person.number),
    });
    Ok(Made { change, applied })
}

fn word(of: &str) -> &'static str {
    match of {
        "DEPART" => "depart",
        "BACKFILL" => "backfill",
        "HIRE" => "hire",
        _ => "update",
    }
}

fn whose(world: &World, job: Option<&str>, person: Option<&str>) -> Result<Person, Refusal> {
    let known = |number: Option<u64>, what: &str| {
        number.and_then(|number| world.person(number)).ok_or_else(|| (404, format!("{what} not found")))
    };
    let by_job = job.map(|id| known(job_number_of(id), "job")).transpose()?;
    let by_person = person.map(|id| known(number_of(id), "person")).transpose()?;
    match (by_job, by_person) {
        (Some(one), Some(other)) if one.number != other.number => Err(bad("the person is not in that job")),
        (one, other) => one.or(other).ok_or_else(|| bad("jobId or personId is needed")),
    }
}

/// Somebody after an update of the job.
fn updated(world: &World, person: &Person, update: &Value) -> Result<Person, Refusal> {
    let update = update.as_object().ok_or_else(|| bad("update is needed"))?;
    let mut person = person.clone();
    let ids = |value: &Value| -> Result<Vec<String>, Refusal> {
        serde_json::from_value(value.clone()).map_err(|_| bad("groups have to be a list of ids"))
    };
    for (key, value) in update {
        match (key.as_str(), value.as_str()) {
            ("title", Some(title)) if !title.is_empty() => person.title = Some(title.to_owned()),
            ("employment", Some(kind @ ("FULL" | "PART" | "TEMP" | "CONTRACT" | "INTERN" | "EXPAT"))) => {
                person.employment = Some(kind.to_owned());
            }
            ("addGroupIds", _) => {
                for id in ids(value)? {
                    if !world.groups.contains_key(&id) {
                        return Err(bad(format!("group {id} not found")));
                    }
                    match world.type_number(&id) {
                        Some(of_type) => world.regroup(&mut person, of_type, Some(&id)),
                        None => drop(person.groups.insert(id)),
                    }
                }
            }
            ("removeGroupIds", _) => {
                for id in ids(value)? {
                    match world.type_number(&id).filter(|_| person.groups.contains(&id)) {
                        Some(of_type) => world.regroup(&mut person, of_type, None),
                        None => drop(person.groups.remove(&id)),
                    }
                }
            }
            _ => return Err(bad(format!("update.{key} is not understood"))),
        }
    }
    Ok(person)
}
