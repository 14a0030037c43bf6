//! A response body as a script: pieces, pauses, and possibly a bad end.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::connection::KillSwitch;
use crate::journal::InProgress;

/// One step of a body.
pub(crate) enum Step {
    Data(Bytes),
    Pause(Duration),
    /// The connection is reset here.
    Reset(KillSwitch),
}

/// A body that plays its steps, and ends the request's time when it is done.
pub(crate) struct ScriptedBody {
    steps: VecDeque<Step>,
    /// The length, where it is known and true.
    exact: Option<u64>,
    sleep: Option<Pin<Box<Sleep>>>,
    _in_progress: Option<InProgress>,
}

impl ScriptedBody {
    pub(crate) fn full(data: Bytes, in_progress: InProgress) -> Self {
        let exact = Some(data.len() as u64);
        let steps = if data.is_empty() { VecDeque::new() } else { VecDeque::from([Step::Data(data)]) };
        Self { steps, exact, sleep: None, _in_progress: Some(in_progress) }
    }

    pub(crate) fn script(steps: Vec<Step>, in_progress: InProgress) -> Self {
        Self { steps: steps.into(), exact: None, sleep: None, _in_progress: Some(in_progress) }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(sleep) = self.sleep.as_mut() {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Step::Pause(time)) => self.sleep = Some(Box::pin(tokio::time::sleep(time))),
                Some(Step::Reset(kill)) => {
                    kill.kill();
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
