//! The commands that change something, as they are typed.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Before something is changed.
#[derive(Debug, Default, Args)]
pub struct Consent {
    /// Only say what would come of it
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Who is to have what, or no longer.
#[derive(Debug, Args)]
pub struct Membership {
    /// The connection
    #[arg(value_name = "CONNECTION")]
    pub connection: String,
    /// What: TYPE:ID:SLUG, as `muster entitlements` lists them
    #[arg(value_name = "ENTITLEMENT")]
    pub entitlement: String,
    /// Who: TYPE:ID
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// Asking.
    #[command(flatten)]
    pub consent: Consent,
}

/// What to do with an account.
#[derive(Debug, Subcommand)]
pub enum AccountAction {
    /// Make one, or invite somebody
    Add {
        /// The connection
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// Address for work
        #[arg(value_name = "EMAIL")]
        email: String,
        /// The person's name [default: what stands before the @]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The vendor's own word for a role [default: its least]
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,
        /// The type of account, where the connector has several
        #[arg(long = "type", value_name = "TYPE")]
        resource_type: Option<String>,
        /// Asking.
        #[command(flatten)]
        consent: Consent,
    },
    /// Take one away
    Remove {
        /// The connection
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// Who: TYPE:ID
        #[arg(value_name = "PRINCIPAL")]
        principal: String,
        /// Asking.
        #[command(flatten)]
        consent: Consent,
    },
    /// Keep one, and let nobody use it
    Disable {
        /// The connection
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// Who: TYPE:ID
        #[arg(value_name = "PRINCIPAL")]
        principal: String,
        /// Asking.
        #[command(flatten)]
        consent: Consent,
    },
    /// Give one another role
    Role {
        /// The connection
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// Who: TYPE:ID
        #[arg(value_name = "PRINCIPAL")]
        principal: String,
        /// The vendor's own word
        #[arg(value_name = "ROLE")]
        role: String,
        /// Asking.
        #[command(flatten)]
        consent: Consent,
    },
}

impl AccountAction {
    /// What all of them have.
    pub fn common(&self) -> (&str, &Consent) {
        match self {
            AccountAction::Add { connection, consent, .. }
            | AccountAction::Remove { connection, consent, .. }
            | AccountAction::Disable { connection, consent, .. }
            | AccountAction::Role { connection, consent, .. } => (connection, consent),
        }
    }
}

/// Which acts are meant.
#[derive(Debug, Args)]
pub struct Audit {
    /// Show this one with what came of each of its changes
    #[arg(value_name = "ACT", conflicts_with = "connection")]
    pub act: Option<i64>,
    /// Only those of this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// What is to be done, and how.
#[derive(Debug, Args)]
pub struct Apply {
    /// A plan that `muster plan -o` wrote
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Write into this scenario of the target instead of the real data; the target is not read again then
    #[arg(long, value_name = "ID")]
    pub scenario: Option<String>,
    /// Departments, locations and the like that the target does not have are refused, not created
    #[arg(long)]
    pub no_create_groups: bool,
    /// Where one change is refused, the target is to refuse those that come with it, too
    #[arg(long)]
    pub stop_on_error: bool,
    /// Asking.
    #[command(flatten)]
    pub consent: Consent,
}
