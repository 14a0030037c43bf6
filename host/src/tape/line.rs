//! The lines of a tape, and when two requests are the same. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The format's version.
pub const VERSION: u32 = 1;

/// The keys of a head.
const HEAD: &[&str] = &[
    "tape",
    "connection",
    "connector",
    "version",
    "digest",
    "started",
    "seed",
    "settings",
    "origins",
    "allow_private",
    "max_wait_seconds",
];
/// The keys of an exchange.
const EXCHANGE: &[&str] = &[
    "connection",
    "method",
    "url",
    "request_headers",
    "request_body",
    "request_base64",
    "tries",
    "status",
    "headers",
    "body",
    "base64",
    "error",
    "denied",
];

/// A line.
#[derive(Debug)]
pub enum Line {
    /// The head of a connection's run.
    Head(Box<Head>),
    /// An exchange.
    Exchange(Box<Exchange>),
}

/// What a run was: the first line of its connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The format's version; what makes the line a head.
    pub tape: u32,
    /// The connection.
    pub connection: String,
    /// What it was.
    #[serde(flatten)]
    pub run: Run,
}

/// What a run was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The connector.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// The component's digest.
    pub digest: String,
    /// When the run began: `YYYY-MM-DDTHH:MM:SSZ`.
    pub started: String,
    /// What the guest's random numbers were made from; 64 hexadecimal digits.
    pub seed: String,
    /// What the operator gave, without secrets.
    pub settings: BTreeMap<String, String>,
    /// Origins granted beside the settings'.
    #[serde(default)]
    pub origins: Vec<String>,
    /// `host:port` opened on purpose.
    #[serde(default)]
    pub allow_private: Vec<String>,
    /// How long the run was allowed to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_seconds: Option<u64>,
}

/// A request as the guest made it, and what the guest saw of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The connection.
    pub connection: String,
    /// What was asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// What came of earlier tries of the same request, which the host repeated: a status, or a word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// In capitals.
    pub method: String,
    /// As the guest wrote it.
    pub url: String,
    /// The guest's fields, names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_headers: BTreeMap<String, String>,
    /// The body, where it is text and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// The body, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_base64: Option<String>,
}

/// What came of a request: a status, or an error, or a denial. One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// An answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its fields, names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its body, where it is text and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Its body, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// No answer came: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The host refused it on the way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<Refusal>,
}

/// A request that the host refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// For the operator.
    pub sentence: String,
    /// What would allow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

/// An answer, ready for the guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The status.
    pub status: http::StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Asked {
    /// A request, each text through `mask`.
    pub fn new(method: &Method, url: &str, headers: &HeaderMap, body: &[u8], mask: impl Fn(&str) -> String) -> Asked {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for name in headers.keys().filter(|name| matters(name)) {
            let all: Vec<String> = headers.get_all(name).iter().map(text).collect();
            fields.insert(name.as_str().to_owned(), mask(&all.join(", ")));
        }
        let (request_body, request_base64) = packed(body);
        Asked {
            method: method.as_str().to_owned(),
            url: mask(url),
            request_headers: fields,
            request_body: request_body.map(mask),
            request_base64,
        }
    }

    /// What identical requests of a connection have in common.
    pub fn key(&self, connection: &str) -> u128 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        let mut part = |text: &str| {
            hasher.update(text.as_bytes());
            hasher.update(&[0xff]);
        };
        part(connection);
        part(&self.method);
        part(&self.url);
        for (name, value) in &self.request_headers {
            part(name);
            part(value);
        }
        // Told apart from a field.
        part("");
        part(self.request_body.as_deref().unwrap_or_default());
        part(self.request_base64.as_deref().unwrap_or_default());
        hasher.digest128()
    }
}

/// Fields that say who asks or how it likes to be answered change with a library's version and mean nothing here.
fn matters(name: &HeaderName) -> bool {
    ![http::header::USER_AGENT, http::header::ACCEPT, http::header::ACCEPT_ENCODING, http::header::CONTENT_LENGTH]
        .contains(name)
}

/// A body as text, or else as base64; nothing where it is empty.
fn packed(body: &[u8]) -> (Option<&str>, Option<String>) {
    match std::str::from_utf8(body) {
        Ok("") => (None, None),
        Ok(text) => (Some(text), None),
        Err(_) => (None, Some(STANDARD.encode(body))),
    }
}

impl Outcome {
    /// An answer as the guest sees it.
    pub fn answer(answer: &Answered) -> Outcome {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &answer.headers {
            // The body's own length is known, and a tape may be edited.
            if name != http::header::CONTENT_LENGTH {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                fields.entry(name.as_str().to_owned()).or_default().push(value);
            }
        }
        let (body, base64) = packed(&answer.body);
        let body = body.map(str::to_owned);
        Outcome { status: Some(answer.status.as_u16()), headers: fields, body, base64, ..Outcome::default() }
    }

    /// The answer it stands for; `None` where there was none.
    ///
    /// # Errors
    /// What is wrong with it: people edit tapes.
    pub fn answered(self) -> Result<Option<Answered>, String> {
        let given = [self.status.is_some(), self.error.is_some(), self.denied.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err("needs exactly one of status, error and denied".to_owned());
        }
        let Some(status) = self.status else { return Ok(None) };
        let status =
            http::StatusCode::from_u16(status).map_err(|_| format!("has the status {status}, which is none"))?;
        let body = match (self.body, self.base64) {
            (Some(_), Some(_)) => return Err("has both body and base64".to_owned()),
            (Some(text), None) => Bytes::from(text),
            (None, Some(base64)) => {
                Bytes::from(STANDARD.decode(base64).map_err(|_| "has a base64 that is none".to_owned())?)
            }
            (None, None) => Bytes::new(),
        };
        let mut headers = HeaderMap::new();
        for (name, values) in self.headers {
            let field =
                HeaderName::try_from(name.as_str()).map_err(|_| format!("has a header {name:?}, which is none"))?;
            for value in values {
                let value =
                    HeaderValue::try_from(value).map_err(|_| format!("has a header {name} with a line break"))?;
                headers.append(field.clone(), value);
            }
        }
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        Ok(Some(Answered { status, headers, body }))
    }
}

/// Reads a line and judges it whole.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence about the line.
pub fn read(text: &[u8]) -> Result<Line, String> {
    let mut value: serde_json::Value =
        serde_json::from_slice(text).map_err(|e| format!("is no JSON object: {}", plain(&e)))?;
    let Some(object) = value.as_object_mut() else { return Err("is no JSON object".to_owned()) };
    let words = |e: serde_json::Error| format!("is none of a tape: {}", plain(&e));
    if let Some(version) = object.get("tape") {
        if version.as_u64() != Some(u64::from(VERSION)) {
            return Err(format!("says that the tape has version {version}; this muster reads version {VERSION}"));
        }
        known(object.keys(), HEAD)?;
        let head: Head = serde_json::from_value(value).map_err(words)?;
        time(&head.run.started)?;
        seed(&head.run.seed)?;
        return Ok(Line::Head(Box::new(head)));
    }
    known(object.keys(), EXCHANGE)?;
    let exchange: Exchange = serde_json::from_value(value).map_err(words)?;
    exchange.outcome.clone().answered()?;
    Ok(Line::Exchange(Box::new(exchange)))
}

/// The moment a tape's clock begins at.
///
/// # Errors
/// It is none.
pub fn time(started: &str) -> Result<SystemTime, String> {
    let stamp: jiff::Timestamp = started.parse().map_err(|_| format!("has a start {started:?}, which is no time"))?;
    Ok(stamp.into())
}

/// The bytes of a seed.
///
/// # Errors
/// It is none.
pub fn seed(text: &str) -> Result<[u8; 32], String> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "has a seed that is not 64 hexadecimal digits".to_owned())
}

/// A misspelled key would be a value that nobody reads.
fn known<'a>(keys: impl Iterator<Item = &'a String>, known: &[&str]) -> Result<(), String> {
    match keys.into_iter().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("has a key {key:?}, which no line of a tape has")),
        None => Ok(()),
    }
}

/// The library's words without its position: the line is named already.
fn plain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"tape":1,"connection":"a","connector":"a","version":"1","digest":"d","started":"2026-01-02T03:04:05Z","seed":"SEED","settings":{}}"#;

    fn header() -> String {
        HEADER.replace("SEED", &"0f".repeat(32))
    }

    fn asked(method: Method, url: &str, fields: &[(&str, &str)], body: &[u8]) -> Asked {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        Asked::new(&method, url, &headers, body, str::to_owned)
    }

    #[test]
    fn what_makes_two_requests_the_same() {
        let url = "https://a.test/x?page=1";
        let of = |asked: Asked| asked.key("support");
        let plain = of(asked(Method::GET, url, &[], b""));
        let same = [
            asked(Method::GET, url, &[("user-agent", "sdk/2")], b""),
            asked(Method::GET, url, &[("accept", "*/*"), ("accept-encoding", "gzip")], b""),
        ];
        let others = [
            asked(Method::HEAD, url, &[], b""),
            asked(Method::GET, "https://a.test/x?page=2", &[], b""),
            asked(Method::GET, url, &[("x-page", "2")], b""),
            asked(Method::GET, url, &[], b"x-page2"),
            asked(Method::GET, url, &[], &[0xff]),
        ];
        assert!(same.into_iter().all(|asked| of(asked) == plain));
        let keys: std::collections::BTreeSet<u128> = others.into_iter().map(of).chain([plain]).collect();
        assert_eq!(keys.len(), 6, "each another one");
        assert_ne!(asked(Method::GET, url, &[], b"").key("other"), plain, "connections are apart");
    }

    #[test]
    fn a_secret_in_a_request_is_masked() {
        let mut headers = HeaderMap::new();
        headers.insert("x-note", HeaderValue::from_static("t0p"));
        let mask = |text: &str| text.replace("t0p", "***");
        let asked = Asked::new(&Method::POST, "https://a.test/t0p", &headers, b"say t0p", mask);
        assert!(!serde_json::to_string(&asked).unwrap().contains("t0p"), "{asked:?}");
    }

    #[test]
    fn an_answer_comes_back_as_it_went() {
        for body in [&b""[..], b"{\"a\":1}", "\u{202e}\n\0".as_bytes(), &[0xff, 0xfe, 0]] {
            let mut headers = HeaderMap::new();
            headers.append("link", HeaderValue::from_static("<a>"));
            headers.append("link", HeaderValue::from_static("<b>"));
            headers.insert("content-length", HeaderValue::from(body.len()));
            let answer = Answered { status: http::StatusCode::OK, headers, body: Bytes::copy_from_slice(body) };
            let text = serde_json::to_string(&Outcome::answer(&answer)).unwrap();
            let back: Outcome = serde_json::from_str(&text).unwrap();
            assert_eq!(back.answered(), Ok(Some(answer)), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let run = Run {
            connector: "a".into(),
            version: "1".into(),
            digest: "d".into(),
            started: "2026-01-02T03:04:05Z".into(),
            seed: "0f".repeat(32),
            settings: [("b".to_owned(), "c".to_owned())].into(),
            origins: vec!["https://a.test".into()],
            allow_private: vec!["127.0.0.1:1".into()],
            max_wait_seconds: Some(9),
        };
        let head = Head { tape: VERSION, connection: "a".into(), run };
        match read(serde_json::to_string(&head).unwrap().as_bytes()) {
            Ok(Line::Head(back)) => assert_eq!(*back, head),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_that_is_none_says_why() {
        let get = r#""connection":"a","method":"GET","url":"https://a.test/""#;
        let table = [
            (String::new(), "no JSON object"),
            ("[1]".to_owned(), "no JSON object"),
            (r#"{"connection":"a""#.to_owned(), "no JSON object"),
            (header().replace("\"tape\":1", "\"tape\":2"), "version 2; this muster reads version 1"),
            (header().replace("\"settings\"", "\"setting\""), "a key \"setting\""),
            (header().replace("2026-01-02T", "yesterday"), "no time"),
            (header().replace("0f0f", "0f"), "64 hexadecimal digits"),
            (header().replace(r#""digest":"d","#, ""), "missing field `digest`"),
            (format!("{{{get}}}"), "exactly one of status"),
            (format!(r#"{{{get},"status":200,"error":"no"}}"#), "exactly one of status"),
            (format!(r#"{{{get},"status":20}}"#), "the status 20"),
            (format!(r#"{{{get},"status":200,"body":"a","base64":"YQ=="}}"#), "both body and base64"),
            (format!(r#"{{{get},"status":200,"base64":"?"}}"#), "a base64 that is none"),
            (format!(r#"{{{get},"status":200,"headers":{{"a b":["c"]}}}}"#), "a header \"a b\""),
            (format!(r#"{{{get},"status":200,"headers":{{"a":["c\nd"]}}}}"#), "a header a with a line break"),
            (format!(r#"{{{get},"status":200,"boddy":"a"}}"#), "a key \"boddy\""),
            (r#"{"connection":"a","method":"GET","status":200}"#.to_owned(), "missing field `url`"),
        ];
        for (line, expected) in table {
            let why = read(line.as_bytes()).expect_err(&line);
            assert!(why.contains(expected), "{line}: {why}");
        }
        assert!(matches!(read(header().as_bytes()), Ok(Line::Head(_))));
        assert!(matches!(read(format!(r#"{{{get},"status":200}}"#).as_bytes()), Ok(Line::Exchange(_))));
    }
}
