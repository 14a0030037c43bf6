//! Muster: a host that runs vendor connectors as WebAssembly components and collects who exists and who has
//! what access, without trusting the connector.
//!
//! Read downwards: `cli` → `run`, `build` → `catalog`, `config` → `sandbox` → `egress`, `store` → `tape` → `report`, `clock`,
//! `limits`, `manifest`, `settings`, `model`, `failure`, `text`. What is lower knows nothing of what is higher.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod acting;
pub mod build;
mod canonical;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod egress;
pub mod failure;
pub mod held;
pub mod lane;
pub mod limits;
pub mod manifest;
pub mod model;
pub mod packed;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod seats;
pub mod settings;
pub mod store;
pub mod tape;
pub mod template;
pub mod text;
