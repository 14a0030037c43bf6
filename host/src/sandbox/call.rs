//! The exports a guest is called through, as far as they decide what it may do meanwhile.

/// Which export is being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// No network, no records.
    Describe,
    /// No records.
    Check,
    /// Everything.
    Sync,
}
