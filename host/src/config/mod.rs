//! Configuration: `muster.toml`, what its settings come to, and the errors a person can act on.

mod error;
mod file;
mod resolve;
mod source;

pub use error::ConfigError;
pub use file::{Config, Connection, DEFAULT_FILE, parse_duration};
pub use resolve::resolve;
pub use source::{Source, literal};
