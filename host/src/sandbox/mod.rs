//! The sandbox: what a component may import, what bounds it, and its calls.
//!
//! Generated types stay inside: `bindings` holds them, `convert` turns them into the domain's.

mod ambient;
mod bindings;
mod call;
mod chance;
mod change;
mod clocks;
mod convert;
mod convert_change;
pub mod engine;
mod guest;
mod http;
pub mod instance;
pub mod linker;
mod memory;
pub mod meter;

pub use change::Roster;
pub use guest::{LogBudget, Shared};
