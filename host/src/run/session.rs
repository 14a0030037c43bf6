//! A connector that has proved its credentials, for calls one after the other.

use super::job::Job;
use crate::clock::Clock;
use crate::egress::dial::Resolver;
use crate::egress::exchange::Egress;
use crate::failure::{Failure, Reason};
use crate::model::{Account, Task};
use crate::sandbox::Shared;
use crate::sandbox::instance::{Failed, Instance, Yielded};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The calls of one command on one connection.
pub struct Session<'j> {
    job: &'j Job,
    egress: Arc<Egress>,
    shared: Arc<Shared>,
    clock: Clock,
    instance: Option<Instance>,
    token: Option<Arc<str>>,
    account: Account,
}

/// A call that ends where nobody waits for it any more: what was stopped writes nothing further.
struct Aborting<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A call's body: it gets the instance and the session's token, and gives the instance back.
type Body<T> = Box<dyn FnOnce(Instance, Option<Arc<str>>) -> BoxFuture<'static, (Instance, Result<T, Failed>)> + Send>;

impl<'j> Session<'j> {
    /// Proves settings and credentials.
    ///
    /// # Errors
    /// Why not, as the operator reads it.
    pub async fn open(job: &'j Job, resolver: Arc<dyn Resolver>) -> Result<Session<'j>, Failure> {
        let egress = Arc::new(job.egress(resolver).map_err(|e| Failure::new(Reason::InvalidSettings, e.message))?);
        let clock = job.clock();
        let shared = job.shared(&clock, &clock.text());
        let nobody = Account { id: String::new(), name: String::new(), warnings: Vec::new(), session: None };
        let mut session = Session { job, egress, shared, clock, instance: None, token: None, account: nobody };
        session.check().await?;
        Ok(session)
    }

    /// Proves them again: the vendor has ended the session.
    ///
    /// # Errors
    /// As for [`Session::open`].
    pub async fn check(&mut self) -> Result<(), Failure> {
        let body: Body<Account> = Box::new(|mut instance, _| {
            Box::pin(async move {
                let checked = instance.check().await;
                (instance, checked)
            })
        });
        let account = self.call(body).await.map_err(|failed| failed.failure)?;
        self.token = account.session.as_deref().map(Arc::from);
        self.account = account;
        Ok(())
    }

    /// Does one task of `sync`.
    ///
    /// # Errors
    /// The guest's failure, or the host's.
    pub async fn sync(&mut self, task: Task) -> Result<Yielded, Failed> {
        let body: Body<Yielded> = Box::new(|mut instance, token| {
            Box::pin(async move {
                let yielded = instance.sync(Some(&task), token.as_deref()).await;
                (instance, yielded)
            })
        });
        self.call(body).await
    }

    /// One call on an instance that is fit for it, in a task of its own: what computes without end computes elsewhere.
    ///
    /// # Errors
    /// The guest's failure, or the host's.
    pub async fn call<T: Send + 'static>(&mut self, body: Body<T>) -> Result<T, Failed> {
        let idle = self.instance.take();
        let (program, seats) = (self.job.connector.program.clone(), self.job.connector.seats.clone());
        let (shared, egress, token) = (Arc::clone(&self.shared), Arc::clone(&self.egress), self.token.clone());
        let slow = Arc::clone(&seats.slow);
        let call = async move {
            // Never closed while there are runs.
            let _seat = seats.calls.acquire().await.ok();
            let instance = match idle {
                Some(instance) => instance,
                None => match program.instance(&shared, &egress).await {
                    Ok(instance) => instance,
                    Err(failure) => return (None, Err(failure.into())),
                },
            };
            let (instance, result) = body(instance, token).await;
            (Some(instance).filter(Instance::is_fit), result)
        };
        let mut task = Aborting(tokio::spawn(slow.watch(Arc::clone(&self.shared.computing), call)));
        match (&mut task.0).await {
            Ok((instance, result)) => {
                self.instance = instance;
                result
            }
            Err(_) => Err(Failure::new(Reason::Trap, "the call was lost inside the host").into()),
        }
    }

    /// What the connection is made of.
    pub fn job(&self) -> &'j Job {
        self.job
    }

    /// The session's time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Who the vendor thinks we are.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Requests made so far, the check's included.
    pub fn requests(&self) -> u64 {
        self.egress.counters().requests.load(Relaxed)
    }
}
