//! What must hold of the host whatever comes in.
//!
//! Each module is a subject and each of its functions one property, which panics where it does not hold. The tests
//! call them with values made for the purpose, the targets in `fuzz_targets` call `any` of each with bytes. A
//! property says what holds in its own words: it never asks the code under test what would be right.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a property panics where it does not hold"
)]

pub mod address;
pub mod config;
pub mod decode;
pub mod form;
pub mod manifest;
pub mod mask;
pub mod url;

mod spelling;
