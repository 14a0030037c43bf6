//! Lists that come in pages: by offset and total, by link, by cursor.
//!
//! Each function takes a closure that reads one page and one that takes its records, so that nothing
//! has to hold a whole list. Where an API numbers its pages and tells the total, naming all pages as
//! tasks is faster.

use std::collections::BTreeSet;

use crate::Failure;
use crate::url::{Origin, Url};

/// A page of a list that is read by offset.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The page's records.
    pub items: Vec<T>,
    /// How many records the list has now, where the vendor says so.
    pub total: Option<u64>,
}

/// A page that names the next one, by link or by cursor.
#[derive(Clone, Debug)]
pub struct Linked<T> {
    /// The page's records.
    pub items: Vec<T>,
    /// The link or cursor of the next page. None on the last one.
    pub next: Option<String>,
}

/// Reads a list by offset, which counts records from 0 and goes on by what a page really held.
///
/// A page whose total differs from the first page's means that the list moved, and that records may
/// have slipped between two pages: the list is read to its end and once more, and the union counts.
/// So `take` may see a record twice, which is fine for the host.
pub fn by_offset<T>(
    mut read: impl FnMut(u64) -> Result<Page<T>, Failure>,
    mut take: impl FnMut(Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if walk(&mut read, &mut take)? == Walk::Moved {
        walk(&mut read, &mut take)?;
    }
    Ok(())
}

#[derive(PartialEq)]
enum Walk {
    Still,
    Moved,
}

fn walk<T>(
    read: &mut impl FnMut(u64) -> Result<Page<T>, Failure>,
    take: &mut impl FnMut(Vec<T>) -> Result<(), Failure>,
) -> Result<Walk, Failure> {
    let mut offset: u64 = 0;
    let mut first_total = None;
    let mut outcome = Walk::Still;
    loop {
        let Page { items, total } = read(offset)?;
        if offset == 0 {
            first_total = total;
        } else if total != first_total {
            outcome = Walk::Moved;
        }
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return match total {
                // Half a list would look like a mass departure.
                Some(total) if offset < total => Err(Failure::Unexpected(format!(
                    "the list says that it has {total} records and the page at {offset} is empty"
                ))),
                _ => Ok(outcome),
            };
        }
        take(items)?;
        offset = offset.saturating_add(count);
        if total.is_some_and(|total| offset >= total) {
            return Ok(outcome);
        }
    }
}

/// Reads a list by its next links, from `first` on. A link on another origin is refused: it would
/// carry the run somewhere the operator did not name. So is a link that was followed before.
pub fn by_link<T>(
    first: &str,
    mut read: impl FnMut(&str) -> Result<Linked<T>, Failure>,
    mut take: impl FnMut(Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut links = Links::begin(first)?;
    loop {
        let Linked { items, next } = read(&links.current.to_string())?;
        take(items)?;
        match next {
            Some(next) => links.follow(&next)?,
            None => return Ok(()),
        }
    }
}

/// Reads a list by cursor, without one first. A cursor that came before is refused: it would loop.
pub fn by_cursor<T>(
    mut read: impl FnMut(Option<&str>) -> Result<Linked<T>, Failure>,
    mut take: impl FnMut(Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let Linked { items, next } = read(cursor.as_deref())?;
        take(items)?;
        let Some(next) = next else { return Ok(()) };
        if !seen.insert(next.clone()) {
            return Err(Failure::Unexpected("the vendor repeats a cursor: the list would never end".to_owned()));
        }
        cursor = Some(next);
    }
}

/// Where a walk along next links is, and where it has been.
struct Links {
    origin: Origin,
    current: Url,
    seen: BTreeSet<String>,
}

impl Links {
    fn begin(first: &str) -> Result<Self, Failure> {
        let current = Url::parse(first)
            .map_err(|error| Failure::Unexpected(format!("the first page's address is no URL: {error}")))?;
        let seen = BTreeSet::from([current.to_string()]);
        Ok(Links { origin: current.origin().clone(), current, seen })
    }

    fn follow(&mut self, link: &str) -> Result<(), Failure> {
        let next = self
            .current
            .join(link)
            .map_err(|error| Failure::Unexpected(format!("the next link is no URL: {error}")))?;
        if next.origin() != &self.origin {
            return Err(Failure::Unexpected(format!(
                "the next link leads from {} to another origin, {}",
                self.origin,
                next.origin()
            )));
        }
        if !self.seen.insert(next.to_string()) {
            return Err(Failure::Unexpected(format!(
                "the vendor repeats the next link {}: the list would never end",
                next.path()
            )));
        }
        self.current = next;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// Reads scripted pages in order and collects what was taken and which offsets were asked for.
    fn offsets(pages: &[(&[u32], Option<u64>)]) -> (Result<(), Failure>, Vec<u32>, Vec<u64>) {
        let (mut taken, mut asked) = (Vec::new(), Vec::new());
        let result = by_offset(
            |offset| {
                let (items, total) = pages[asked.len()];
                asked.push(offset);
                Ok(Page { items: items.to_vec(), total })
            },
            |items| {
                taken.extend(items);
                Ok(())
            },
        );
        assert!(asked.len() == pages.len() || result.is_err(), "a page was not read");
        (result, taken, asked)
    }

    #[test]
    fn a_list_with_a_total_ends_at_the_total() {
        let (result, taken, asked) = offsets(&[(&[1, 2], Some(3)), (&[3], Some(3))]);
        assert_eq!(result, Ok(()));
        assert_eq!((taken, asked), (vec![1, 2, 3], vec![0, 2]));
    }

    #[test]
    fn a_page_shorter_than_asked_for_does_not_end_the_list() {
        let (_, taken, asked) = offsets(&[(&[1], Some(3)), (&[2, 3], Some(3))]);
        assert_eq!((taken, asked), (vec![1, 2, 3], vec![0, 1]));
    }

    #[test]
    fn a_list_without_a_total_ends_at_an_empty_page() {
        let (result, taken, asked) = offsets(&[(&[1, 2], None), (&[3], None), (&[], None)]);
        assert_eq!(result, Ok(()));
        assert_eq!((taken, asked), (vec![1, 2, 3], vec![0, 2, 3]));
    }

    #[test]
    fn a_list_that_moved_is_read_to_its_end_and_once_more() {
        let (result, taken, asked) =
            offsets(&[(&[1, 2], Some(4)), (&[4], Some(3)), (&[2, 3], Some(3)), (&[4], Some(3))]);
        assert_eq!(result, Ok(()));
        assert_eq!(taken, [1, 2, 4, 2, 3, 4], "the union of both readings counts");
        assert_eq!(asked, [0, 2, 0, 2]);
    }

    #[test]
    fn a_list_that_keeps_moving_is_read_twice_and_no_more() {
        let (result, _, asked) = offsets(&[(&[1], Some(2)), (&[2, 3], Some(3)), (&[1], Some(2)), (&[2, 3], Some(3))]);
        assert_eq!(result, Ok(()));
        assert_eq!(asked, [0, 1, 0, 1]);
    }

    #[test]
    fn an_empty_page_before_the_total_is_an_error_and_not_half_a_list() {
        let (result, ..) = offsets(&[(&[1], Some(3)), (&[], Some(3))]);
        let expected = "the list says that it has 3 records and the page at 1 is empty";
        assert_eq!(result, Err(Failure::Unexpected(expected.into())));
    }

    /// Follows scripted next links from `https://vendor.com/people`.
    fn links(next: &[Option<&str>]) -> (Result<(), Failure>, Vec<String>) {
        let mut asked = Vec::new();
        let result = by_link(
            "https://vendor.com/people",
            |url| {
                let next = next[asked.len()].map(str::to_owned);
                asked.push(url.to_owned());
                Ok(Linked { items: vec![()], next })
            },
            |_| Ok(()),
        );
        (result, asked)
    }

    #[test]
    fn links_are_followed_to_the_page_without_one() {
        let (result, asked) = links(&[Some("/people?page=2"), Some("https://VENDOR.com:443/people?page=3"), None]);
        assert_eq!(result, Ok(()));
        assert_eq!(asked[1], "https://vendor.com/people?page=2");
        assert_eq!(asked[2], "https://vendor.com/people?page=3");
    }

    #[test]
    fn a_link_to_another_origin_is_refused() {
        for link in [
            "https://attacker.test/people?page=2",
            "//attacker.test/people",
            "http://vendor.com/people?page=2",
            "https://vendor.com:8443/people?page=2",
            "https://vendor.com@attacker.test/people",
            "javascript:alert(1)",
        ] {
            let (result, asked) = links(&[Some(link)]);
            assert!(matches!(result, Err(Failure::Unexpected(_))), "{link} was followed");
            assert_eq!(asked.len(), 1, "{link} was asked for");
        }
    }

    #[test]
    fn a_link_that_came_before_is_refused() {
        let (result, asked) = links(&[Some("?page=2"), Some("/people")]);
        let expected = "the vendor repeats the next link /people: the list would never end";
        assert_eq!(result, Err(Failure::Unexpected(expected.into())));
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn a_cursor_that_came_before_is_refused() {
        let cursors = ["a", "b", "a"];
        let mut asked = Vec::new();
        let result = by_cursor(
            |cursor| {
                let next = cursors[asked.len()].to_owned();
                asked.push(cursor.map(str::to_owned));
                Ok(Linked { items: vec![()], next: Some(next) })
            },
            |_| Ok(()),
        );
        assert!(matches!(result, Err(Failure::Unexpected(_))));
        assert_eq!(asked, [None, Some("a".to_owned()), Some("b".to_owned())]);
    }
}
