//! When a connection is run by itself: its rule, the next moment after another, what was missed, and what follows from a
//! run that ended. Pure: what time it is, is always told.

mod after;
mod due;
mod jitter;
mod rule;

pub use after::{Verdict, judge};
pub use due::{Last, due};
pub use rule::{Rule, Schedule};
