//! A connector that attacks its host in the way its setting `mode` names; `honest` attacks nobody.
//!
//! Nothing here is a pattern to follow. Whatever it does, the host is to survive, publish nothing false and say
//! in one sentence what happened: `tests/hostile_*.rs` hold it to that.

mod ambient;
mod bindings;
mod changes;
mod http;
mod manifest;
mod moment;
mod records;
mod requests;
mod resources;
mod secrets;
mod tasks;

use bindings::exports::muster::connector::source;
use bindings::muster::connector::types::{Account, Failure, Task};
use bindings::muster::connector::{log, settings};

/// The connector.
struct Hostile;

impl source::Guest for Hostile {
    fn describe() -> source::Description {
        manifest::describe()
    }

    fn check() -> Result<Account, Failure> {
        tasks::check(&setting("mode"))
    }

    fn sync(task: Option<Task>, session: Option<String>) -> Result<Vec<Task>, Failure> {
        let mode = setting("mode");
        if let Some(task) = &task {
            return tasks::step(&mode, task);
        }
        // Somebody who must not be published when the attack fails.
        records::emit(&[records::person("decoy", "Decoy")]);
        records::sync(&mode)
            .or_else(|| resources::sync(&mode))
            .or_else(|| requests::sync(&mode))
            .or_else(|| ambient::sync(&mode))
            .or_else(|| moment::sync(&mode))
            .or_else(|| secrets::sync(&mode))
            .or_else(|| changes::sync(&mode))
            .or_else(|| tasks::sync(&mode, session.as_deref()))
            .unwrap_or_else(|| Err(Failure::Unexpected(format!("there is no mode {mode}"))))
    }
}

/// What an attack comes to; none where the mode is another's.
type Outcome = Option<Result<Vec<Task>, Failure>>;

/// Nothing follows.
fn done() -> Outcome {
    Some(Ok(Vec::new()))
}

/// Ends the task with a sentence.
fn fail(sentence: impl Into<String>) -> Outcome {
    Some(Err(Failure::Unexpected(sentence.into())))
}

/// A setting's value, empty where it has none. `\r`, `\n`, `\0` and `\\` stand for what no setting may hold.
fn setting(name: &str) -> String {
    let raw = settings::get(name).unwrap_or_default();
    if !raw.contains('\\') {
        return raw;
    }
    let mut out = String::new();
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (other, false) => out.push(other),
            _ => match letters.next() {
                Some('r') => out.push('\r'),
                Some('n') => out.push('\n'),
                Some('0') => out.push('\0'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
        }
    }
    out
}

/// The number in the setting `count`.
fn count() -> usize {
    setting("count").parse().unwrap_or(0)
}

/// A line that the operator sees without asking.
fn warn(line: &str) {
    log::write(log::Level::Warn, line);
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all)]
mod component {
    use super::Hostile;
    crate::bindings::export!(Hostile with_types_in crate::bindings);
}

#[cfg(not(target_arch = "wasm32"))]
const _: fn() -> source::Description = <Hostile as source::Guest>::describe;
