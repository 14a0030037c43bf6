//! What a fake vendor can be told to do wrong, where, and how often.
//!
//! A fault counts how often it fired: a test that injects one asserts that it was met.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Another answer altogether.
    Status { status: u16, content_type: String, headers: Vec<(String, String)>, body: Bytes },
    /// The request is read and never answered.
    Hang,
    /// The right answer, `chunk` bytes at a time with a pause after each.
    Drip { chunk: usize, every: Duration },
    /// A TCP reset instead of an answer.
    Reset,
    /// The request is done, and a TCP reset comes instead of its answer.
    LostAnswer,
    /// The request is done and never answered.
    Withheld,
    /// The head and half of the body, then a TCP reset.
    ResetMidBody,
    /// Half of the body as if it were all of it: the length fits, the JSON does not.
    CutJson,
    /// All of the body, under a `content-length` that promises more; then the connection ends.
    ShortBody,
    /// 200 with a web page, as a login wall or a wrong base URL gives it.
    Html,
    /// The right body, compressed, whether or not the client asked for it.
    Gzip,
    /// The right body under another content type.
    ContentType(String),
    /// 302 to this location.
    Redirect(String),
    /// A request header is lost on the way, as at a proxy that drops names with underscores.
    DropHeader(String),
    /// The right answer, this much later.
    Delay(Duration),
}

impl FaultKind {
    /// A status with the body that usually comes with it.
    pub fn status(status: u16) -> Self {
        let reason =
            http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Error");
        let (content_type, body) = match status {
            // rack-attack, which sends no Retry-After unless it is told to.
            429 => ("text/plain", "Retry later\n".to_owned()),
            _ => ("text/html; charset=utf-8", page(&format!("{status} {reason}"), reason)),
        };
        Self::Status { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// A status with a JSON body.
    pub fn json(status: u16, body: &str) -> Self {
        Self::Status {
            status,
            content_type: "application/json; charset=utf-8".to_owned(),
            headers: Vec::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    /// The same status fault with one more response header; any other kind stays as it is.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Whether the fault changes the request or the moment, and lets the answer through.
    pub(crate) fn lets_through(&self) -> bool {
        matches!(self, Self::DropHeader(_) | Self::Delay(_))
    }
}

/// A small web page, as proxies and web servers answer.
pub fn page(title: &str, text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><center><h1>{text}</h1></center></body></html>\n"
    )
}

/// Which requests a fault concerns and how often it fires.
#[derive(Clone, Debug)]
pub struct Fault {
    /// None: any method.
    pub method: Option<Method>,
    /// `*` is one segment, a last `**` is any rest; with a `?` the query has to be the same text.
    pub path: String,
    /// How often it fires at most; none: for ever.
    pub times: Option<u64>,
    /// How many matching requests pass before it fires for the first time.
    pub after: u64,
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that concerns every request of a path and never ends.
    pub fn new(method: &str, path: &str, kind: FaultKind) -> Self {
        let method = (method != "*").then(|| Method::from_bytes(method.as_bytes()).expect("a method"));
        Self { method, path: path.to_owned(), times: None, after: 0, kind }
    }

    /// A fault of GET requests.
    pub fn get(path: &str, kind: FaultKind) -> Self {
        Self::new("GET", path, kind)
    }

    /// Fires this many times at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after = requests;
        self
    }

    fn matches(&self, method: &Method, path: &str, query: Option<&str>) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && path_matches(&self.path, path, query)
    }
}

fn path_matches(pattern: &str, path: &str, query: Option<&str>) -> bool {
    let pattern_path = match pattern.split_once('?') {
        Some((before, wanted)) if query == Some(wanted) => before,
        Some(_) => return false,
        None => pattern,
    };
    let mut wanted = pattern_path.trim_start_matches('/').split('/');
    let mut given = path.trim_start_matches('/').split('/');
    loop {
        match (wanted.next(), given.next()) {
            (Some("**"), _) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// A fault in place: says how often it was met.
#[derive(Clone, Debug)]
pub struct Injected {
    fault: Arc<Fault>,
    met: Arc<AtomicU64>,
    fired: Arc<AtomicU64>,
    lifted: Arc<AtomicU64>,
}

impl Injected {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault: Arc::new(fault), met: Arc::default(), fired: Arc::default(), lifted: Arc::default() }
    }

    /// How often the fault fired.
    pub fn fired(&self) -> u64 {
        self.fired.load(Ordering::SeqCst)
    }

    /// The fault fires no more.
    pub fn lift(&self) {
        self.lifted.store(1, Ordering::SeqCst);
    }

    /// What was injected.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The end of a test that needs this fault: it must have been met.
    #[track_caller]
    pub fn assert_fired(&self, times: u64) {
        assert_eq!(self.fired(), times, "the fault {:?} fired another number of times", self.fault);
    }

    /// Fires if the request matches and the count allows it. Called under the lock of the fault list.
    pub(crate) fn claim(&self, method: &Method, path: &str, query: Option<&str>) -> Option<FaultKind> {
        if self.lifted.load(Ordering::SeqCst) != 0 || !self.fault.matches(method, path, query) {
            return None;
        }
        let met = self.met.fetch_add(1, Ordering::SeqCst);
        if met < self.fault.after || self.fault.times.is_some_and(|times| self.fired() >= times) {
            return None;
        }
        self.fired.fetch_add(1, Ordering::SeqCst);
        Some(self.fault.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table = [
            ("/a/*/c", "/a/b/c", None, true),
            ("/a/*/c", "/a/b/d", None, false),
            ("/a/*", "/a", None, false),
            ("/a/**", "/a/b/c", None, true),
            ("**", "/anything/at/all", None, true),
            ("/a", "/a", Some("x=1"), true),
            ("/a?x=1", "/a", Some("x=1"), true),
            ("/a?x=1", "/a", Some("x=2"), false),
            ("/a?x=1", "/a", None, false),
        ];
        for (pattern, path, query, wanted) in table {
            assert_eq!(path_matches(pattern, path, query), wanted, "{pattern} on {path} {query:?}");
        }
    }

    #[test]
    fn counts() {
        let fault = Injected::new(Fault::get("/a", FaultKind::Hang).after(1).times(2));
        let fired: Vec<bool> = (0..5).map(|_| fault.claim(&Method::GET, "/a", None).is_some()).collect();
        assert_eq!(fired, [false, true, true, false, false]);
        assert_eq!(fault.fired(), 2);
        assert!(fault.claim(&Method::POST, "/a", None).is_none());
    }
}
