//! Rosters: what is to be done so that one connection's people become like another's. It decides and does nothing: no
//! SQL, no network, no clock.
//!
//! `load` reads two snapshots, `make` makes a plan of them, `read` reads a plan back, `stale` says whether one that was
//! made before still holds, and `shown` what of it was done. Below: `hiring`, `values` → `facts` → `matching`, `chart` → `people` → `texts`, and the
//! document itself, `plan` → `options`, `field`, `words`.

mod changes;
mod chart;
mod facts;
mod field;
mod hiring;
mod load;
mod make;
mod matching;
pub mod options;
pub mod people;
mod plan;
#[cfg(test)]
mod property;
mod read;
mod shown;
#[cfg(test)]
mod sketch;
mod stale;
#[cfg(test)]
mod tests;
mod texts;
mod values;
pub mod words;

pub use changes::Changes;
pub use facts::NoPlan;
pub use field::Field;
pub use load::LoadError;
pub use make::{Made, Rosters, make};
pub use options::{ChangeKind, Options};
pub use plan::{Change, Counts, Departure, FieldChange, Hire, Plan, Skipped, Snapshot, VERSION};
pub use read::PlanError;
pub use stale::{Halfway, Verdict, newly_skipped, remaining, verdict, verdict_halfway};
