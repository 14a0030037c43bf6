//! People one by one: new addresses, updates, departures. Every write here may be made twice.

use std::borrow::Cow;

use muster_sdk::Failure;
use muster_sdk::roster::{Departure, ResultOf, Update};
use serde_json::{Map, Value, json};

use super::addresses::new_address;
use super::columns::{Field, find};
use super::requests::Requests;
use crate::row::Row;

/// What the status of a write that was taken means.
fn taken(status: u16) -> ResultOf {
    if status == 202 { ResultOf::Accepted } else { ResultOf::Applied }
}

/// The lesser of two.
fn both(one: ResultOf, other: ResultOf) -> ResultOf {
    match (one, other) {
        (ResultOf::Applied, other) => other,
        (one, _) => one,
    }
}

fn nobody(id: &str) -> ResultOf {
    ResultOf::Refused(format!("ChartHop has nobody with the id {id}"))
}

/// Writes a new work address and nothing else.
pub(crate) fn email(requests: &Requests<'_>, update: &Update, today: &str) -> Result<ResultOf, Failure> {
    let Some(address) = new_address(update) else { return Ok(ResultOf::AlreadySo) };
    let fields = [(find("email"), address)];
    let fields: Vec<(&'static Field, &str)> =
        fields.into_iter().filter_map(|(field, value)| Some((field.ok()?, value))).collect();
    write(requests, update, &fields, today)
}

/// Writes all of an update but its new address, which is written before.
pub(crate) fn update(requests: &Requests<'_>, update: &Update, today: &str) -> Result<ResultOf, Failure> {
    let rest = update.fields.iter().filter(|change| change.field != "email");
    let fields = rest.filter_map(|change| Some((find(&change.field).ok()?, change.value.as_str())));
    write(requests, update, &fields.collect::<Vec<_>>(), today)
}

fn write(
    requests: &Requests<'_>,
    update: &Update,
    fields: &[(&'static Field, &str)],
    today: &str,
) -> Result<ResultOf, Failure> {
    let id = &update.id.id;
    let Some(raw) = requests.person(id)? else { return Ok(nobody(id)) };
    let row = Row::of(&raw).ok_or_else(|| Failure::Unexpected(format!("ChartHop's person {id} is no object")))?;
    let (mut person, mut job) = (Map::new(), Map::new());
    let dry_run = requests.options.dry_run;
    let mut untried = false;
    for (field, value) in fields {
        let value = match field.value(value) {
            Ok(value) => value,
            Err(why) => return Ok(ResultOf::Refused(why)),
        };
        let now = field.code.and_then(|code| row.text(code));
        if now.as_deref() == Some(value.as_str()) {
            continue;
        }
        match (field.update, field.code) {
            (Some(key), _) => drop(job.insert(key.to_owned(), value.into())),
            (None, Some(_)) if now.is_some() && !requests.options.overwrite => {
                return Ok(ResultOf::Refused(format!(
                    "ChartHop has another {} already, which is not to be overwritten",
                    field.name
                )));
            }
            (None, Some(code)) => drop(person.insert(code.to_owned(), value.into())),
            // An import would write it, and the person cannot be found by one, or the manager not be named, yet.
            (None, None) if dry_run => untried = true,
            (None, None) => return Ok(ResultOf::Refused(format!("{} is written by an import only", field.name))),
        }
    }
    if person.is_empty() && job.is_empty() && !untried {
        return Ok(ResultOf::AlreadySo);
    }
    if dry_run {
        return Ok(ResultOf::Applied);
    }
    let job_id = row.text("jobId");
    if !job.is_empty() && job_id.is_none() {
        return Ok(ResultOf::Refused(format!("the person {id} has no job in ChartHop")));
    }
    let (mut result, changed) = (ResultOf::Applied, !person.is_empty());
    if changed {
        match requests.patch(id, update.effective.as_deref(), &Value::Object(person))? {
            Ok(status) => result = both(result, taken(status)),
            Err(why) => return Ok(ResultOf::Refused(why)),
        }
    }
    if !job.is_empty() {
        let day = update.effective.as_deref().unwrap_or(today);
        let change = json!({"jobId": job_id, "personId": id, "type": "UPDATE", "date": day, "update": job});
        match requests.sync("UPDATE", change)? {
            Ok(status) => result = both(result, taken(status)),
            Err(why) if changed => {
                return Ok(ResultOf::Unclear(format!("the person was changed, the job was not: {why}")));
            }
            Err(why) => return Ok(ResultOf::Refused(why)),
        }
    }
    Ok(result)
}

/// Lets somebody leave.
pub(crate) fn depart(requests: &Requests<'_>, departure: &Departure) -> Result<ResultOf, Failure> {
    let id = &departure.id.id;
    let Some(raw) = requests.person(id)? else { return Ok(nobody(id)) };
    let row = Row::of(&raw).ok_or_else(|| Failure::Unexpected(format!("ChartHop's person {id} is no object")))?;
    let left = row.date("endDateOrg").as_deref() == Some(departure.date.as_str());
    if requests.options.dry_run || left && !departure.backfill {
        return Ok(if left { ResultOf::AlreadySo } else { ResultOf::Applied });
    }
    let change = |of: &str, job: Option<&Cow<'_, str>>| {
        let mut change = json!({"personId": id, "type": of, "date": departure.date});
        if let (Some(job), Some(change)) = (job, change.as_object_mut()) {
            change.insert("jobId".to_owned(), job.as_ref().into());
        }
        change
    };
    let job = row.text("jobId");
    let mut result = match left {
        true => ResultOf::AlreadySo,
        false => match requests.sync("DEPART", change("DEPART", job.as_ref()))? {
            Ok(status) => taken(status),
            Err(why) => return Ok(ResultOf::Refused(why)),
        },
    };
    if departure.backfill {
        // The same change a second time is none: ChartHop makes it only where it does not exist.
        match requests.sync("BACKFILL", change("BACKFILL", job.as_ref()))? {
            Ok(202) => result = ResultOf::Accepted,
            Ok(_) => {}
            Err(why) => {
                return Ok(ResultOf::Unclear(format!("the departure was made, and the place is not open: {why}")));
            }
        }
    }
    Ok(result)
}
