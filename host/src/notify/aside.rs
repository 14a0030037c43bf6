//! Work that may hang, done beside the tasks: reading the store, and asking a command for a password.
//!
//! Rule: nobody waits longer than was said, and few may hang at once. Reason: a thread that hangs cannot be ended; a server
//! that began another one for every mail would run out of them. So what takes too long is left behind and holds its place
//! until it ends; who finds no place waits, and no longer than was said. A command that waits for somebody who types is
//! killed at its own deadline (`config/command.rs`) and gives its place back. Residual: a disk that never answers outlives
//! what was said, at worst for [`PLACES`] pieces of work.

use std::time::Duration;
use tokio::sync::Semaphore;

/// Pieces of work that may be in progress, hanging ones included.
const PLACES: usize = 4;

static HELD: Semaphore = Semaphore::const_new(PLACES);

/// What the work comes to; nothing where that takes too long, or the work is lost.
pub async fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    within_places(&HELD, limit, work).await
}

async fn within_places<T: Send + 'static>(
    places: &'static Semaphore,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let done = async {
        let place = places.acquire().await.ok()?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.ok()
    };
    tokio::time::timeout(limit, done).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn nobody_waits_for_work_that_hangs_and_it_keeps_its_place_until_it_ends() {
        static PLACE: Semaphore = Semaphore::const_new(1);
        let (end, ended) = channel::<()>();
        assert_eq!(within_places(&PLACE, LONG, || 1).await, Some(1));
        let hangs = within_places(&PLACE, SHORT, move || ended.recv().is_err());
        assert_eq!(hangs.await, None, "nobody waits");
        let (begun, is_begun) = channel();
        assert_eq!(within_places(&PLACE, SHORT, move || begun.send(())).await, None, "there is no place");
        assert!(is_begun.recv().is_err(), "it was never begun");
        drop(end);
        assert_eq!(within_places(&PLACE, LONG, || 2).await, Some(2), "there is one again");
    }
}
