//! Asking before something is changed at a vendor.
//!
//! Rule: nothing is changed that nobody agreed to: on a terminal a person is asked, elsewhere `--yes` has to say so.
//! Reason: a script that a person wrote in a hurry has no second thoughts.

use super::change_args::Consent;
use super::error::CliError;
use crate::text::neutral;
use std::io::{IsTerminal, Write};

/// Whether to go on. A dry run needs no consent.
///
/// # Errors
/// There is nobody to ask, and nobody said yes.
pub fn given(consent: &Consent, question: &str) -> Result<bool, CliError> {
    if consent.dry_run || consent.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let error = CliError::usage("this changes something at the vendor, and there is no terminal to ask on");
        return Err(error.with_help("add --yes if it is meant, or --dry-run to see what would come of it"));
    }
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{} [y/N] ", neutral(question)).and_then(|()| err.flush());
    let mut answer = String::new();
    // An end of the input is no yes.
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
