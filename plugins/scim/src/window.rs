//! Which part of a list a task reads, and what follows from what came. Pure.
//!
//! A SCIM list is numbered from 1 and read by `startIndex` and `count`. A server may give fewer records than
//! `count`, leave the total out, ignore `startIndex`, or hand out cursors (RFC 9865) instead. What counts in all of
//! it: half a list is never taken for the whole one.

use muster_sdk::{Failure, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Pages named at once, at most: half of what a call may name. The last of them names the next ones.
const PAGES: usize = 5_000;

/// A part of a list, as a task's payload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Window {
    /// The index of the first record, from 1; 0 stands for the list's beginning, too.
    #[serde(skip_serializing_if = "is_zero")]
    from: u64,
    /// The index of the last record that is this task's; none: all that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
    /// The first page's total, where it said one. Where pages follow one another: the last one said, and with cursors
    /// the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// The mark of the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    /// The mark of the page before, where pages are read one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    /// The cursor the server gave, where it gives any.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// How many records came before the cursor, up to the total; not counted without one.
    #[serde(skip_serializing_if = "is_zero")]
    seen: u64,
    /// Whether the list is read a second time, since it moved.
    #[serde(skip_serializing_if = "is_false")]
    again: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What a page was, without its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    /// How many records were asked for.
    pub(crate) asked: u64,
    /// How many records came.
    pub(crate) count: u64,
    /// How many records the list has, as the server says.
    pub(crate) total: Option<u64>,
    /// The cursor of the next page.
    pub(crate) cursor: Option<String>,
    /// What tells this page's ids from another's: see [`Mark`].
    pub(crate) mark: u64,
}

/// A number for the ids of a page, in their order (FNV-1a).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(u64);

impl Mark {
    pub(crate) fn new() -> Self {
        Mark(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn add(&mut self, id: &str) {
        // 0xff is no byte of UTF-8: it ends an id.
        for byte in id.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Window {
    /// The window of a task; an empty payload is the list's beginning.
    pub(crate) fn read(task: &Task) -> Result<Self, Failure> {
        if task.payload.is_empty() {
            return Ok(Window::default());
        }
        serde_json::from_str(&task.payload)
            .map_err(|error| Failure::Unexpected(format!("the task {} cannot be read: {error}", task.kind)))
    }

    /// The task that reads the window.
    pub(crate) fn task(&self, kind: &str) -> Task {
        if *self == Window::default() {
            return Task::new(kind, "");
        }
        // Numbers and texts cannot fail to serialize.
        Task::new(kind, serde_json::to_string(self).unwrap_or_default())
    }

    /// The first page from this index or cursor on, for a second look.
    pub(crate) fn at(from: u64, cursor: Option<String>) -> Self {
        Window { from, cursor, ..Window::default() }
    }

    /// The index of the first record, from 1.
    pub(crate) fn from(&self) -> u64 {
        self.from.max(1)
    }

    /// The cursor to ask with in place of the index.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    fn is_first(&self) -> bool {
        self.first.is_none() && self.cursor.is_none()
    }

    /// Whether just as many records came before this window as the total says: what is asked for is the proof.
    pub(crate) fn is_behind_the_end(&self) -> bool {
        self.before.is_some() && self.total.is_some_and(|total| total == self.from() - 1)
    }

    /// What is to be read after this window's page has come, or why the list cannot be trusted.
    pub(crate) fn after(&self, page: &Page) -> Result<Vec<Window>, Failure> {
        if self.cursor.is_some() || page.cursor.is_some() {
            return self.after_cursor(page);
        }
        let within = |total: &u64| self.from() <= *total;
        // A server that says the total on the first page only has said it.
        let known = page.total.or(self.total).filter(within);
        // A list that lost a whole page between two readings, twice: more likely the server has lost the thread.
        let known = known.or(self.total.filter(|total| self.again && within(total)));
        if let (0, Some(total)) = (page.count, known) {
            let from = self.from();
            return wrong(format!("the list says that it has {total} records and the page at {from} is empty"));
        }
        match self.total {
            _ if self.is_first() => Ok(self.after_first(page)),
            Some(total) if self.before.is_none() => self.after_numbered(page, total),
            _ => self.after_counted(page),
        }
    }

    /// A page that was asked for by a cursor, or that gives one.
    fn after_cursor(&self, page: &Page) -> Result<Vec<Window>, Failure> {
        let (before, is_counted) = match self.cursor {
            Some(_) => (self.seen, self.total.is_some()),
            None => (self.from() - 1, true),
        };
        // Who joins or leaves meanwhile changes the total: the least that was said has to come. What an empty page
        // says of it proves nothing.
        let said = page.total.filter(|_| page.count > 0 || self.total.is_none());
        let total = self.total.into_iter().chain(said).min().filter(|_| is_counted);
        // Not counted any further than that: cursors that lead back have to look like cursors that lead back.
        let seen = total.map_or(0, |total| total.min(before + page.count));
        match (&page.cursor, total) {
            (Some(cursor), _) => {
                let cursor = Some(cursor.clone());
                Ok(vec![Window { cursor, seen, total, again: self.again, ..Window::default() }])
            }
            (None, Some(total)) if seen < total => {
                wrong(format!("the list says that it has {total} records and its cursors end after {seen}"))
            }
            (None, _) => Ok(Vec::new()),
        }
    }

    /// The first page tells the total and the step, or that there is none.
    fn after_first(&self, page: &Page) -> Vec<Window> {
        let next = self.from() + page.count;
        let first = Window { first: Some(page.mark), again: self.again, ..Window::default() };
        // A total that is less than what came is none.
        match page.total.filter(|total| *total >= page.count) {
            // Some servers say the page's size in place of the total: the page behind it tells.
            total @ Some(size) if size == page.count && size == page.asked => {
                vec![Window { from: next, total, before: Some(page.mark), ..first }]
            }
            Some(total) => spread(&Window { total: Some(total), ..first }, next, total, page.count),
            None if page.count == 0 => Vec::new(),
            None => vec![Window { from: next, before: Some(page.mark), ..first }],
        }
    }

    /// A page among those that were named at once.
    fn after_numbered(&self, page: &Page, first_total: u64) -> Result<Vec<Window>, Failure> {
        let total = page.total.unwrap_or(first_total);
        let moved = total != first_total;
        // The second reading is the last: its first page's total holds.
        let least = if self.again { total.max(first_total) } else { total };
        let mut follow = Vec::new();
        if page.count > 0 && self.first == Some(page.mark) {
            if !moved || self.again {
                return self.deaf(total);
            }
        } else if page.count > 0 {
            let next = self.from() + page.count;
            match self.to {
                // Less than its share: the rest is asked for.
                Some(to) if next <= to && next <= least => follow.push(Window { from: next, ..self.clone() }),
                Some(_) => {}
                None => follow = spread(self, next, total, page.count),
            }
        }
        if moved && !self.again {
            follow.push(Window { again: true, ..Window::default() });
        }
        Ok(follow)
    }

    /// A page of a list that has no total to trust: it ends with an empty page.
    fn after_counted(&self, page: &Page) -> Result<Vec<Window>, Failure> {
        if page.count == 0 || (self.before == Some(page.mark) && self.first != self.before) {
            // Or with a page that comes twice: what lies behind the end is the last page to some.
            return Ok(Vec::new());
        }
        if self.first == Some(page.mark) {
            // The server has no pages: what it gives is the list, unless it is exactly what was asked for.
            return if page.count == page.asked { self.deaf(page.count) } else { Ok(Vec::new()) };
        }
        let next = self.from() + page.count;
        Ok(vec![Window { from: next, total: page.total.or(self.total), before: Some(page.mark), ..self.clone() }])
    }

    fn deaf<T>(&self, total: u64) -> Result<T, Failure> {
        wrong(format!(
            "the page at {} holds the same records as the first: the server ignores startIndex, and gives the \
             beginning only of a list of {total} records or more",
            self.from()
        ))
    }
}

/// The windows of a list that is read in one call: equal ones are merged, as the host merges tasks. A cursor that leads
/// back ends, too.
pub(crate) struct Walk {
    seen: BTreeSet<String>,
    ahead: VecDeque<Window>,
}

impl Walk {
    /// From the list's beginning.
    pub(crate) fn new() -> Self {
        Walk { seen: BTreeSet::new(), ahead: VecDeque::from([Window::default()]) }
    }

    /// The next window that was not handed out before.
    pub(crate) fn next(&mut self) -> Option<Window> {
        while let Some(window) = self.ahead.pop_front() {
            if self.seen.insert(window.task("").payload) {
                return Some(window);
            }
        }
        None
    }

    /// Adds what follows.
    pub(crate) fn add(&mut self, windows: Vec<Window>) {
        self.ahead.extend(windows);
    }
}

fn wrong<T>(sentence: String) -> Result<T, Failure> {
    Err(Failure::Unexpected(sentence))
}

/// The pages from `next` to `total`, `step` records each; the last one is open, since lists grow.
fn spread(like: &Window, next: u64, total: u64, step: u64) -> Vec<Window> {
    if step == 0 || next > total {
        return Vec::new();
    }
    let starts = (0..).map_while(|page: u64| page.checked_mul(step)?.checked_add(next));
    let mut pages: Vec<Window> = starts
        .take_while(|from| *from <= total)
        .take(PAGES)
        .map(|from| Window { from, to: Some(from.saturating_add(step - 1)), before: None, ..like.clone() })
        .collect();
    if let Some(last) = pages.last_mut() {
        last.to = None;
    }
    pages
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
