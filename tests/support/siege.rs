//! A `muster sync` of connections whose servers have turned hostile, and what must be true of it whatever they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::certificate::Tls;
use crate::hostile::{Attack, Hostile};
use crate::scene::{Run, Scene, TOKEN, text};

/// No attack makes the process larger, in KiB.
const PEAK: u64 = 150 * 1024;
/// Every reason a failure may have.
const REASONS: [&str; 12] = [
    "unauthorized",
    "forbidden",
    "rate-limited",
    "not-ready",
    "unavailable",
    "invalid-settings",
    "unexpected",
    "denied",
    "limit",
    "deadline",
    "trap",
    "contract",
];

/// A folder with a connection for each attack; its name is the attack's.
pub struct Siege {
    pub scene: Scene,
    servers: Vec<(&'static str, Hostile)>,
}

impl Default for Siege {
    fn default() -> Self {
        Self::new()
    }
}

impl Siege {
    /// Nobody is hostile yet.
    pub fn new() -> Self {
        Self { scene: Scene::new().built_connector("chatwoot").env(TOKEN, "demo-token"), servers: Vec::new() }
    }

    /// A connection under these lines of `[connection.limits]`, to a server that is honest for one sync.
    #[must_use]
    pub fn connection(self, name: &'static str, limits: &[&str]) -> Self {
        self.server(name, limits, Hostile::start())
    }

    /// The same with a server that speaks TLS and whose certificate is trusted.
    #[must_use]
    pub fn tls(mut self, name: &'static str, limits: &[&str]) -> Self {
        let server = Hostile::tls(&Tls::default());
        // Several authorities in one file: each server has its own.
        let known = std::fs::read_to_string(self.scene.path("ca.pem")).unwrap_or_default();
        let file = self.scene.path("ca.pem");
        self.scene = self.scene.file("ca.pem", known + server.authority()).env("SSL_CERT_FILE", file);
        self.server(name, limits, server)
    }

    fn server(mut self, name: &'static str, limits: &[&str], server: Hostile) -> Self {
        let mut profile = server.profile(name).run("max-wait = \"1s\"");
        for line in limits {
            profile = profile.limits(line);
        }
        self.scene = self.scene.connection(profile);
        self.servers.push((name, server));
        self
    }

    /// The server of a connection.
    pub fn of(&self, name: &str) -> &Hostile {
        &self.servers.iter().find(|(known, _)| *known == name).expect("that server").1
    }

    /// Everything is published once; from then on these servers are hostile.
    #[must_use]
    pub fn turns(self, attacks: Vec<(&'static str, Attack)>) -> Self {
        self.scene.muster(["sync"]).exits(0).stderr_is_empty();
        for (name, attack) in attacks {
            self.of(name).attack(attack);
        }
        self
    }

    /// The next sync, watched to its end.
    #[track_caller]
    pub fn sync(&self) -> Watched {
        self.watch(["sync", "--json"])
    }

    /// A command, watched to its end.
    #[track_caller]
    pub fn watch<const N: usize>(&self, arguments: [&str; N]) -> Watched {
        let process = self.scene.spawn(arguments);
        // The first look is taken here: on a busy machine the watcher may come when a short run has ended.
        let id = process.id();
        let peak = Arc::new(AtomicU64::new(high_water(id).unwrap_or_default()));
        let watcher = std::thread::spawn({
            let peak = Arc::clone(&peak);
            move || {
                while let Some(size) = high_water(id) {
                    peak.fetch_max(size, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        let run = process.wait();
        watcher.join().unwrap();
        Watched { run, peak: peak.load(Ordering::SeqCst) }
    }

    /// The next sync fails for every connection, as it must whatever the attack: nothing false is published, what
    /// was published before can be read, each failure has a known reason and one line for the operator.
    #[track_caller]
    pub fn fails(&self) -> Watched {
        self.fails_within(PEAK)
    }

    /// The same where the process may grow to so many KiB.
    #[track_caller]
    pub fn fails_within(&self, peak: u64) -> Watched {
        let before = (self.scene.resource_ids(), self.scene.grant_ids());
        assert!(!before.0.is_empty() && !before.1.is_empty(), "there is something to lose");
        let watched = self.sync();
        assert_eq!((self.scene.resource_ids(), self.scene.grant_ids()), before, "what was published still stands");
        let lines = watched.run.json_lines();
        assert_eq!(lines.len(), self.servers.len(), "a line for each connection: {:?}", watched.run);
        let failed = lines.iter().all(|line| line["status"] == "failed");
        watched.run.exits(if failed { 1 } else { 3 });
        assert!(watched.peak > 0 && watched.peak < peak, "the process took {} KiB: {:?}", watched.peak, watched.run);
        for (name, server) in &self.servers {
            assert!(server.fired() > 0, "the attack on {name} never began: {:?}", watched.run);
            let line = watched.line(name);
            assert!(["failed", "incomplete"].contains(&text(&line, "status")), "{line}");
            for failure in line["failures"].as_array().unwrap() {
                assert!(REASONS.contains(&text(failure, "reason")), "{line}");
            }
            let said = watched.sentence(name);
            assert!(said.chars().all(|c| !c.is_control()) && said.len() < 600, "{said:?}");
        }
        watched
    }
}

/// The most memory a process had so far, in KiB; none when it has ended.
fn high_water(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// A command that has ended, and how much memory it took.
pub struct Watched {
    pub run: Run,
    /// KiB.
    pub peak: u64,
}

impl Watched {
    /// The JSON line of a connection.
    #[track_caller]
    pub fn line(&self, connection: &str) -> Value {
        let lines = self.run.json_lines();
        lines.into_iter().find(|line| line["connection"] == connection).expect("a line of that connection")
    }

    /// The one line on stderr about a connection.
    #[track_caller]
    pub fn sentence(&self, connection: &str) -> String {
        let about = |line: &&str| {
            let rest = line.strip_prefix("error: ").and_then(|rest| rest.strip_prefix(connection));
            rest.is_some_and(|rest| rest.starts_with([':', ' ']))
        };
        let lines: Vec<&str> = self.run.stderr.lines().filter(about).collect();
        assert_eq!(lines.len(), 1, "not one error line of {connection}: {:?}", self.run);
        lines[0].to_owned()
    }

    /// A connection failed so: status, reason, and what its sentence has.
    #[track_caller]
    pub fn says(&self, connection: &str, status: &str, reason: &str, words: &str) -> &Self {
        let line = self.line(connection);
        let found = (text(&line, "status"), text(&line["failures"][0], "reason"));
        assert_eq!(found, (status, reason), "{line}");
        let said = self.sentence(connection);
        assert!(said.contains(words), "{said:?} lacks {words:?}");
        self
    }
}
