//! What `muster serve` keeps in mind: which connection is due when, which is running, and which waits for its settings to
//! change. The loop itself is the command's.

mod pauses;
mod roll;

pub use pauses::{Mark, Paused, Pauses, material};
pub use roll::{Call, Listed, Roll};
