//! Configuration: `muster.toml`, what its settings come to, and the errors a person can act on.

mod authority;
mod command;
mod error;
mod file;
mod granted;
mod limit;
mod notify;
mod quantity;
mod resolve;
mod schedule;
mod smtp;
mod source;
mod value;

pub use authority::authorities;
pub use error::ConfigError;
pub use file::{Config, Connection, DEFAULT_FILE};
pub use granted::{asked, granted};
pub use notify::{Notify, When};
pub use resolve::{Secrets, resolve};
pub use smtp::{Smtp, Tls};
pub use source::{Source, literal};
