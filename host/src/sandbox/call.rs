//! The exports a guest is called through, as far as they decide what it may do meanwhile.

/// Which export is being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// No network, no records.
    Describe,
    /// No records.
    Check,
    /// Records; no changes.
    Sync,
    /// What would come of a change: no records, no changes.
    Look,
    /// Changes that the operator agreed to; no records.
    Apply,
}
