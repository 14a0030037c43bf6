//! Write a Muster connector.
//!
//! A connector is a type that implements [`Connector`] and is passed to [`connector!`]. It reads a
//! vendor through [`Context::http`], hands records to [`Context::emit`] and names the tasks that
//! follow. Everything it may do is in its manifest ([`Description`]); the host attaches secrets,
//! retries, paces and stores. One that can change something at the vendor implements
//! [`Provisioning`] or [`Roster`] as well.
//!
//! The same crate is tested natively: [`testing::Script`] stands in for the host and the vendor.

pub mod bindings;
mod connector;
mod context;
mod each;
mod error;
mod host;
pub mod http;
mod manifest;
mod multipart;
pub mod pager;
pub mod provisioning;
mod records;
pub mod request;
pub mod roster;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod text;
mod transport;
pub mod url;

pub use bindings::muster::connector::log::Level;
pub use bindings::muster::connector::manifest::{
    Credential, Description, Parameter, Rate, Route, RouteUse, Setting, SettingKind,
};
pub use bindings::muster::connector::types::{
    Account, Details, Employment, Entitlement, Failure, Grant, Item, Kind, Purpose, Resource, ResourceId, ResourceType,
    Status, Task, User,
};
pub use connector::Connector;
#[doc(hidden)]
pub use connector::{Exported, assert_provisioning, assert_roster};
pub use context::Context;
pub use error::{HttpError, HttpErrorKind, Refusal};
pub use provisioning::Provisioning;
pub use roster::Roster;

/// The page for authors is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
