//! Depending on the moment: clocks, waits and random numbers. No attack; what a tape has to hold still.

use crate::bindings::muster::connector::types::{Failure, Task};
use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::io::poll;
use crate::bindings::wasi::random::{insecure, insecure_seed, random};
use crate::http::{Request, finish, send, start};
use crate::{Outcome, done, fail, records, setting};

const HOUR: u64 = 3_600_000_000_000;

/// Runs a mode of this file.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        // Many tasks at once, so that which instance serves which is luck.
        "chance" => Some(Ok((0..20).map(|n| Task { kind: "draw".into(), payload: n.to_string() }).collect())),
        "clock" => {
            let name = format!("{} {}", setting("run-date"), wall_clock::now().seconds);
            records::emit(&[records::person("clock", &name)]);
            done()
        }
        "nap" => {
            let before = monotonic_clock::now();
            monotonic_clock::subscribe_duration(HOUR).block();
            monotonic_clock::subscribe_instant(monotonic_clock::now() + HOUR).block();
            let hours = (monotonic_clock::now() - before) / HOUR;
            records::emit(&[records::person("nap", &format!("{hours} h"))]);
            done()
        }
        // As language runtimes do it: the answer, or else a timer.
        "patience" => {
            let request = Request::to("GET", &format!("{}/patience", setting("base-url")));
            let Ok(future) = start(&request) else { return fail("it did not begin") };
            let (answer, timer) = (future.subscribe(), monotonic_clock::subscribe_duration(HOUR));
            let first = poll::poll(&[&answer, &timer]);
            drop(answer);
            records::emit(&[records::person("patience", &format!("{first:?} {:?}", finish(&future).is_ok()))]);
            done()
        }
        _ => None,
    }
}

/// One draw: what it gets is told to the vendor, and published.
pub fn draw(task: &Task) -> Result<Vec<Task>, Failure> {
    let numbers = (random::get_random_u64(), insecure::get_insecure_random_u64(), insecure_seed::insecure_seed().0);
    let target = format!("{}/nonce/{}?n={}", setting("base-url"), task.payload, numbers.0);
    send(&Request::to("GET", &target)).map_err(|error| Failure::Unexpected(format!("{error:?}")))?;
    records::emit(&[records::person(&task.payload, &format!("{numbers:?}"))]);
    Ok(Vec::new())
}
