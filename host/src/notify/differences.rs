//! What a run changed, in the words of `muster diff`: as many lines as a mail holds, and how many more there are.

use crate::difference;
use crate::store::StoreError;
use crate::store::diff::Comparison;
use crate::store::queries::Reader;
use crate::text::neutral;
use std::path::Path;

/// Lines of differences in a mail: more are read better with `muster diff`.
const LINES: usize = 50;

/// The first lines of what differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Neutralised.
    pub lines: Vec<String>,
    /// Whether there are more.
    pub more: bool,
}

enum End {
    Enough,
    Failed(StoreError),
}

impl From<StoreError> for End {
    fn from(e: StoreError) -> End {
        End::Failed(e)
    }
}

impl Differences {
    /// What a run changed, or would change where it is a draft, against what was published before it.
    ///
    /// # Errors
    /// The store cannot be read, or no longer has one of the two states.
    pub fn read(store: &Path, connection: &str, run: i64) -> Result<Differences, StoreError> {
        let reader = Reader::open(store)?;
        let comparison = Comparison::new(&reader, connection, None, Some(run))?;
        let mut out = Differences::default();
        let read = comparison.changes::<End>(&mut |change| {
            for line in difference::lines(&change) {
                if out.lines.len() == LINES {
                    out.more = true;
                    return Err(End::Enough);
                }
                out.lines.push(line);
            }
            Ok(())
        });
        match read {
            Ok(()) | Err(End::Enough) => Ok(out),
            Err(End::Failed(e)) => Err(e),
        }
    }

    /// One line that says why there are none.
    pub fn unreadable(why: &str) -> Differences {
        Differences { lines: vec![format!("  they cannot be shown: {}", neutral(why))], more: false }
    }
}
