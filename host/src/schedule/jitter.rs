//! A little later than the moment: connections of one schedule do not all begin in the same second.

use super::rule::Schedule;
use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

/// Seconds that a run begins later at most.
const MOST: u64 = 60;
/// One part in so many of the interval is the most, too: of a minute 6 s.
const SHARE: u64 = 10;

/// How much later a connection begins than at this moment: the same for all moments of one day in UTC, so that intervals
/// stay what they are, and after a restart.
pub fn jitter(connection: &str, schedule: &Schedule, moment: Timestamp) -> SignedDuration {
    let bound = MOST.min(u64::from(schedule.interval_seconds()) / SHARE);
    let day = moment.as_second().div_euclid(86_400);
    let number = xxh3_64(format!("{connection} {day}").as_bytes()) % (bound + 1);
    SignedDuration::from_secs(i64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::rule::Rule;
    use super::*;
    use jiff::tz::TimeZone;
    use std::collections::BTreeSet;

    fn of(name: &str, rule: Rule, second: i64) -> i64 {
        let schedule = Schedule { rule, zone: TimeZone::UTC };
        jitter(name, &schedule, Timestamp::from_second(second).expect("time")).as_secs()
    }

    #[test]
    fn it_is_bounded_by_a_minute_and_by_a_tenth_of_the_interval() {
        for (rule, most) in [(Rule::Hourly, 60), (Rule::Every(60), 6), (Rule::Every(300), 30), (Rule::Every(5), 0)] {
            let seen: BTreeSet<i64> = (0..2000).map(|n| of(&format!("c{n}"), rule, 0)).collect();
            assert_eq!(seen, (0..=most).collect(), "every second of it is used");
        }
    }

    #[test]
    fn it_is_the_same_all_day_and_another_one_on_another() {
        let day = |n: i64| of("support", Rule::Hourly, n * 86_400);
        assert_eq!(day(20_000), of("support", Rule::Hourly, 20_000 * 86_400 + 86_399));
        assert!((0..10).map(|n| day(20_000 + n)).collect::<BTreeSet<_>>().len() > 1);
    }
}
