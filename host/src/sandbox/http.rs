//! A guest's HTTP requests, handed to egress. Wasmtime's own transport is not compiled in.

use super::call::Call;
use crate::egress::error::EgressError;
use crate::egress::exchange::Egress;
use crate::egress::policy::{Denial, Phase};
use crate::egress::target::Origin;
use crate::failure::{Failure, Reason};
use crate::held::Share;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What the requests of one call came to.
#[derive(Debug, Default)]
struct Notes {
    /// The first request that the host refused, as the failure it makes of the call.
    refused: Option<Failure>,
    last: Option<Origin>,
    /// A request that changes something was let out.
    wrote: bool,
}

/// The way out of one instance.
pub struct Way {
    egress: Option<Arc<Egress>>,
    call: Call,
    notes: Arc<Mutex<Notes>>,
    busy: watch::Sender<Traffic>,
}

impl Way {
    /// A way out through a run's egress; none at all for `describe`.
    pub fn new(egress: Option<Arc<Egress>>) -> Way {
        Way { egress, call: Call::Describe, notes: Arc::default(), busy: watch::Sender::default() }
    }

    /// A new call begins: requests of an earlier one that are still in flight write elsewhere.
    pub fn begin(&mut self, call: Call) {
        self.call = call;
        self.notes = Arc::default();
        if let (Call::Check, Some(egress)) = (call, &self.egress) {
            egress.begin_check();
        }
    }

    /// The failure that the call's first refused request makes of it: a guest cannot know why, the host does.
    pub fn refused(&self) -> Option<Failure> {
        lock(&self.notes).refused.clone()
    }

    /// Where the call's last request went.
    pub fn last_origin(&self) -> Option<Origin> {
        lock(&self.notes).last.clone()
    }

    /// Whether the call has let a request out that changes something at the vendor.
    pub fn wrote(&self) -> bool {
        lock(&self.notes).wrote
    }

    /// Its exchanges, as they come and go.
    pub fn busy(&self) -> watch::Receiver<Traffic> {
        self.busy.subscribe()
    }

    /// Masks known secrets in what leaves the sandbox.
    pub fn mask(&self, text: &str) -> String {
        self.egress.as_ref().map_or_else(|| text.to_owned(), |e| e.masker().text(text))
    }
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn denied(denial: Denial) -> Failure {
    Failure { help: denial.help, ..Failure::new(Reason::Denied, denial.sentence) }
}

type Answer = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Way {
    /// `Host` is the host's to set: the client writes it from the URL that was judged.
    fn set_host_header(&mut self) -> bool {
        false
    }

    /// A guest's fields are judged by egress, which can say what is wrong; here only what would confuse the
    /// library itself is refused. `Content-Length` is not in it: guests set it, and it is redone.
    fn forbidden_header_filter(&mut self) -> wasmtime_wasi_http::ForbiddenHeaderFilter {
        Arc::new(|name| *name == http::header::TRANSFER_ENCODING)
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _guest_timeouts: Option<RequestOptions>,
        _body_error: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, Error>> + Send> {
        // A guest's own timeouts are ignored: one deadline of the host bounds the exchange.
        let (egress, call, notes) = (self.egress.clone(), self.call, Arc::clone(&self.notes));
        let busy = Busy::new(&self.busy);
        Box::new(async move {
            let _busy = busy;
            let Some(egress) = egress.filter(|_| call != Call::Describe) else {
                let sentence = "a connector that describes itself has no network".to_owned();
                lock(&notes).refused.get_or_insert(Failure::new(Reason::Denied, sentence));
                return Err(Error::HttpRequestDenied);
            };
            match exchange(&egress, call, request, &notes).await {
                Ok(response) => {
                    let body = |bytes| Full::new(bytes).map_err(Error::from).boxed_unsync();
                    let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
                    Ok((response.map(body), done))
                }
                Err(Refused::Egress(EgressError::Denied(denial))) => {
                    lock(&notes).refused.get_or_insert(denied(denial));
                    Err(Error::HttpRequestDenied)
                }
                Err(Refused::Egress(error @ EgressError::RequestTooLarge { limit })) => {
                    lock(&notes).refused.get_or_insert(Failure::limit("request-body", error.to_string()));
                    Err(Error::HttpRequestBodySize(Some(limit as u64)))
                }
                Err(Refused::Egress(error @ EgressError::Unread { .. })) => {
                    let failure = Failure::limit("bodies-held", error.to_string());
                    lock(&notes).refused.get_or_insert(failure);
                    Err(Error::InternalError(Some(egress.masker().text(&error.to_string()))))
                }
                Err(Refused::Egress(error)) => {
                    Err(Error::InternalError(Some(egress.masker().text(&error.to_string()))))
                }
                Err(Refused::Body(error)) => Err(error),
            }
        })
    }
}

/// The exchanges of an instance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Now.
    pub in_progress: usize,
    /// When the last one ended.
    pub ended: Option<Instant>,
}

/// An exchange in progress, for as long as it is there.
struct Busy(watch::Sender<Traffic>);

impl Busy {
    fn new(traffic: &watch::Sender<Traffic>) -> Busy {
        traffic.send_modify(|traffic| traffic.in_progress += 1);
        Busy(traffic.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|traffic| {
            traffic.in_progress = traffic.in_progress.saturating_sub(1);
            traffic.ended = Some(Instant::now());
        });
    }
}

enum Refused {
    Egress(EgressError),
    Body(Error),
}

async fn exchange(
    egress: &Egress,
    call: Call,
    request: http::Request<WasiBody>,
    notes: &Mutex<Notes>,
) -> Result<http::Response<Bytes>, Refused> {
    let (parts, body) = request.into_parts();
    let caps = egress.caps();
    let mut share = egress.share();
    let collected = tokio::time::timeout(caps.deadline, collect(body, caps.request_body, &mut share)).await;
    let body =
        collected.map_err(|_| Refused::Egress(EgressError::Unfinished { seconds: caps.deadline.as_secs() }))??;
    let request = http::Request::from_parts(parts, body);
    let phase = match call {
        Call::Check => Phase::Check,
        Call::Describe | Call::Sync | Call::Look => Phase::Sync,
        Call::Apply => Phase::Apply,
    };
    let target = egress.judge(phase, &request).map_err(Refused::Egress)?;
    {
        let mut notes = lock(notes);
        notes.last = Some(target.origin.clone());
        notes.wrote |= call == Call::Apply && !matches!(*request.method(), http::Method::GET | http::Method::HEAD);
    }
    egress.exchange(&target, request).await.map_err(Refused::Egress)
}

/// The whole request body: policy judges requests, not streams.
async fn collect(mut body: WasiBody, limit: usize, share: &mut Share) -> Result<Bytes, Refused> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(Refused::Body)?.into_data() {
            if bytes.len() + data.len() > limit {
                return Err(Refused::Egress(EgressError::RequestTooLarge { limit }));
            }
            if !share.grow(data.len()) {
                return Err(Refused::Egress(EgressError::Unread { limit: share.limit() }));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}
