//! Fake vendors for the tests, the demo and the benchmark.
//!
//! Each fake answers on loopback as the vendor's real server does, can be sized, and can be told to misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test support: a broken assumption ends the test"
)]

pub mod body;
pub mod certificate;
pub mod charthop;
pub mod chatwoot;
pub mod components;
pub mod connection;
pub mod crash;
pub mod crowd;
pub mod disk;
pub mod echo;
pub mod fault;
pub mod fault_text;
pub mod hostile;
pub mod journal;
pub mod justworks;
pub mod pair;
#[cfg(test)]
mod raw;
pub mod roster;
pub mod scene;
pub mod scim;
pub mod scim2;
pub mod seed;
pub mod server;
#[cfg(test)]
mod server_tests;
pub mod siege;
pub mod smtp;
pub mod terminal;
pub mod venv;
