//! `muster plan` as it is typed.

use crate::roster::options::{ChangeKind, Contractors, Departures, MissingLocation, Options, PersonFields};
use clap::Args;
use std::path::PathBuf;

/// Which two connections are compared, and how.
#[derive(Debug, Args)]
pub struct Plan {
    /// The connection whose people are right
    #[arg(value_name = "FROM")]
    pub from: String,
    /// The connection that is to say the same of them; who is there alone is never touched
    #[arg(value_name = "TO")]
    pub to: String,
    /// Write the plan to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 1 where there is anything to do
    #[arg(long)]
    pub exit_code: bool,
    /// People of FROM to leave alone, by id, employee id or email; several with commas
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Whether contractors are people like others: include or exclude
    #[arg(long, value_name = "CHOICE", default_value = "exclude")]
    pub contractors: Contractors,
    /// Which kinds of change, with commas: hires, departures, titles, managers, departments, locations, employment,
    /// person, dates [default: all]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub kinds: Vec<ChangeKind>,
    /// Whether names, email and employee id of TO are overwritten, or filled where there is nothing: overwrite or fill
    #[arg(long, value_name = "CHOICE", default_value = "overwrite")]
    pub person_fields: PersonFields,
    /// Where somebody without location is: remote (at the location Remote) or blank (not compared)
    #[arg(long, value_name = "CHOICE", default_value = "blank")]
    pub missing_location: MissingLocation,
    /// What a departure leaves: sync (nothing) or backfill (an open place)
    #[arg(long, value_name = "CHOICE", default_value = "sync")]
    pub departures: Departures,
    /// Leave out hires and departures that lie further back [default: none is left out]
    #[arg(long, value_name = "DAYS")]
    pub history_days: Option<u32>,
    /// The one person who needs no manager and never gets one, by first and last name [default: all without manager]
    #[arg(long, value_name = "NAME")]
    pub org_head: Option<String>,
}

impl Plan {
    /// The choices.
    pub fn choices(&self) -> Options {
        Options {
            exclude: self.exclude.clone(),
            contractors: self.contractors,
            kinds: self.kinds.clone(),
            person_fields: self.person_fields,
            missing_location: self.missing_location,
            departures: self.departures,
            history_days: self.history_days,
            org_head: self.org_head.clone(),
        }
        .in_form()
    }
}
