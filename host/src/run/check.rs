//! `check` alone: proves settings and credentials, and collects nothing.

use super::job::Job;
use crate::egress::dial::Resolver;
use crate::failure::{Failure, Reason};
use crate::model::Account;
use std::sync::Arc;

/// Proves settings and credentials.
///
/// # Errors
/// Why not, as the operator reads it.
pub async fn check(job: &Job, resolver: Arc<dyn Resolver>) -> Result<Account, Failure> {
    let egress = Arc::new(job.egress(resolver).map_err(|e| Failure::new(Reason::InvalidSettings, e.message))?);
    let clock = job.clock();
    let shared = job.shared(&clock, &clock.text());
    let (program, seats) = (job.connector.program.clone(), job.connector.seats.clone());
    let slow = Arc::clone(&seats.slow);
    let check = async move {
        let _seat = seats.calls.acquire().await.ok();
        let mut instance = program.instance(&shared, &egress).await?;
        instance.check().await.map_err(|f| f.failure)
    };
    // A task of its own: checks of other connections do not wait for this one's turn.
    match tokio::spawn(slow.watch(Arc::default(), check)).await {
        Ok(checked) => checked,
        Err(_) => Err(Failure::new(Reason::Trap, "the check was lost inside the host")),
    }
}
