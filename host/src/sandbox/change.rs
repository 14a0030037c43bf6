//! Calls that change something at a vendor.
//!
//! Rule: a writing request leaves only inside of such a call, and such a call is made only where the operator agreed to
//! a change; a dry run of a single change is a reading call. Reason: the credential can do more than the operator
//! asked for. Attack: a connector that uses the night's sync to make itself an administrator.

use super::bindings::exports::muster::connector::{provisioning as wit_provisioning, roster as wit_roster};
use super::call::Call;
use super::convert_change as convert;
use super::instance::{Failed, Instance};
use crate::acting::{Advance, Change, Changed, RosterChange, RosterOptions, Step};
use crate::failure::{Failure, Reason};

/// A roster's changes in the form in which they cross the boundary; made once for all steps.
pub struct Roster {
    changes: Vec<wit_roster::RosterChange>,
    options: wit_roster::RosterOptions,
}

impl Roster {
    /// From the domain's.
    pub fn new(changes: &[RosterChange], options: &RosterOptions) -> Roster {
        let changes = changes.iter().map(convert::roster_change).collect();
        Roster { changes, options: convert::roster_options(options) }
    }
}

impl Instance {
    /// Makes one change of access; or says what would come of it, where nothing may be changed.
    ///
    /// # Errors
    /// The guest's failure, or the host's.
    pub async fn change(&mut self, change: &Change, dry_run: bool, session: Option<&str>) -> Result<Changed, Failed> {
        let Some(provisioning) = &self.exports.provisioning else {
            return Err(incapable("change access").into());
        };
        let change: wit_provisioning::Change = convert::change(change);
        let call = if dry_run { Call::Look } else { Call::Apply };
        let apply = async |store: &mut _| provisioning.call_apply(store, &change, dry_run, session).await;
        let result = self.boundary.run(call, apply).await;
        let outcome = self.settle(result.map(|r| r.map_err(convert::failure)))?;
        let guest = self.boundary.store.data();
        let payload_bytes = guest.limits().payload_bytes;
        let mask = |text: &str| guest.way().mask(text);
        convert::changed(outcome, payload_bytes, &mask).map_err(contract)
    }

    /// Does one step of a roster.
    ///
    /// # Errors
    /// The guest's failure, or the host's.
    pub async fn step(&mut self, step: &Step, roster: &Roster, session: Option<&str>) -> Result<Advance, Failed> {
        let Some(export) = &self.exports.roster else {
            return Err(incapable("take a roster").into());
        };
        let step = convert::step(step);
        let (changes, options) = (&roster.changes, &roster.options);
        let apply = async |store: &mut _| export.call_apply(store, &step, changes, options, session).await;
        let result = self.boundary.run(Call::Apply, apply).await;
        let progress = self.settle(result.map(|r| r.map_err(convert::failure)))?;
        let guest = self.boundary.store.data();
        let payload_bytes = guest.limits().payload_bytes;
        let mask = |text: &str| guest.way().mask(text);
        convert::advance(progress, changes.len(), payload_bytes, &mask).map_err(contract)
    }
}

fn incapable(what: &str) -> Failure {
    Failure::new(Reason::Unexpected, format!("this connector cannot {what}"))
}

fn contract(why: String) -> Failed {
    Failure::new(Reason::Contract, why).into()
}
