//! Running a connection: from configuration and connector to a published snapshot.

mod engine;
mod job;
mod progress;
pub mod queue;
mod steps;

pub use engine::{check, sync};
pub use job::Job;
pub use progress::{Progress, Reading};
