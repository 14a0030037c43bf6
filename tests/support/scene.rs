//! What an end-to-end test works on: a folder of its own with a plugin list, connectors and a fake vendor, and the
//! built binary run in it.
//!
//! The environment of the binary is made from nothing: what a test does not say is not there.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::chatwoot::{Builder, FakeChatwoot};

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition or a process is looked at again.
const TICK: Duration = Duration::from_millis(3);
/// The variable that holds the token of a fake Chatwoot.
pub const TOKEN: &str = "CHATWOOT_TOKEN";

/// One `[[connection]]`.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    connector: String,
    settings: BTreeMap<String, String>,
    network: Vec<String>,
    limits: Vec<String>,
    run: Vec<String>,
}

impl Profile {
    /// A connection without settings.
    pub fn new(name: &str, connector: &str) -> Self {
        Self {
            name: name.to_owned(),
            connector: connector.to_owned(),
            settings: BTreeMap::new(),
            network: Vec::new(),
            limits: Vec::new(),
            run: Vec::new(),
        }
    }

    /// A Chatwoot connection to this fake, opened by its address; the token comes from [`TOKEN`].
    pub fn chatwoot(name: &str, fake: &FakeChatwoot) -> Self {
        Self::new(name, "chatwoot")
            .setting("chatwoot-base-url", &fake.origin())
            .setting("chatwoot-account-id", &fake.account_id().to_string())
            .setting_toml("chatwoot-api-token", &format!("{{ env = \"{TOKEN}\" }}"))
            .allow_private(&fake.address().to_string())
    }

    /// A setting written as text.
    #[must_use]
    pub fn setting(self, name: &str, value: &str) -> Self {
        let quoted = quoted(value);
        self.setting_toml(name, &quoted)
    }

    /// A setting written as this TOML.
    #[must_use]
    pub fn setting_toml(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without that setting.
    #[must_use]
    pub fn without_setting(mut self, name: &str) -> Self {
        self.settings.remove(name);
        self
    }

    /// A private host and port that is opened, in place of what was.
    #[must_use]
    pub fn allow_private(mut self, host_port: &str) -> Self {
        self.network.retain(|line| !line.starts_with("allow-private"));
        self.network.push(format!("allow-private = [{}]", quoted(host_port)));
        self
    }

    /// Without `[connection.network]`.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.network.clear();
        self
    }

    /// A line of `[connection.network]`.
    #[must_use]
    pub fn network(mut self, line: &str) -> Self {
        self.network.push(line.to_owned());
        self
    }

    /// A line of `[connection.limits]`.
    #[must_use]
    pub fn limits(mut self, line: &str) -> Self {
        self.limits.push(line.to_owned());
        self
    }

    /// A line of `[connection.run]`.
    #[must_use]
    pub fn run(mut self, line: &str) -> Self {
        self.run.push(line.to_owned());
        self
    }

    fn toml(&self) -> String {
        let mut out = format!(
            "\n[[connection]]\nname = {}\nconnector = {}\n\n[connection.settings]\n",
            quoted(&self.name),
            quoted(&self.connector)
        );
        for (name, value) in &self.settings {
            writeln!(out, "{name} = {value}").unwrap();
        }
        for (title, lines) in [("network", &self.network), ("limits", &self.limits), ("run", &self.run)] {
            if !lines.is_empty() {
                writeln!(out, "\n[connection.{title}]\n{}", lines.join("\n")).unwrap();
            }
        }
        out
    }
}

/// A TOML string. What JSON escapes, TOML escapes alike.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A folder with everything that `muster` finds there.
pub struct Scene {
    folder: TempDir,
    profiles: Vec<Profile>,
    fakes: Vec<(String, FakeChatwoot)>,
    env: BTreeMap<OsString, OsString>,
    patience: Duration,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// An empty folder, with the environment of somebody who has just logged in.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("muster-scene-").tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).unwrap();
        std::fs::create_dir(folder.path().join("connectors")).unwrap();
        let cache = built().join("../e2e-cache");
        let _ = std::fs::DirBuilder::new().mode(0o700).create(&cache);
        let mut env = BTreeMap::new();
        env.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
        env.insert("HOME".into(), folder.path().join("home").into());
        env.insert("MUSTER_CACHE".into(), cache.into());
        Self { folder, profiles: Vec::new(), fakes: Vec::new(), env, patience: PATIENCE }
    }

    /// A Chatwoot that is started, its connection `support`, and the connector.
    #[must_use]
    pub fn chatwoot(self, builder: Builder) -> Self {
        self.chatwoot_as("support", builder, |profile| profile)
    }

    /// A Chatwoot under another name, or with a connection that is changed before it is written.
    #[must_use]
    pub fn chatwoot_as(self, name: &str, builder: Builder, change: impl FnOnce(Profile) -> Profile) -> Self {
        let fake = builder.start();
        let profile = change(Profile::chatwoot(name, &fake));
        let mut scene = self.built_connector("chatwoot").env(TOKEN, fake.token());
        scene.fakes.push((name.to_owned(), fake));
        scene.connection(profile)
    }

    /// A connection of the plugin list.
    #[must_use]
    pub fn connection(mut self, profile: Profile) -> Self {
        self.profiles.push(profile);
        self.write_toml();
        self
    }

    /// Changes a connection and writes the plugin list anew.
    pub fn change(&mut self, name: &str, change: impl FnOnce(Profile) -> Profile) {
        let profile = self.profiles.iter_mut().find(|profile| profile.name == name).expect("that connection");
        *profile = change(profile.clone());
        self.write_toml();
    }

    /// The plugin list, word for word, in place of what the connections make.
    #[must_use]
    pub fn toml(self, text: impl AsRef<[u8]>) -> Self {
        self.file("muster.toml", text)
    }

    /// No plugin list.
    #[must_use]
    pub fn without_toml(self) -> Self {
        let _ = std::fs::remove_file(self.path("muster.toml"));
        self
    }

    /// The plugin list as it stands in the folder.
    pub fn toml_text(&self) -> String {
        std::fs::read_to_string(self.path("muster.toml")).expect("a plugin list")
    }

    fn write_toml(&self) {
        let mut text = "connectors = \"connectors\"\nstore = \"muster.db\"\n".to_owned();
        text.extend(self.profiles.iter().map(Profile::toml));
        std::fs::write(self.path("muster.toml"), text).unwrap();
    }

    /// A connector of this repository, in the folder of connectors.
    #[must_use]
    pub fn built_connector(self, name: &str) -> Self {
        let bytes = component(name);
        self.connector(&format!("{name}.wasm"), bytes)
    }

    /// A file in the folder of connectors.
    #[must_use]
    pub fn connector(self, file: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.file(&format!("connectors/{file}"), bytes)
    }

    /// A file.
    #[must_use]
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.set_env(name, value);
        self
    }

    /// The same between two runs.
    pub fn set_env(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.env.insert(name.into(), value.as_ref().to_owned());
    }

    /// Without that variable.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.remove(OsStr::new(name));
        self
    }

    /// A cache of its own in the scene's folder, empty and not made yet, for what is about the cache.
    #[must_use]
    pub fn own_cache(self) -> Self {
        let path = self.path("cache");
        self.env("MUSTER_CACHE", path)
    }

    /// For a run that has to wait long by itself.
    #[must_use]
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn path(&self, rest: &str) -> PathBuf {
        self.folder.path().join(rest)
    }

    /// The first fake.
    pub fn fake(&self) -> &FakeChatwoot {
        &self.fakes.first().expect("a fake Chatwoot").1
    }

    /// The fake behind a connection.
    pub fn fake_of(&self, connection: &str) -> &FakeChatwoot {
        &self.fakes.iter().find(|(name, _)| name == connection).expect("a fake of that name").1
    }

    /// Stops the fakes: from now on their ports refuse connections.
    pub fn stop_fakes(&mut self) {
        self.fakes.clear();
    }

    /// The binary in this folder and environment, for what the methods below do not cover.
    pub fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder()).env_clear().envs(&self.env).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn muster<I, S>(&self, arguments: I) -> Run
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.spawn(arguments).wait()
    }

    /// Starts the binary.
    #[track_caller]
    pub fn spawn<I, S>(&self, arguments: I) -> Process
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Process::start(self.command(arguments), self.patience)
    }

    /// Runs the binary to its end while nobody reads its output.
    #[track_caller]
    pub fn unread<I, S>(&self, arguments: I) -> Run
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = self.command(arguments);
        command.stdout(writer);
        Process::begin(command, self.patience).wait()
    }

    /// The JSON lines of a command that succeeds.
    #[track_caller]
    pub fn json<I, S>(&self, arguments: I) -> Vec<Value>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut all: Vec<OsString> = arguments.into_iter().map(|one| one.as_ref().to_owned()).collect();
        all.push("--json".into());
        self.muster(all).exits(0).json_lines()
    }

    /// The rows of `resources`, `entitlements`, `grants` or `runs`.
    #[track_caller]
    pub fn rows(&self, command: &str) -> Vec<Value> {
        self.json([command])
    }

    /// `connection/type:id` of every resource.
    #[track_caller]
    pub fn resource_ids(&self) -> Vec<String> {
        let id = |row: &Value| format!("{}/{}:{}", text(row, "connection"), text(row, "type"), text(row, "id"));
        self.rows("resources").iter().map(id).collect()
    }

    /// The ids of every grant.
    #[track_caller]
    pub fn grant_ids(&self) -> Vec<String> {
        self.rows("grants").iter().map(|row| text(row, "id").to_owned()).collect()
    }

    /// All bytes of the store: the database, what is beside it, and the locks.
    pub fn store_bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("muster.db")) {
                all.extend(std::fs::read(&path).unwrap());
            }
        }
        assert!(!all.is_empty(), "there is no store in {}", self.folder().display());
        all
    }
}

/// A text in a JSON object.
#[track_caller]
pub fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {row}"))
}

/// The folder of what Cargo built: the tests' own executable lies in its `deps`.
fn built() -> PathBuf {
    let this = std::env::current_exe().expect("the path of this test");
    this.parent().and_then(Path::parent).expect("a folder of built files").to_owned()
}

/// The binary under test.
#[track_caller]
pub fn binary() -> PathBuf {
    needed(built().join("muster"))
}

/// A component that was built from `plugins/`.
#[track_caller]
pub fn component(name: &str) -> Vec<u8> {
    std::fs::read(needed(built().join("../connectors").join(format!("{name}.wasm")))).expect("a readable component")
}

#[track_caller]
fn needed(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} is missing: run `make test`, which builds it", path.display());
    path
}

/// Waits until something is so; it is an error if it does not come to be.
#[track_caller]
pub fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "it never came to be that {what}");
        std::thread::sleep(TICK);
    }
}

type Text = Arc<Mutex<Vec<u8>>>;

fn collect(mut from: impl Read + Send + 'static) -> (Text, Option<JoinHandle<()>>) {
    let all = Text::default();
    let thread = std::thread::spawn({
        let all = Arc::clone(&all);
        move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                all.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
            }
        }
    });
    (all, Some(thread))
}

fn read(text: &Text) -> String {
    String::from_utf8_lossy(&text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// A running `muster`; killed when it is dropped.
pub struct Process {
    child: Child,
    shown: String,
    began: Instant,
    patience: Duration,
    stdout: (Text, Option<JoinHandle<()>>),
    stderr: (Text, Option<JoinHandle<()>>),
}

impl Process {
    /// Starts a command.
    #[track_caller]
    pub fn start(mut command: Command, patience: Duration) -> Self {
        command.stdout(Stdio::piped());
        Self::begin(command, patience)
    }

    #[track_caller]
    fn begin(mut command: Command, patience: Duration) -> Self {
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
        let shown = std::iter::once("muster".to_owned()).chain(words).collect::<Vec<_>>().join(" ");
        command.stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
        let (stdout, out_thread) = child.stdout.take().map_or_else(|| (Text::default(), None), collect);
        let (stderr, err_thread) = child.stderr.take().map_or_else(|| (Text::default(), None), collect);
        Self { child, shown, began, patience, stdout: (stdout, out_thread), stderr: (stderr, err_thread) }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on stdout by now.
    pub fn stdout_so_far(&self) -> String {
        read(&self.stdout.0)
    }

    /// What it has printed on stderr by now.
    pub fn stderr_so_far(&self) -> String {
        read(&self.stderr.0)
    }

    /// Whether it has ended by now.
    pub fn ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).expect("a process that runs");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Run {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if self.began.elapsed() > self.patience {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!(
                    "`{}` did not end within {:?}\nstdout:\n{}\nstderr:\n{}",
                    self.shown,
                    self.patience,
                    read(&self.stdout.0),
                    read(&self.stderr.0)
                );
            }
            std::thread::sleep(TICK);
        };
        let elapsed = self.began.elapsed();
        for thread in [self.stdout.1.take(), self.stderr.1.take()].into_iter().flatten() {
            thread.join().expect("a reader");
        }
        Run {
            shown: std::mem::take(&mut self.shown),
            code: status.code(),
            killed_by: status.signal(),
            stdout: read(&self.stdout.0),
            stderr: read(&self.stderr.0),
            elapsed,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    shown: String,
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub killed_by: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// From its start to its end.
    pub elapsed: Duration,
}

impl Run {
    fn all(&self) -> String {
        format!(
            "`{}` ended with {:?} after {:?}\nstdout:\n{}\nstderr:\n{}",
            self.shown, self.code, self.elapsed, self.stdout, self.stderr
        )
    }

    /// It ended with this code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "another exit code: {}", self.all());
        self
    }

    /// Stdout has this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}: {}", self.all());
        self
    }

    /// Stderr has this.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}: {}", self.all());
        self
    }

    /// Neither stdout nor stderr has this.
    #[track_caller]
    pub fn never_says(&self, text: &str) -> &Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} is in: {}", self.all());
        self
    }

    /// Stderr is one line `error: …` that has this text, and else only lines `help: …` and what continues them.
    #[track_caller]
    pub fn errs(&self, text: &str) -> &Self {
        let mut errors = self.stderr.lines().filter(|line| line.starts_with("error: "));
        let (first, more) = (errors.next().unwrap_or_default(), errors.next());
        assert!(first.contains(text), "no error line has {text:?}: {}", self.all());
        assert!(more.is_none(), "more than one error line: {}", self.all());
        let known = |line: &&str| ["error: ", "help: ", "      "].iter().any(|start| line.starts_with(start));
        let other = self.stderr.lines().find(|line| !known(line));
        assert!(other.is_none(), "stderr has the line {other:?}: {}", self.all());
        self
    }

    /// A line `help: …`, or one that continues it, has this text.
    #[track_caller]
    pub fn helps(&self, text: &str) -> &Self {
        let help = |line: &str| line.starts_with("help: ") || line.starts_with("      ");
        let helps = self.stderr.lines().any(|line| help(line) && line.contains(text));
        assert!(helps, "no help line has {text:?}: {}", self.all());
        self
    }

    /// Nothing on stdout.
    #[track_caller]
    pub fn stdout_is_empty(&self) -> &Self {
        assert!(self.stdout.is_empty(), "stdout is not empty: {}", self.all());
        self
    }

    /// Nothing on stderr.
    #[track_caller]
    pub fn stderr_is_empty(&self) -> &Self {
        assert!(self.stderr.is_empty(), "stderr is not empty: {}", self.all());
        self
    }

    /// It ended within this time.
    #[track_caller]
    pub fn within(&self, time: Duration) -> &Self {
        assert!(self.elapsed < time, "it took longer than {time:?}: {}", self.all());
        self
    }

    /// Stdout as JSON, one object a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}: {}", self.all()));
        self.stdout.lines().map(parse).collect()
    }

    /// The one JSON object on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "not one JSON line: {}", self.all());
        lines.remove(0)
    }
}

/// Judges every row of a table, so that the rows that fail are named all at once.
#[track_caller]
pub fn each_row<R>(rows: impl IntoIterator<Item = R>, name: impl Fn(&R) -> String, judge: impl Fn(&R)) {
    let mut failed = Vec::new();
    for row in rows {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| judge(&row))).is_err() {
            failed.push(name(&row));
        }
    }
    assert!(failed.is_empty(), "{} rows failed (each is shown above): {}", failed.len(), failed.join(" · "));
}
