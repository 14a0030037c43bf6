//! What a connector sees of the host: the contract's imports behind one trait, so that a script can
//! stand in for them in tests.

use crate::bindings::muster::connector::{collector, log, settings};
use crate::request::{Request, Response};
use crate::transport::{self, Fault};
use crate::{Item, Level};

/// The host's side of a call.
pub(crate) trait Host {
    /// The value of a setting, or of `run-date`.
    fn setting(&self, name: &str) -> Option<String>;
    /// A line for the operator.
    fn log(&self, level: Level, message: &str);
    /// Takes a batch whole, or says why not.
    fn emit(&self, items: Vec<Item>) -> Result<(), String>;
    /// One exchange; any status is an answer.
    fn send(&self, request: &Request) -> Result<Response, Fault>;
}

/// The real host, through the component's imports. Outside of a component every call of it traps.
pub(crate) struct Component;

impl Host for Component {
    fn setting(&self, name: &str) -> Option<String> {
        settings::get(name)
    }

    fn log(&self, level: Level, message: &str) {
        log::write(level, message);
    }

    fn emit(&self, items: Vec<Item>) -> Result<(), String> {
        collector::emit(&items)
    }

    fn send(&self, request: &Request) -> Result<Response, Fault> {
        transport::send(request)
    }
}
