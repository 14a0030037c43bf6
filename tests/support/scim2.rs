//! A SCIM server that nobody here wrote: `scim2-server` of PyPI, in a virtual environment beside what Cargo built.
//!
//! `make test` installs it, so that tests need no network; a test that finds none installs it itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::venv;

/// The token that the server wants.
pub const TOKEN: &str = "real-scim-token";
/// The path below which it answers.
pub const ROOT: &str = "/v2";
/// A server that takes longer to start does not start.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often its port is tried.
const TICK: Duration = Duration::from_millis(20);

/// A running server; killed when it is dropped.
pub struct Scim2 {
    child: Child,
    address: SocketAddr,
}

/// A status and a body.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Scim2 {
    /// Starts it with an empty company. An error is the reason why there is no Python to run it.
    pub fn start() -> Result<Self, String> {
        let python = venv::python("scim2-server")?;
        // Between the look for a free port and its use another process may take it: then the next one is tried.
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).unwrap().port();
            let mut child = Command::new(&python)
                .args(["-m", "scim2_server.testserver.cli", "--bearer-token", TOKEN, "--port", &port.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let began = Instant::now();
            while child.try_wait().unwrap().is_none() {
                if TcpStream::connect(address).is_ok() {
                    let server = Self { child, address };
                    // The port may be another server's, while ours is about to end: only ours knows the token.
                    let answer = server.call("GET", "/ServiceProviderConfig", None);
                    assert_eq!(answer.status, 200, "{answer:?}");
                    return Ok(server);
                }
                assert!(began.elapsed() < PATIENCE, "scim2-server did not answer within {PATIENCE:?}");
                std::thread::sleep(TICK);
            }
        }
        panic!("scim2-server ended again and again: run `{} -m scim2_server.testserver.cli`", python.display());
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a resource, and answers what the server made of it.
    #[track_caller]
    pub fn create(&self, endpoint: &str, resource: &Value) -> Value {
        let answer = self.call("POST", endpoint, Some(resource));
        assert_eq!(answer.status, 201, "{endpoint} {resource}: {answer:?}");
        answer.body
    }

    /// Replaces a resource.
    #[track_caller]
    pub fn replace(&self, endpoint: &str, resource: &Value) -> Value {
        let path = format!("{endpoint}/{}", resource["id"].as_str().unwrap());
        let answer = self.call("PUT", &path, Some(resource));
        assert_eq!(answer.status, 200, "{path} {resource}: {answer:?}");
        answer.body
    }

    /// Removes a resource.
    #[track_caller]
    pub fn delete(&self, endpoint: &str, id: &str) {
        let answer = self.call("DELETE", &format!("{endpoint}/{id}"), None);
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// One request.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} {ROOT}{path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n\
             content-type: application/scim+json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).unwrap();
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        answer.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        while line.trim() != "" {
            line.clear();
            answer.read_line(&mut line).unwrap();
        }
        let mut text = String::new();
        answer.read_to_string(&mut text).unwrap();
        Reply { status, body: serde_json::from_str(&text).unwrap_or_default() }
    }
}

impl Drop for Scim2 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
