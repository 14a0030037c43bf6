//! Running a connection: from configuration and connector to a published snapshot.

mod attempts;
mod check;
mod engine;
mod job;
mod progress;
#[cfg(test)]
mod property;
pub mod queue;
mod steps;

pub use check::check;
pub use engine::{Wanted, sync};
pub use job::Job;
pub use progress::{Progress, Reading};
