//! The roll of a server: each connection with a schedule, and what is to be done about it. Pure: what time it is, is told.
//!
//! One run at a time of a connection: while it runs, or is looked at, nothing else is called for it. Moments that pass
//! meanwhile are not missed, so that a run that takes longer than its interval is not followed by itself at once.

use super::pauses::{Mark, Paused};
use crate::schedule::{Last, Schedule, Verdict, due};
use crate::text::count;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How often a connection is looked at again that somebody else runs, or that waits for its settings to change.
const LOOK: SignedDuration = SignedDuration::from_secs(60);
/// Names that a line lists; more are counted.
const NAMES: usize = 5;

/// A connection as the plugin list has it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// When it runs.
    pub schedule: Schedule,
    /// Whether looking at its settings runs a command of the operator's: then it is done at its moments only.
    pub costly: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Run it.
    Run,
    /// See whether its settings have changed.
    Look,
}

#[derive(Debug)]
enum State {
    Waiting,
    Running,
    /// What refused it, and whether somebody is looking.
    Paused(Paused, bool),
}

#[derive(Debug)]
struct Entry {
    schedule: Schedule,
    costly: bool,
    last: Option<Last>,
    state: State,
    due: Timestamp,
    tries: usize,
    /// Still in the plugin list.
    listed: bool,
}

/// The roll.
#[derive(Debug, Default)]
pub struct Roll {
    entries: BTreeMap<String, Entry>,
}

impl Roll {
    /// Takes the plugin list, at the start and whenever it was read anew. What runs goes on running; what is paused is
    /// looked at now. `last` tells of connections that are new here. The answer is which are: an earlier list, or an
    /// earlier process, may have paused them.
    pub fn list(&mut self, listed: Vec<Listed>, last: impl Fn(&str) -> Option<Last>, now: Timestamp) -> Vec<String> {
        let mut new = Vec::new();
        for entry in self.entries.values_mut() {
            entry.listed = false;
        }
        for Listed { name, schedule, costly } in listed {
            let entry = self.entries.entry(name.clone()).or_insert_with(|| {
                new.push(name.clone());
                Entry {
                    schedule: schedule.clone(),
                    costly,
                    last: last(&name),
                    state: State::Waiting,
                    due: Timestamp::MAX,
                    tries: 0,
                    listed: false,
                }
            });
            let is_new = entry.due == Timestamp::MAX || entry.schedule != schedule;
            (entry.schedule, entry.costly, entry.listed) = (schedule, costly, true);
            match entry.state {
                State::Waiting if is_new => entry.due = due(&name, &entry.schedule, entry.last, now),
                State::Waiting | State::Running => {}
                State::Paused(..) => entry.due = now,
            }
        }
        self.entries.retain(|_, entry| entry.listed || entry.is_busy());
        new
    }

    /// What is due now, the longest overdue first.
    pub fn calls(&self, now: Timestamp) -> Vec<(String, Call)> {
        let due = self.entries.iter().filter(|(_, entry)| entry.listed && !entry.is_busy() && entry.due <= now);
        let mut due: Vec<(&String, &Entry)> = due.collect();
        due.sort_by_key(|(_, entry)| entry.due);
        let call = |entry: &Entry| if matches!(entry.state, State::Paused(..)) { Call::Look } else { Call::Run };
        due.into_iter().map(|(name, entry)| (name.clone(), call(entry))).collect()
    }

    /// When something is due next.
    pub fn wake(&self) -> Option<Timestamp> {
        self.entries.values().filter(|entry| entry.listed && !entry.is_busy()).map(|entry| entry.due).min()
    }

    /// A run has begun. The answer is how often it was tried again since the last moment.
    pub fn begun(&mut self, name: &str) -> usize {
        self.change(name, |entry| {
            entry.state = State::Running;
            entry.tries
        })
        .unwrap_or_default()
    }

    /// A run has ended.
    pub fn ended(&mut self, name: &str, verdict: Verdict, now: Timestamp) {
        self.change(name, |entry| {
            if let State::Paused(_, looking) = &mut entry.state {
                // A look that was lost: it proves nothing.
                *looking = false;
                entry.due = entry.next_look(name, now);
                return;
            }
            entry.last = Some(Last { started: now, ended: true });
            entry.state = State::Waiting;
            entry.due = due(name, &entry.schedule, entry.last, now);
            entry.tries = match verdict {
                Verdict::Again(wait) => {
                    let wait = SignedDuration::try_from(wait).unwrap_or(LOOK);
                    entry.due = entry.due.min(later(now, wait));
                    entry.tries + 1
                }
                Verdict::Next | Verdict::Pause(_) => 0,
            };
        });
        self.drop_unlisted();
    }

    /// Somebody else is running it.
    pub fn is_elsewhere(&mut self, name: &str, now: Timestamp) {
        self.change(name, |entry| {
            entry.state = State::Waiting;
            entry.due = later(now, LOOK);
        });
        self.drop_unlisted();
    }

    /// Nothing is asked of its vendor until its settings change.
    pub fn pause(&mut self, name: &str, paused: Paused, now: Timestamp) {
        self.change(name, |entry| {
            entry.tries = 0;
            entry.last = Some(Last { started: now, ended: true });
            // Of an earlier process nothing is known but that it was paused: looked at once.
            let known = paused.mark.is_some();
            entry.state = State::Paused(paused, false);
            entry.due = if known { entry.next_look(name, now) } else { now };
        });
        self.drop_unlisted();
    }

    /// Somebody looks at a paused connection; the answer is what is known of it.
    pub fn looking(&mut self, name: &str) -> Option<Paused> {
        self.change(name, |entry| match &mut entry.state {
            State::Paused(paused, looking) => {
                *looking = true;
                // A plugin list that comes meanwhile makes it due again.
                entry.due = Timestamp::MAX;
                Some(paused.clone())
            }
            _ => None,
        })
        .flatten()
    }

    /// Its settings are what they were; the mark tells them from others.
    pub fn is_the_same(&mut self, name: &str, mark: Option<Mark>, now: Timestamp) {
        self.change(name, |entry| {
            if let State::Paused(paused, looking) = &mut entry.state {
                (paused.mark, *looking) = (mark.or(paused.mark.take()), false);
                if entry.due == Timestamp::MAX {
                    entry.due = entry.next_look(name, now);
                }
            }
        });
        self.drop_unlisted();
    }

    /// Its settings have changed: it is run now.
    pub fn release(&mut self, name: &str, now: Timestamp) {
        self.change(name, |entry| (entry.state, entry.due, entry.tries) = (State::Waiting, now, 0));
        self.drop_unlisted();
    }

    /// How many connections are listed.
    pub fn len(&self) -> usize {
        self.entries.values().filter(|entry| entry.listed).count()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it stands, in one line.
    pub fn line(&self) -> String {
        let named = |what: &str, is: fn(&State) -> bool| {
            let names: Vec<&str> = self.entries.iter().filter(|(_, e)| is(&e.state)).map(|(n, _)| n.as_str()).collect();
            let more = names.len().saturating_sub(NAMES);
            let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
            match (names.len(), more) {
                (0, _) => String::new(),
                (n, 0) => format!(", {n} {what} ({shown})"),
                (n, more) => format!(", {n} {what} ({shown} and {more} more)"),
            }
        };
        let running = named("running", |state| matches!(state, State::Running));
        let paused = named("paused until its settings change", |state| matches!(state, State::Paused(..)));
        let waiting = self.entries.iter().filter(|(_, e)| e.listed && matches!(e.state, State::Waiting));
        let next = match waiting.min_by_key(|(_, entry)| entry.due) {
            Some((name, entry)) => format!("; next is {name} at {}", entry.schedule.show(entry.due)),
            None => String::new(),
        };
        let connections = count(self.len() as u64, "connection");
        format!("serving {connections}{running}{paused}{next}")
    }

    fn change<T>(&mut self, name: &str, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.entries.get_mut(name).map(change)
    }

    fn drop_unlisted(&mut self) {
        self.entries.retain(|_, entry| entry.listed || entry.is_busy());
    }
}

impl Entry {
    fn is_busy(&self) -> bool {
        matches!(self.state, State::Running | State::Paused(_, true))
    }

    fn next_look(&self, name: &str, now: Timestamp) -> Timestamp {
        match self.costly {
            true => due(name, &self.schedule, Some(Last { started: now, ended: true }), now),
            false => later(now, LOOK),
        }
    }
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Rule;
    use jiff::civil::Time;
    use jiff::tz::TimeZone;
    use std::time::Duration;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn listed(name: &str, rule: Rule) -> Listed {
        Listed { name: name.to_owned(), schedule: Schedule { rule, zone: TimeZone::UTC }, costly: false }
    }

    fn daily() -> Rule {
        Rule::Daily(Time::constant(6, 30, 0, 0))
    }

    fn roll(names: &[&str], now: &str) -> Roll {
        let mut roll = Roll::default();
        roll.list(names.iter().map(|name| listed(name, daily())).collect(), |_| None, at(now));
        roll
    }

    fn calls(roll: &Roll, now: &str) -> Vec<(String, Call)> {
        roll.calls(at(now))
    }

    fn run(name: &str) -> (String, Call) {
        (name.to_owned(), Call::Run)
    }

    fn look(name: &str) -> (String, Call) {
        (name.to_owned(), Call::Look)
    }

    fn paused(mark: Option<Mark>) -> Paused {
        Paused { reason: "unauthorized".to_owned(), run: 1, mark }
    }

    const NOW: &str = "2026-07-01T12:00:00Z";

    #[test]
    fn what_never_ran_is_run_at_once_and_then_at_its_moment() {
        let mut roll = roll(&["a", "b"], NOW);
        assert_eq!(calls(&roll, NOW), [run("a"), run("b")]);
        assert_eq!(roll.begun("a"), 0);
        assert_eq!(calls(&roll, NOW), [run("b")], "one run of a connection at a time");
        roll.ended("a", Verdict::Next, at("2026-07-01T12:05:00Z"));
        assert_eq!(calls(&roll, "2026-07-02T06:29:59Z"), [run("b")]);
        assert_eq!(calls(&roll, "2026-07-02T06:31:00Z"), [run("b"), run("a")], "the longest overdue first");
    }

    #[test]
    fn a_run_longer_than_its_interval_is_not_followed_by_itself_at_once() {
        let mut roll = Roll::default();
        roll.list(vec![listed("a", Rule::Every(60))], |_| None, at(NOW));
        roll.begun("a");
        roll.ended("a", Verdict::Next, at("2026-07-01T12:10:30Z"));
        assert_eq!(calls(&roll, "2026-07-01T12:10:31Z"), []);
        assert_eq!(calls(&roll, "2026-07-01T12:11:06Z"), [run("a")]);
    }

    #[test]
    fn what_may_pass_is_tried_again_but_not_later_than_the_next_moment() {
        let mut roll = roll(&["a"], NOW);
        roll.begun("a");
        roll.ended("a", Verdict::Again(Duration::from_secs(300)), at(NOW));
        assert_eq!(
            (calls(&roll, "2026-07-01T12:04:59Z"), calls(&roll, "2026-07-01T12:05:00Z")),
            (vec![], vec![run("a")])
        );
        assert_eq!(roll.begun("a"), 1);
        roll.ended("a", Verdict::Again(Duration::from_secs(300)), at("2026-07-02T06:29:00Z"));
        assert!(roll.wake() < Some(at("2026-07-02T06:31:01Z")), "{:?}", roll.wake());
        assert_eq!(roll.begun("a"), 2);
        roll.ended("a", Verdict::Next, at("2026-07-02T06:30:59Z"));
        assert_eq!(roll.begun("a"), 0, "it counts anew");
    }

    #[test]
    fn what_somebody_else_runs_is_looked_at_again_in_a_minute() {
        let mut roll = roll(&["a"], NOW);
        roll.begun("a");
        roll.is_elsewhere("a", at(NOW));
        assert_eq!(
            (calls(&roll, "2026-07-01T12:00:59Z"), calls(&roll, "2026-07-01T12:01:00Z")),
            (vec![], vec![run("a")])
        );
    }

    #[test]
    fn a_paused_connection_is_never_run_until_it_is_released() {
        let mut roll = roll(&["a"], NOW);
        roll.begun("a");
        roll.pause("a", paused(Some(Mark::of_test(1))), at(NOW));
        assert_eq!(calls(&roll, "2026-07-01T12:00:59Z"), []);
        assert_eq!(calls(&roll, "2026-07-05T12:00:00Z"), [look("a")], "whatever moments pass");
        assert_eq!(roll.looking("a").and_then(|p| p.mark), Some(Mark::of_test(1)));
        assert_eq!(calls(&roll, "2026-07-05T12:00:00Z"), [], "one look at a time");
        roll.is_the_same("a", None, at("2026-07-05T12:00:00Z"));
        assert_eq!(calls(&roll, "2026-07-05T12:01:00Z"), [look("a")]);
        roll.release("a", at("2026-07-05T12:01:00Z"));
        assert_eq!(calls(&roll, "2026-07-05T12:01:00Z"), [run("a")]);
    }

    #[test]
    fn settings_that_a_command_gives_are_looked_at_at_the_moments_only() {
        let mut roll = Roll::default();
        let costly = || vec![Listed { costly: true, ..listed("a", daily()) }];
        roll.list(costly(), |_| None, at(NOW));
        roll.begun("a");
        roll.pause("a", paused(Some(Mark::of_test(1))), at(NOW));
        assert_eq!(calls(&roll, "2026-07-02T06:29:00Z"), []);
        assert_eq!(calls(&roll, "2026-07-02T06:31:00Z"), [look("a")]);
        roll.list(costly(), |_| None, at("2026-07-01T12:10:00Z"));
        assert_eq!(calls(&roll, "2026-07-01T12:10:00Z"), [look("a")], "or when the plugin list was read anew");
    }

    #[test]
    fn what_an_earlier_process_paused_is_looked_at_at_once() {
        let mut roll = roll(&["a"], NOW);
        roll.pause("a", paused(None), at(NOW));
        assert_eq!(calls(&roll, NOW), [look("a")]);
    }

    #[test]
    fn a_plugin_list_that_comes_during_a_look_is_looked_at_too_and_a_lost_look_proves_nothing() {
        let mut roll = roll(&["a"], NOW);
        roll.begun("a");
        roll.pause("a", paused(Some(Mark::of_test(1))), at(NOW));
        roll.looking("a");
        roll.list(vec![listed("a", daily())], |_| None, at(NOW));
        assert_eq!(calls(&roll, NOW), [], "the first look is not over");
        roll.is_the_same("a", None, at(NOW));
        assert_eq!(calls(&roll, NOW), [look("a")]);
        roll.looking("a");
        roll.ended("a", Verdict::Next, at(NOW));
        assert_eq!(calls(&roll, "2026-07-01T12:01:00Z"), [look("a")]);
    }

    #[test]
    fn a_new_plugin_list_changes_what_is_not_running() {
        let mut roll = roll(&["a", "b", "c"], NOW);
        roll.begun("a");
        roll.begun("b");
        roll.ended("b", Verdict::Next, at(NOW));
        let last = |_: &str| Some(Last { started: at(NOW), ended: true });
        roll.list(vec![listed("b", Rule::Every(3600)), listed("d", daily())], last, at(NOW));
        assert_eq!(roll.len(), 2);
        assert_eq!(calls(&roll, "2026-07-01T13:02:00Z"), [run("b")], "a new schedule counts from the last run");
        assert!(roll.line().contains("1 running (a)"), "{}", roll.line());
        roll.list(vec![listed("a", daily())], |_| None, at(NOW));
        assert_eq!(calls(&roll, NOW), [], "it is still running");
        roll.list(Vec::new(), |_| None, at(NOW));
        roll.ended("a", Verdict::Next, at(NOW));
        assert_eq!((roll.line().as_str(), roll.wake()), ("serving 0 connections", None));
    }

    #[test]
    fn a_plugin_list_tells_which_connections_are_new() {
        let mut roll = Roll::default();
        let mut list =
            |names: &[&str]| roll.list(names.iter().map(|name| listed(name, daily())).collect(), |_| None, at(NOW));
        assert_eq!(list(&["a", "b"]), ["a", "b"]);
        assert_eq!(list(&["b", "c"]), ["c"]);
        assert_eq!(list(&["a", "b", "c"]), ["a"], "it was forgotten");
    }

    #[test]
    fn the_line_says_how_it_stands() {
        let mut roll = roll(&["a", "b"], NOW);
        for name in ["a", "b"] {
            roll.begun(name);
        }
        assert_eq!(roll.line(), "serving 2 connections, 2 running (a, b)");
        roll.pause("a", paused(Some(Mark::of_test(1))), at(NOW));
        roll.ended("b", Verdict::Again(Duration::from_secs(300)), at(NOW));
        assert_eq!(
            roll.line(),
            "serving 2 connections, 1 paused until its settings change (a); next is b at 2026-07-01 12:05:00 UTC"
        );
        let many: Vec<String> = (0..7).map(|n| format!("c{n}")).collect();
        let mut roll = self::roll(&many.iter().map(String::as_str).collect::<Vec<_>>(), NOW);
        many.iter().for_each(|name| assert_eq!(roll.begun(name), 0));
        assert_eq!(roll.line(), "serving 7 connections, 7 running (c0, c1, c2, c3, c4 and 2 more)");
    }
}
