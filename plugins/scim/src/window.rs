//! Which part of a list a task reads, and what follows from what came. Pure.
//!
//! A SCIM list is numbered from 1 and read by `startIndex` and `count`. A server may give fewer records than
//! `count`, leave the total out, ignore `startIndex`, or hand out cursors (RFC 9865) instead. What counts in all of
//! it: half a list is never taken for the whole one.

use muster_sdk::{Failure, Task};
use serde::{Deserialize, Serialize};

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
    /// The first page's total, where it said one.
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

    /// What is to be read after this window's page has come, or why the list cannot be trusted.
    pub(crate) fn after(&self, page: &Page) -> Result<Vec<Window>, Failure> {
        if let Some(cursor) = &page.cursor {
            return Ok(vec![Window { cursor: Some(cursor.clone()), again: self.again, ..Window::default() }]);
        }
        if self.cursor.is_some() {
            return Ok(Vec::new());
        }
        if page.count == 0 && page.total.is_some_and(|total| self.from() <= total) {
            let (total, from) = (page.total.unwrap_or_default(), self.from());
            return wrong(format!("the list says that it has {total} records and the page at {from} is empty"));
        }
        match (self.is_first(), self.total) {
            (true, _) => Ok(self.after_first(page)),
            (false, Some(total)) => self.after_numbered(page, total),
            (false, None) => self.after_counted(page),
        }
    }

    /// The first page tells the total and the step, or that there is none.
    fn after_first(&self, page: &Page) -> Vec<Window> {
        let next = self.from() + page.count;
        let first = Window { first: Some(page.mark), again: self.again, ..Window::default() };
        // A total that is less than what came is none.
        match page.total.filter(|total| *total >= page.count) {
            Some(total) => spread(&Window { total: Some(total), ..first }, next, total, page.count),
            None if page.count == 0 => Vec::new(),
            None => vec![Window { from: next, before: Some(page.mark), ..first }],
        }
    }

    /// A page among those that were named at once.
    fn after_numbered(&self, page: &Page, first_total: u64) -> Result<Vec<Window>, Failure> {
        // A server that says the total on the first page only has said it.
        let total = page.total.unwrap_or(first_total);
        let moved = total != first_total;
        let mut follow = Vec::new();
        if page.count > 0 && self.first == Some(page.mark) {
            if !moved || self.again {
                return self.deaf(total);
            }
        } else if page.count > 0 {
            let next = self.from() + page.count;
            match self.to {
                // Less than its share: the rest is asked for.
                Some(to) if next <= to && next <= total => follow.push(Window { from: next, ..self.clone() }),
                Some(_) => {}
                None => follow = spread(self, next, total, page.count),
            }
        }
        if moved && !self.again {
            follow.push(Window { again: true, ..Window::default() });
        }
        Ok(follow)
    }

    /// A page of a list that has no total: it ends with an empty page.
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
        Ok(vec![Window { from: next, before: Some(page.mark), ..self.clone() }])
    }

    fn deaf<T>(&self, total: u64) -> Result<T, Failure> {
        wrong(format!(
            "the page at {} holds the same records as the first: the server ignores startIndex, and gives the \
             beginning only of a list of {total} records or more",
            self.from()
        ))
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
