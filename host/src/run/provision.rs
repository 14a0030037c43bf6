//! One change of access: made at the vendor, then seen in the store.

use super::refresh::{self, Refreshed};
use super::session::Session;
use crate::acting::{Came, Change, Changed};
use crate::failure::{Failure, Reason};
use crate::store::{Ledger, Scope};
use std::time::Duration;

/// How often a change is tried where the vendor's answer was lost, or it asks to wait. A change is idempotent, so
/// that another try of one that was made answers `already-so`.
const TRIES: u32 = 3;
/// Waiting for a vendor that asks for it, in all: somebody sits in front of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a change is not known to be made.
#[derive(Debug)]
pub struct Unmade {
    /// The failure of the last try.
    pub failure: Failure,
    /// Something was sent that may have made it.
    pub wrote: bool,
}

/// Makes a change, or says what would come of it.
///
/// # Errors
/// The failure of the last try.
pub async fn change(session: &mut Session<'_>, change: &Change, dry_run: bool) -> Result<Changed, Unmade> {
    let (mut tries, mut checked, mut left) = (1, false, PATIENCE);
    // A try that sent something, and whose answer never came.
    let mut wrote = false;
    loop {
        let of = change.clone();
        let call = session.call(Box::new(move |mut instance, token| {
            Box::pin(async move {
                let changed = instance.change(&of, dry_run, token.as_deref()).await;
                (instance, changed)
            })
        }));
        let failure = match call.await {
            // The answer to an earlier try was lost: it is ours that makes it so.
            Ok(Changed { came: Came::AlreadySo, reread }) if wrote => {
                return Ok(Changed { came: Came::Applied, reread });
            }
            Ok(changed) => return Ok(changed),
            Err(failed) => {
                wrote |= failed.wrote && failed.failure.leaves_open_what_was_done();
                failed.failure
            }
        };
        match failure.reason {
            Reason::Unauthorized if !checked => {
                checked = true;
                session.check().await.map_err(|failure| Unmade { failure, wrote })?;
            }
            Reason::RateLimited | Reason::NotReady => {
                let wait = Duration::from_secs(failure.retry_after.unwrap_or(1));
                let Some(rest) = left.checked_sub(wait) else { return Err(Unmade { failure, wrote }) };
                left = rest;
                let clock = session.clock().clone();
                clock.wait_until(clock.instant() + wait).await;
            }
            Reason::Unavailable if tries < TRIES => tries += 1,
            _ => return Err(Unmade { failure, wrote }),
        }
    }
}

/// Reads again what a change touched, and publishes it. None where the connector does not say how.
///
/// # Errors
/// Why the store does not show it yet: a sentence.
pub async fn see<L: Ledger>(
    session: &mut Session<'_>,
    store: &L,
    change: &Change,
    changed: &Changed,
) -> Result<Option<Refreshed>, Failure> {
    let Some(task) = changed.reread.clone() else { return Ok(None) };
    refresh::refresh(session, store, scope(change), task).await.map(Some)
}

/// What a change touches. The connector names the task that reads it, never how much of the store may vanish by it.
fn scope(change: &Change) -> Scope {
    match change {
        Change::Grant(grant) | Change::Revoke(grant) => Scope::GrantsOf(grant.resource.clone()),
        Change::CreateUser(account) => Scope::ResourcesOf(account.resource_type.clone()),
        Change::DisableUser(who) | Change::RemoveUser(who) | Change::SetRole(who, _) => {
            Scope::ResourcesOf(who.resource_type.clone())
        }
    }
}
