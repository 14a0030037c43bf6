//! Which page of a list a task is for, and which pages it names. Pure.
//!
//! A page that says another total than was told before means that the list moved while it was read: it names all
//! pages once more, marked as the second reading. Pages that say the same name equal tasks, which the host merges. The
//! union of both readings counts (rule R10), and there is no third.

use std::fmt;
use std::str::FromStr;

use muster_sdk::Failure;

/// What a page holds at most.
pub(crate) const SIZE: u64 = 100;

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Page {
    /// Counts from 1.
    pub(crate) number: u64,
    /// The total that was told when this page was named. None for a list's first page.
    total: Option<u64>,
    /// Of the second reading.
    again: bool,
}

impl Page {
    /// The one that tells how many there are.
    pub(crate) const FIRST: Page = Page { number: 1, total: None, again: false };

    /// All pages of a list whose total is known from elsewhere.
    pub(crate) fn all_of(total: u64) -> impl Iterator<Item = Page> {
        pages(1, total, false)
    }

    /// The pages to read because this one says this total.
    pub(crate) fn others(self, total: u64) -> impl Iterator<Item = Page> {
        let (from, again) = match self.total {
            None => (2, false),
            Some(told) if told != total && !self.again => (1, true),
            Some(_) => (u64::MAX, false),
        };
        pages(from, total, again)
    }
}

fn pages(from: u64, total: u64, again: bool) -> impl Iterator<Item = Page> {
    (from..=total.div_ceil(SIZE)).map(move |number| Page { number, total: Some(total), again })
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        if let Some(total) = self.total {
            write!(f, " of {total}")?;
        }
        f.write_str(if self.again { " again" } else { "" })
    }
}

impl FromStr for Page {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Page, Failure> {
        let (rest, again) = text.strip_suffix(" again").map_or((text, false), |rest| (rest, true));
        let (number, total) = rest.split_once(" of ").map_or((rest, None), |(number, total)| (number, Some(total)));
        let parsed = number.parse().and_then(|number| Ok((number, total.map(str::parse).transpose()?)));
        match parsed {
            Ok((number, total)) => Ok(Page { number, total, again }),
            Err(_) => Err(Failure::Unexpected(format!("{text:?} is no page"))),
        }
    }
}
