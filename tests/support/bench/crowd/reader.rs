//! How long a reader waits while a large snapshot is written and published.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use muster::store::queries::{AsOf, Filter, Reader, ResourceRow};
use support::crowd::Size;

use super::scene::Scene;
use crate::figure::{Report, Unit};
use crate::{Broken, ms};

/// The connection that is read, published before, and how many are in it.
const SMALL: &str = "small";
const FEW: Size = Size { users: 10, groups: 1, members: 5 };
/// Between two readings, so that reading is not what keeps the machine busy.
const PAUSE: Duration = Duration::from_millis(1);

/// Reads a handful of rows again and again, opening the store each time, while another process syncs the crowd
/// into it.
pub fn measure(report: &mut Report, size: Size, target: f64) -> Result<(), Broken> {
    let scene = Scene::new(size, None, Duration::ZERO)?.with(SMALL, FEW)?;
    scene.sync(SMALL)?;
    let (store, done) = (scene.store(), AtomicBool::new(false));
    let mut waits = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&store, &done));
        let synced = scene.first_beside();
        done.store(true, Relaxed);
        let waits = reader.join().map_err(|_| "the reader is gone")?;
        synced?;
        waits.map_err(Broken::from)
    })?;
    waits.sort();
    report.group(&format!("{} readings of {} rows during a first sync", waits.len(), FEW.resources()), 1)?;
    let middle = waits.get(waits.len() / 2).copied().unwrap_or_default();
    let longest = waits.last().copied().unwrap_or_default();
    report.figure("crowd.reader", "half of them take at most", Unit::Ms, [ms(middle)], None)?;
    report.figure("crowd.reader-longest", "the longest", Unit::Ms, [ms(longest)], Some(target))?;
    Ok(())
}

fn read_until(store: &Path, done: &AtomicBool) -> Result<Vec<Duration>, String> {
    let filter = Filter { connection: Some(SMALL.to_owned()), resource_type: None, as_of: AsOf::Now };
    let mut waits = Vec::new();
    while !done.load(Relaxed) {
        let (began, mut rows) = (Instant::now(), 0);
        let mut count = |_: ResourceRow| {
            rows += 1;
            Ok(())
        };
        let read = Reader::open(store).and_then(|reader| reader.resources(&filter, &mut count));
        waits.push(began.elapsed());
        read.map_err(|error| error.to_string())?;
        if rows != FEW.resources() {
            return Err(format!("{rows} rows were read instead of {}", FEW.resources()));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(waits)
}
