//! `schedule` and `time-zone`: when `muster serve` runs a connection. Pure.

use super::error::ConfigError;
use super::quantity;
use crate::schedule::{Rule, Schedule};
use crate::text;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Seconds between two runs at least: vendors count requests by the minute.
const LEAST_SECONDS: u64 = 60;
/// Seconds between two runs at most: 31 days.
const MOST_SECONDS: u64 = 31 * 86_400;

/// Reads the two keys. Without a time zone it is UTC.
///
/// # Errors
/// What is written there is no schedule or no time zone, or a time zone is of no use.
pub fn read(schedule: Option<&str>, zone: Option<&str>) -> Result<Option<Schedule>, ConfigError> {
    let Some(written) = schedule else {
        return match zone {
            None => Ok(None),
            Some(_) => Err(ConfigError::new("time-zone is given without a schedule")
                .with_help("add schedule = \"daily 06:30\", or take time-zone out")),
        };
    };
    let rule = rule(written)?;
    let zone = match (rule, zone) {
        (Rule::Every(_), Some(_)) => {
            return Err(ConfigError::new(format!("time-zone has no meaning with schedule = {written:?}"))
                .with_help("take time-zone out, or write \"daily 06:30\" or \"hourly\""));
        }
        (_, None) => TimeZone::UTC,
        (_, Some(name)) => self::zone(name)?,
    };
    Ok(Some(Schedule { rule, zone }))
}

fn rule(written: &str) -> Result<Rule, ConfigError> {
    let wrong = |why: &str| {
        ConfigError::new(format!(
            "schedule is {:?}{why}; write \"daily 06:30\", \"hourly\" or \"every 15m\"",
            text::shorten(written, 64)
        ))
    };
    let words: Vec<&str> = written.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["hourly"] => Ok(Rule::Hourly),
        ["daily", time] => {
            time_of_day(time).map(Rule::Daily).ok_or_else(|| wrong(", which has no time of day from 00:00 to 23:59"))
        }
        ["every", interval] => {
            let seconds = quantity::seconds(interval).ok_or_else(|| wrong(""))?;
            match u32::try_from(seconds) {
                Ok(fits) if (LEAST_SECONDS..=MOST_SECONDS).contains(&seconds) => Ok(Rule::Every(fits)),
                _ => Err(wrong(", which is not between 1m and 31d")),
            }
        }
        _ => Err(wrong("")),
    }
}

/// Reads `06:30`, in two digits each.
fn time_of_day(text: &str) -> Option<Time> {
    let two = |digits: &str| match digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits.parse::<i8>().ok(),
        false => None,
    };
    let (hour, minute) = text.split_once(':')?;
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

fn zone(name: &str) -> Result<TimeZone, ConfigError> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
        let error = ConfigError::new(format!("time-zone is {:?}, which nobody knows", text::shorten(name, 64)));
        match text::nearest(name, known.iter().map(String::as_str)) {
            Some(meant) => error.with_help(format!("did you mean {meant:?}?")),
            None => error.with_help("write a name of the time zone database, for example \"Europe/Berlin\""),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read() {
        let zone = || TimeZone::get("Europe/Berlin").expect("zone");
        let table = [
            ("daily 06:30", None, Rule::Daily(Time::constant(6, 30, 0, 0)), TimeZone::UTC),
            ("daily 00:00", Some("Europe/Berlin"), Rule::Daily(Time::midnight()), zone()),
            ("hourly", Some("Europe/Berlin"), Rule::Hourly, zone()),
            (" every  15m", None, Rule::Every(900), TimeZone::UTC),
            ("every 60s", None, Rule::Every(60), TimeZone::UTC),
            ("every 31d", None, Rule::Every(31 * 86_400), TimeZone::UTC),
        ];
        for (written, zone, rule, of) in table {
            assert_eq!(read(Some(written), zone), Ok(Some(Schedule { rule, zone: of })), "{written}");
        }
        assert_eq!(read(None, None), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let form = "write \"daily 06:30\", \"hourly\" or \"every 15m\"";
        let table = [
            (Some(""), None, form),
            (Some("dayly 06:30"), None, "schedule is \"dayly 06:30\"; write"),
            (Some("daily"), None, form),
            (Some("daily 6:30"), None, "no time of day"),
            (Some("daily 24:00"), None, "no time of day"),
            (Some("daily 06:60"), None, "no time of day"),
            (Some("daily +6:30"), None, "no time of day"),
            (Some("daily 06:30 UTC"), None, form),
            (Some("hourly 5"), None, form),
            (Some("every 15"), None, form),
            (Some("every 59s"), None, "not between 1m and 31d"),
            (Some("every 32d"), None, "not between 1m and 31d"),
            (Some("every 0m"), None, "not between 1m and 31d"),
            (Some("every 99999999999m"), None, "not between 1m and 31d"),
            (Some("daily 06:30"), Some("Europe/Berlim"), "time-zone is \"Europe/Berlim\", which nobody knows"),
            (Some("daily 06:30"), Some("../etc/passwd"), "nobody knows"),
            (Some("every 15m"), Some("UTC"), "no meaning"),
            (None, Some("UTC"), "without a schedule"),
        ];
        for (schedule, zone, expected) in table {
            let error = read(schedule, zone).expect_err(expected);
            assert!(error.message.contains(expected), "{schedule:?} {zone:?}: {error}");
        }
        let error = read(Some("hourly"), Some("Europe/Berlim")).expect_err("typo");
        assert_eq!(error.help, ["did you mean \"Europe/Berlin\"?"]);
    }
}
