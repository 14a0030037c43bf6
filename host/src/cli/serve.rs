//! `muster serve`: runs connections by their schedules until it is stopped.
//!
//! One loop decides (`serve::Roll`, which is pure), and everything that takes time is a task beside it: runs, looks at
//! the settings of what is paused, mails. A plugin list that was read anew holds for what begins after it.

use super::args::{Global, Targets};
use super::error::{self, CliError};
use super::mailing::Mailing;
use super::one::{AT_ONCE, Ran, Shared, one, stopped};
use super::output::Output;
use super::scene::Scene;
use super::signals::signals;
use super::summary;
use super::taping::Taping;
use crate::config::{Connection, Source};
use crate::egress::dial::SystemResolver;
use crate::report::Summary;
use crate::run::Wanted;
use crate::schedule::{Last, Verdict, judge};
use crate::serve::{Call, Listed, Mark, Paused, Pauses, Roll, material};
use crate::store::queries::{Reader, RunRow};
use crate::store::{Store, StoreError};
use crate::tape::Tape;
use crate::text::{io_words, neutral};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::{Id, JoinSet};

/// How often a line says how it stands. Nothing is slept longer, so that a clock that is put is noticed.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// The shortest sleep: a moment that lies a hair ahead is not asked for again and again.
const LEAST: Duration = Duration::from_millis(10);

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// What the host can judge before it calls anybody, or a store that cannot be opened.
pub async fn serve(global: &Global) -> Result<u8, CliError> {
    let scene = Scene::new(global, &Targets::default())?;
    if listed(&scene).is_empty() {
        return Err(CliError::usage("no connection of the plugin list has a schedule")
            .with_help("add schedule = \"daily 06:30\" below the name of a connection"));
    }
    let (stop, stopped) = watch::channel(false);
    let ended = signals(stop);
    let hangup = signal(SignalKind::hangup())
        .map_err(|e| CliError::failed(format!("cannot listen for SIGHUP: {}", io_words(&e))))?;
    let (thread, store) = Store::open(&scene.store, &tokio::runtime::Handle::current())?;
    Server::new(global, scene, store, stopped)?.go(hangup).await;
    // The writer ends when its last sender is gone, and the process not before it.
    drop(thread);
    Ok(ended.await.unwrap_or(error::OK))
}

/// What a task beside the loop came to.
enum Event {
    Elsewhere(String),
    Ran { summary: Box<Summary>, verdict: Verdict, paused: Option<Paused> },
    Same(Option<Mark>),
    Changed,
}

struct Server<'a> {
    global: &'a Global,
    scene: Arc<Scene>,
    shared: Arc<Shared>,
    pauses: Arc<Pauses>,
    roll: Roll,
    places: Arc<Semaphore>,
    tasks: JoinSet<Event>,
    /// Which connection a task is about, and the plugin list that was in force when it began.
    about: HashMap<Id, (String, Arc<Scene>)>,
    mailing: Mailing,
    stop: watch::Receiver<bool>,
}

impl<'a> Server<'a> {
    fn new(
        global: &'a Global,
        scene: Scene,
        store: Store,
        stop: watch::Receiver<bool>,
    ) -> Result<Server<'a>, CliError> {
        let pauses = Arc::new(Pauses::new(store.path())?);
        let mailing = Mailing::new(store.path().to_path_buf(), stop.clone());
        let shared = Shared {
            taping: Taping::Off,
            store,
            resolver: Arc::new(SystemResolver),
            wanted: Wanted::default(),
            stop: stop.clone(),
        };
        let mut server = Server {
            global,
            scene: Arc::new(scene),
            shared: Arc::new(shared),
            pauses,
            roll: Roll::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            tasks: JoinSet::new(),
            about: HashMap::new(),
            mailing,
            stop,
        };
        server.list()?;
        Ok(server)
    }

    /// Serves until it is stopped.
    async fn go(mut self, mut hangup: Signal) {
        let mut beat = Instant::now();
        let mut stop = self.stop.clone();
        loop {
            for (name, call) in self.roll.calls(Timestamp::now()) {
                match call {
                    Call::Run => self.run(&name),
                    Call::Look => self.look(&name),
                }
            }
            if beat <= Instant::now() {
                tracing::info!(target: "progress", "{}", self.roll.line());
                beat = Instant::now() + HEARTBEAT;
            }
            let sleep = self.until_next(beat);
            tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => break,
                Some(done) = self.tasks.join_next_with_id() => self.done(done),
                Some(()) = hangup.recv() => self.reload(),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        // Every run has heard of it, and keeps what it has.
        while let Some(done) = self.tasks.join_next_with_id().await {
            self.done(done);
        }
        self.mailing.finish().await;
    }

    fn until_next(&self, beat: Instant) -> Duration {
        let to_beat = beat.saturating_duration_since(Instant::now());
        let to_due = self.roll.wake().map(|due| due.duration_since(Timestamp::now()));
        let to_due = to_due.map(|wait| Duration::try_from(wait).unwrap_or_default());
        to_due.map_or(to_beat, |due| due.min(to_beat)).max(LEAST)
    }

    /// Puts the plugin list on the roll. What is new there may have been refused before.
    fn list(&mut self) -> Result<(), StoreError> {
        let (last, now) = (last_runs(&self.shared.store)?, Timestamp::now());
        for name in self.roll.list(listed(&self.scene), |name| last.get(name).copied(), now) {
            if let Some(paused) = self.pauses.read(&name) {
                self.roll.pause(&name, paused, now);
            }
        }
        Ok(())
    }

    /// Reads the plugin list again; a wrong one leaves the old one in force.
    fn reload(&mut self) {
        let again = self.scene.again(self.global).and_then(|scene| {
            let before = std::mem::replace(&mut self.scene, Arc::new(scene));
            self.list().map_err(|e| {
                self.scene = before;
                e.into()
            })
        });
        match again {
            Ok(()) => tracing::info!(target: "progress", "the plugin list was read again; {}", self.roll.line()),
            Err(e) => {
                e.report();
                error::note("the plugin list that was read before stays in force");
            }
        }
    }

    fn spawn(&mut self, name: &str, task: impl Future<Output = Event> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.about.insert(id, (name.to_owned(), Arc::clone(&self.scene)));
    }

    fn run(&mut self, name: &str) {
        let tries = self.roll.begun(name);
        let (scene, shared, pauses) = (Arc::clone(&self.scene), Arc::clone(&self.shared), Arc::clone(&self.pauses));
        let (places, name_of) = (Arc::clone(&self.places), name.to_owned());
        self.spawn(name, async move {
            let (name, mut stop) = (name_of, shared.stop.clone());
            let place = tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => None,
                place = places.acquire_owned() => place.ok(),
            };
            let ran = match (place, connection(&scene, &name)) {
                (Some(_place), Some(connection)) => one(&scene, connection, &shared).await,
                _ => Ran::Ended(Box::new(stopped(&name)), None),
            };
            let (summary, job) = match ran {
                Ran::Elsewhere(who) => return Event::Elsewhere(who),
                Ran::Ended(summary, job) => (summary, job),
            };
            let verdict = judge(&summary, tries);
            let paused = match (verdict, job) {
                (Verdict::Pause(reason), Some(job)) => {
                    // Without a number no run by hand is known to be a later one: then only other settings count.
                    let (run, material) = (summary.run.unwrap_or(i64::MAX), material(&job));
                    let mark = Some(pauses.mark(&material));
                    let kept = tokio::task::spawn_blocking(move || pauses.keep(&name, reason, run, &material)).await;
                    if let Ok(Err(e)) = kept {
                        error::say(&format!("{}: the pause is forgotten when this ends: {e}", summary.connection), &[]);
                    }
                    Some(Paused { reason: reason.to_owned(), run, mark })
                }
                _ => None,
            };
            Event::Ran { summary, verdict, paused }
        });
    }

    /// Sees whether the settings of a paused connection have changed, or somebody has run it by hand.
    fn look(&mut self, name: &str) {
        let Some(paused) = self.roll.looking(name) else { return };
        let (scene, shared, pauses) = (Arc::clone(&self.scene), Arc::clone(&self.shared), Arc::clone(&self.pauses));
        let name_of = name.to_owned();
        self.spawn(name, async move {
            let (name, mut stop) = (name_of, shared.stop.clone());
            if went_well(&shared.store, &name, &paused).unwrap_or(false) {
                return Event::Changed;
            }
            let Some(connection) = connection(&scene, &name) else { return Event::Same(None) };
            // Settings that are wrong in themselves are not yet those that could be tried.
            let job = tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => return Event::Same(None),
                job = scene.job(connection, Tape::Off) => job,
            };
            let Ok(job) = job else { return Event::Same(None) };
            let looked = tokio::task::spawn_blocking(move || {
                let material = material(&job);
                let same = pauses.is_the_same(&name, &paused, &material);
                if same { Event::Same(Some(pauses.mark(&material))) } else { Event::Changed }
            });
            looked.await.unwrap_or(Event::Same(None))
        });
    }

    fn done(&mut self, done: Result<(Id, Event), tokio::task::JoinError>) {
        let (id, event) = match done {
            Ok((id, event)) => (id, Some(event)),
            Err(e) => (e.id(), None),
        };
        let Some((name, scene)) = self.about.remove(&id) else { return };
        let now = Timestamp::now();
        match event {
            Some(Event::Ran { summary, verdict, paused }) => {
                self.show(&summary);
                if let Some(connection) = connection(&scene, &name) {
                    self.mailing.after_run(scene.smtp.as_ref(), connection, &summary);
                }
                match paused {
                    Some(paused) => {
                        tracing::warn!(
                            "{name} is paused, because it was refused ({}): it is run again when its settings change, or after \
                             `muster sync {name}` went well",
                            paused.reason
                        );
                        self.roll.pause(&name, paused, now);
                    }
                    None => self.roll.ended(&name, verdict, now),
                }
            }
            Some(Event::Elsewhere(who)) => {
                let who = neutral(&who);
                tracing::warn!("{name}: another sync of it is in progress ({who}); it is tried again in a minute");
                self.roll.is_elsewhere(&name, now);
            }
            Some(Event::Same(mark)) => {
                tracing::debug!("{name} stays paused: its settings are what they were");
                self.roll.is_the_same(&name, mark, now);
            }
            Some(Event::Changed) => {
                self.pauses.forget(&name);
                tracing::info!(target: "progress", "{name} is no longer paused: its settings have changed, or it went well by hand");
                self.roll.release(&name, now);
            }
            None => {
                error::say(&format!("{name}: its task was lost inside the host"), &[]);
                self.roll.ended(&name, Verdict::Next, now);
            }
        }
    }

    /// A line on stdout; a reader who has left ends nothing.
    fn show(&self, summary: &Summary) {
        summary::complain(summary);
        let mut out = Output::new(self.global.json);
        let written = match out.is_json() {
            true => out.json(summary),
            false => out.lines(&[summary::line(summary)]),
        };
        if let Err(e) = written.and_then(|()| out.finish()) {
            e.report();
        }
    }
}

/// Connections with a schedule.
fn listed(scene: &Scene) -> Vec<Listed> {
    let listed = |connection: &Connection| {
        let costly = connection.settings.values().any(|source| matches!(source, Source::Command(_)));
        let schedule = connection.schedule.clone()?;
        Some(Listed { name: connection.name.clone(), schedule, costly })
    };
    scene.connections.iter().filter_map(listed).collect()
}

fn connection<'s>(scene: &'s Scene, name: &str) -> Option<&'s Connection> {
    scene.connections.iter().find(|connection| connection.name == name)
}

/// Whether somebody has run a paused connection by hand, and it went well.
fn went_well(store: &Store, name: &str, paused: &Paused) -> Result<bool, StoreError> {
    let mut well = false;
    Reader::open(store.path())?.runs::<StoreError>(Some(name), &mut |row: RunRow| {
        well |= paused.is_ended_by(row.run, &row.status);
        Ok(())
    })?;
    Ok(well)
}

/// The last run of each connection. What a change reads again stands for no run of the schedule.
fn last_runs(store: &Store) -> Result<HashMap<String, Last>, StoreError> {
    let mut out = HashMap::new();
    Reader::open(store.path())?.newest::<StoreError>(&mut |row: RunRow| {
        // A time that cannot be read is long ago.
        let started = row.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let ended = !matches!(row.status.as_str(), "running" | "incomplete");
        out.insert(row.connection, Last { started, ended });
        Ok(())
    })?;
    Ok(out)
}
