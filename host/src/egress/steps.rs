//! Which one-time codes were sent already.
//!
//! Rule: the code of one step is never sent twice for a connection, not even by another process or after a crash.
//! Reason: vendors take a repeated code for an attack and lock the account. Attack: a connector that posts the
//! form again and again within the 30 seconds of a code.

use super::credentials::Credentials;
use super::error::EgressError;
use super::form::Form;
use super::totp;
use crate::settings::Secret;
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Steps that are waited for, one after the other: two processes may want the same one.
const TRIES: u32 = 3;

/// Remembers the last step of each secret, for good.
pub trait Steps: Send + Sync + 'static {
    /// Takes the step for the secret of this setting: `false` if it or a later one was taken before. True means
    /// that it is on disk.
    fn claim(&self, setting: String, step: u64) -> BoxFuture<'static, Result<bool, String>>;

    /// Now. Replaced in tests.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// For a connection without one-time codes.
pub struct NoSteps;

impl Steps for NoSteps {
    fn claim(&self, _: String, _: u64) -> BoxFuture<'static, Result<bool, String>> {
        Box::pin(async { Err("there is no store to keep it in".to_owned()) })
    }
}

/// One-time codes, by the setting with their secret.
pub type Codes = BTreeMap<String, Secret>;

/// The codes that a form needs, by setting; waits for the next step where this one was used. Calls `waiting`
/// with each wait before it waits.
///
/// # Errors
/// A step that cannot be kept, or a clock that went back.
pub async fn codes(
    steps: &dyn Steps,
    credentials: &Credentials,
    form: &Form,
    mut waiting: impl FnMut(Duration),
) -> Result<Codes, EgressError> {
    let mut out = Codes::new();
    // One code serves every field that wants it.
    for setting in form.codes().collect::<BTreeSet<_>>() {
        let Some(key) = credentials.key(setting) else { continue };
        let mut tries = 0;
        let code = loop {
            let now = steps.now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let step = totp::step(now.as_secs());
            let claimed = steps.claim(setting.to_owned(), step).await;
            if claimed.map_err(|why| EgressError::Step { setting: setting.to_owned(), why })? {
                break totp::code(key, step);
            }
            tries += 1;
            if tries > TRIES {
                let why = "a later code was used already; is the clock of this machine right?".to_owned();
                return Err(EgressError::Step { setting: setting.to_owned(), why });
            }
            let next = Duration::from_secs((step + 1) * totp::STEP).saturating_sub(now);
            waiting(next);
            tokio::time::sleep(next).await;
        };
        out.insert(setting.to_owned(), code);
    }
    Ok(out)
}
