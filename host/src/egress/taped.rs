//! Exchanges to a tape and from one: what the guest asked, and what it saw.
//!
//! Rule: recorded is what passed policy and mask, and a replay passes policy too and then asks the tape instead of the
//! network. Reason: a tape is to show what a connector does, refusals included. Attack: a connector that asks for more in a
//! replay, where it would go unseen.

use super::counters::Counters;
use super::error::EgressError;
use super::mask::Masker;
use super::policy::Denial;
use crate::tape::{Answered, Asked, Outcome, Played, Player, Recording, Refusal, TapeError};
use bytes::Bytes;
use http::{Request, Response};
use std::sync::atomic::Ordering::Relaxed;

/// What became of a request on its way: nothing is on a tape that was not sent.
#[derive(Debug, Default)]
pub struct Trail {
    /// What came of each try but the last: a status, or `no answer`.
    pub tries: Vec<String>,
    /// Whether a try was begun.
    pub sent: bool,
}

impl Trail {
    /// A try is repeated.
    pub fn repeated(&mut self, status: u16) {
        self.tries.push(match status {
            0 => "no answer".to_owned(),
            status => status.to_string(),
        });
    }
}

/// The request as the guest made it.
pub fn asked(request: &Request<Bytes>, masker: &Masker) -> Asked {
    let mask = |text: &str| masker.text(text);
    Asked::new(request.method(), &request.uri().to_string(), request.headers(), request.body(), mask)
}

/// A taped run does not see when an answer was made: the field would be the only difference between the recordings of an
/// unchanged vendor, and a replay's clock is another one.
pub fn forget_date(answer: &mut Response<Bytes>) {
    answer.headers_mut().remove(http::header::DATE);
}

/// Writes an exchange that was sent.
///
/// # Errors
/// The tape cannot be written; the guest gets no answer that is not on it.
pub fn record(
    recording: &Recording,
    asked: Asked,
    trail: Trail,
    result: &Result<Response<Bytes>, EgressError>,
    masker: &Masker,
) -> Result<(), EgressError> {
    if !trail.sent {
        return Ok(());
    }
    let outcome = match result {
        Ok(answer) => Outcome::answer(&Answered {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: answer.body().clone(),
        }),
        Err(EgressError::Denied(denial)) => {
            let denied = Refusal { sentence: masker.text(&denial.sentence), help: denial.help.clone() };
            Outcome { denied: Some(denied), ..Outcome::default() }
        }
        Err(error) => Outcome { error: Some(masker.text(&error.to_string())), ..Outcome::default() },
    };
    let broken = |e: TapeError| EgressError::Denied(Denial::firm("tape", e.to_string()));
    recording.exchange(asked, trail.tries, outcome).map_err(broken)
}

/// What the tape says.
///
/// # Errors
/// What the recorded run met, or that the tape does not hold the request.
pub fn replay(player: &Player, asked: &Asked, counters: &Counters) -> Result<Response<Bytes>, EgressError> {
    let replayed = player.play(asked).map_err(|why| EgressError::Denied(Denial::firm("tape", why)))?;
    let tries = u64::try_from(replayed.tries).unwrap_or(u64::MAX);
    counters.requests.fetch_add(tries.saturating_add(1), Relaxed);
    counters.retries.fetch_add(tries, Relaxed);
    match replayed.played {
        Played::Answer(answer) => {
            counters.received.fetch_add(u64::try_from(answer.body.len()).unwrap_or(u64::MAX), Relaxed);
            let mut response = Response::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        }
        Played::Denied(Refusal { sentence, help }) => {
            Err(EgressError::Denied(Denial { label: "replayed", sentence, help }))
        }
        Played::Error(why) => Err(EgressError::Taped { why }),
    }
}
