//! A mail server that nobody here wrote, `aiosmtpd` of PyPI, told what to do by a few lines of Python.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificate::Tls;
use crate::venv;

/// A mail server that is described, and not started yet.
#[derive(Clone, Debug)]
pub struct Builder {
    tls: String,
    login: (String, String),
    refuses: Vec<String>,
    aborts: bool,
    waits: bool,
    certificate: Tls,
}

/// A running mail server; killed when it is dropped.
pub struct SmtpServer {
    child: Child,
    port: u16,
    folder: TempDir,
    tls: String,
}

impl SmtpServer {
    /// A server for `starttls`, `tls` or `none`, which wants no login.
    pub fn with_tls(tls: &str) -> Builder {
        Builder {
            tls: tls.to_owned(),
            login: (String::new(), String::new()),
            refuses: Vec::new(),
            aborts: false,
            waits: false,
            certificate: Tls::default(),
        }
    }

    /// Stops it: from now on its port refuses connections. Its certificates stay.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Takes the mails that it let wait, and those that come.
    pub fn go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `[smtp]` as an operator would write it, without a login.
    pub fn toml(&self) -> String {
        let authority = match self.tls.as_str() {
            "none" => String::new(),
            _ => format!("ca-file = {}\n", json!(self.folder.path().join("authority.pem"))),
        };
        format!(
            "[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"{}\"\nfrom = \"Muster <muster@acme.test>\"\n{authority}",
            self.port, self.tls
        )
    }

    /// What happened there, of one kind: `mail`, `login`, `refused`, `aborted`, `waiting`.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["event"] == kind).collect()
    }

    /// The mails it took.
    pub fn mails(&self) -> Vec<Mail> {
        let mail = |event: &Value| Mail {
            from: event["sender"].as_str().unwrap().to_owned(),
            to: event["to"].as_array().unwrap().iter().map(|to| to.as_str().unwrap().to_owned()).collect(),
            tls: event["tls"] == true,
            login: event["login"] == true,
            text: event["text"].as_str().unwrap().to_owned(),
        };
        self.events("mail").iter().map(mail).collect()
    }

    /// The one mail it took.
    #[track_caller]
    pub fn mail(&self) -> Mail {
        let mut mails = self.mails();
        assert_eq!(mails.len(), 1, "not one mail: {mails:?}");
        mails.remove(0)
    }
}

impl Builder {
    /// Wants this login.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = (user.to_owned(), password.to_owned());
        self
    }

    /// Refuses this address.
    #[must_use]
    pub fn refuses(mut self, address: &str) -> Self {
        self.refuses.push(address.to_owned());
        self
    }

    /// Ends the connection when a mail has come.
    #[must_use]
    pub fn aborts(mut self) -> Self {
        self.aborts = true;
        self
    }

    /// Lets each mail wait for its answer until [`SmtpServer::go`].
    #[must_use]
    pub fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// With this certificate.
    #[must_use]
    pub fn certificate(mut self, tls: Tls) -> Self {
        self.certificate = tls;
        self
    }

    /// Starts it. An error is the reason why there is no Python to run it.
    pub fn start(self) -> Result<SmtpServer, String> {
        let python = venv::python("smtp-server")?;
        let folder = tempfile::Builder::new().prefix("muster-smtp-").tempdir().unwrap();
        for (name, text) in ["certificate.pem", "key.pem", "authority.pem"].iter().zip(self.certificate.pem()) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let options = json!({
            "folder": folder.path(),
            "tls": self.tls,
            "user": self.login.0,
            "password": self.login.1,
            "refuses": self.refuses,
            "aborts": self.aborts,
            "waits": self.waits,
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/smtp_server.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(options.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the mail server did not start"));
        Ok(SmtpServer { child, port, folder, tls: self.tls })
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A mail as the server took it.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub tls: bool,
    pub login: bool,
    /// Headers and body as they came.
    pub text: String,
}

impl Mail {
    /// The text, where each of these headers has `…` for what no test can know.
    pub fn without(&self, headers: &[&str]) -> String {
        let line = |line: &str| match headers.iter().find(|name| line.starts_with(&format!("{name}: "))) {
            Some(name) => format!("{name}: …"),
            None => line.to_owned(),
        };
        self.text.replace("\r\n", "\n").lines().map(|l| line(l) + "\n").collect()
    }
}
