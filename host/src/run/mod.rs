//! Running a connection: from configuration and connector to a published snapshot, and from an agreed change to what came
//! of it.

pub mod apply;
mod attempts;
mod check;
mod engine;
mod job;
mod progress;
#[cfg(test)]
mod property;
pub mod provision;
pub mod queue;
pub mod refresh;
mod session;
mod steps;

pub use check::check;
pub use engine::{Wanted, sync};
pub use job::Job;
pub use progress::{Progress, Reading};
pub use session::Session;
