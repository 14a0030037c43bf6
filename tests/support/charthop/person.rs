//! Somebody in a fake ChartHop, and the job it is in.

use std::collections::BTreeSet;

/// Where somebody is in the course of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Works here now.
    Current,
    /// Has not started yet.
    Starting,
    /// Has left.
    Former,
    /// Never was in a job.
    Idle,
}

/// A person, and the job it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub number: u64,
    pub first: String,
    pub last: String,
    /// How the person wants to be called.
    pub pref: Option<String>,
    pub email: Option<String>,
    /// The employee number.
    pub employee: Option<String>,
    pub title: Option<String>,
    /// The number of the manager.
    pub manager: Option<u64>,
    pub department: Option<String>,
    pub location: Option<String>,
    pub start: Option<String>,
    pub end: Option<String>,
    pub employment: Option<String>,
    /// Ids.
    pub groups: BTreeSet<String>,
    pub stage: Stage,
}

impl Person {
    /// Somebody in no job, with this number and work address.
    pub fn new(number: u64, email: &str) -> Self {
        Self {
            number,
            first: String::new(),
            last: String::new(),
            pref: None,
            email: Some(email.to_owned()),
            employee: None,
            title: None,
            manager: None,
            department: None,
            location: None,
            start: None,
            end: None,
            employment: None,
            groups: BTreeSet::new(),
            stage: Stage::Idle,
        }
    }

    /// Where the dates put somebody on this day.
    pub(super) fn settle(&mut self, today: &str) {
        // Who came back: the end belongs to the time before.
        if self.start.as_ref().zip(self.end.as_ref()).is_some_and(|(start, end)| start > end) {
            self.end = None;
        }
        self.stage = match (&self.start, &self.end) {
            (_, Some(end)) if end.as_str() < today => Stage::Former,
            (Some(start), _) if start.as_str() > today => Stage::Starting,
            (None, None) if self.title.is_none() => Stage::Idle,
            _ => Stage::Current,
        };
    }
}
