//! End-to-end tests: the built binary runs the built components against fake vendors on this machine.
//!
//! One file a behaviour. `MUSTER_BLESS=1` rewrites the golden files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests: a broken assumption ends the test"
)]

mod acting;
mod apply;
mod apply_again;
mod apply_faults;
mod apply_property;
mod bad_component;
mod bad_config;
mod bad_schedule;
mod bad_store;
mod bad_tape;
mod cache;
mod charthop_auth;
mod charthop_faults;
mod charthop_snapshot;
mod chatwoot_auth;
mod chatwoot_faults;
mod cli;
mod concurrency;
mod contract;
mod crash;
mod crash_store;
mod crowd;
mod deploy;
mod diff;
mod egress;
mod first_sync;
mod golden;
mod growth;
mod history;
mod hostile_ambient;
mod hostile_body;
mod hostile_changes;
mod hostile_describe;
mod hostile_guest;
mod hostile_headers;
mod hostile_http2;
mod hostile_records;
mod hostile_requests;
mod hostile_resources;
mod hostile_secrets;
mod hostile_server;
mod hostile_tls;
mod justworks_faults;
mod justworks_login;
mod justworks_roster;
mod justworks_secrets;
mod migration;
mod notify;
mod plan;
mod provisioning;
mod prune;
mod query;
mod regressions;
mod report;
mod resume;
mod scim_auth;
mod scim_faults;
mod scim_paging;
mod scim_real;
mod scim_sync;
mod secrets;
mod security_page;
mod serve;
mod side_by_side;
mod tapes;
