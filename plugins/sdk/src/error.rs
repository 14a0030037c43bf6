//! What can go wrong with an exchange, in one sentence, and which failure of the contract it is.

use std::fmt;

use crate::Failure;
use crate::request::{Method, Response, header};
use crate::text::excerpt;
use crate::transport::Fault;

/// So much of a refusal's body is kept: vendors tell refusals apart in there.
const KEPT_BODY: usize = 4 * 1024;
/// Stands for the media type of a body that came without one.
const UNTYPED: &str = "a body without a type";

/// An exchange that did not give what was asked for. `?` turns it into a [`Failure`].
#[derive(Clone, Debug, PartialEq)]
pub struct HttpError {
    /// The request's method.
    pub method: Method,
    /// The request's path, without the query: that may hold what does not belong into a log.
    pub path: String,
    /// What happened.
    pub kind: HttpErrorKind,
}

/// What happened to an exchange.
#[derive(Clone, Debug, PartialEq)]
pub enum HttpErrorKind {
    /// The vendor answered with a status that is not 2xx.
    Status(Box<Refusal>),
    /// No whole answer came: the reason in the host's own words where it gave one.
    Transport {
        /// One clause or sentence.
        reason: String,
        /// Whether the sentence stands for itself: it came from the host and names the place.
        whole: bool,
    },
    /// The host did not let the request out.
    Denied,
    /// The body is larger than the connector wants to hold.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is something else than JSON, a proxy's page for one: a clause that says what.
    NotJson(String),
    /// The body is JSON that breaks off, is malformed or has another shape: a clause that says how.
    WrongJson(String),
    /// The request cannot be made: a clause that says why.
    BadRequest(String),
}

/// An answer whose status is not 2xx.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The seconds of `Retry-After`. None where it is absent or a date.
    pub retry_after: Option<u64>,
    /// The media type, without parameters.
    pub content_type: Option<String>,
    /// Where a redirect points to.
    pub location: Option<String>,
    /// The first 4 KiB of the body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Refusal {
    /// The vendor's sentence: the JSON body's `error`, `message`, `detail`, `errors` or
    /// `error.message`, or the whole of a plain-text body. One line, at most 200 characters.
    pub fn vendor_message(&self) -> Option<String> {
        let text = match serde_json::from_str::<serde_json::Value>(&self.body) {
            Ok(json) => message_of(&json)?,
            Err(_) if self.content_type.as_deref() == Some("text/plain") => self.body.clone(),
            Err(_) => return None,
        };
        Some(excerpt(&text)).filter(|text| !text.is_empty())
    }
}

fn message_of(json: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match json {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().find_map(message_of),
        Value::Object(_) => ["error", "message", "detail", "errors", "error_description"]
            .iter()
            .find_map(|key| json.get(key).and_then(message_of)),
        _ => None,
    }
}

impl HttpError {
    pub(crate) fn new(method: Method, path: &str, kind: HttpErrorKind) -> Self {
        HttpError { method, path: path.to_owned(), kind }
    }

    pub(crate) fn fault(method: Method, path: &str, fault: Fault) -> Self {
        let kind = match fault {
            Fault::Host(reason) => HttpErrorKind::Transport { reason, whole: true },
            Fault::Broken(reason) => HttpErrorKind::Transport { reason: reason.to_owned(), whole: false },
            Fault::Denied => HttpErrorKind::Denied,
            Fault::TooLarge(limit) => HttpErrorKind::TooLarge { limit },
            Fault::Unsendable(reason) => HttpErrorKind::BadRequest(reason),
        };
        HttpError::new(method, path, kind)
    }

    pub(crate) fn refused(method: Method, path: &str, response: &Response) -> Self {
        let kept = response.body.get(..KEPT_BODY).unwrap_or(&response.body);
        let refusal = Refusal {
            status: response.status,
            retry_after: response.header("retry-after").and_then(|v| v.trim().parse().ok()),
            content_type: content_type(&response.headers),
            location: response.header("location").map(str::to_owned),
            body: String::from_utf8_lossy(kept).into_owned(),
        };
        HttpError::new(method, path, HttpErrorKind::Status(Box::new(refusal)))
    }

    /// Says what came where JSON was expected. A body that looks like JSON is not quoted: it may
    /// be a record with secrets in it.
    pub(crate) fn not_json(
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
        error: &serde_json::Error,
    ) -> Self {
        use serde_json::error::Category;
        let text = String::from_utf8_lossy(body.get(..KEPT_BODY).unwrap_or(body));
        let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let kind = if start.is_empty() {
            HttpErrorKind::NotJson("expected JSON, got an empty body".to_owned())
        } else if error.classify() == Category::Data {
            HttpErrorKind::WrongJson(format!("the JSON is not as expected: {}", clause(error)))
        } else if !start.starts_with(['{', '[', '"']) {
            let media = content_type(headers).unwrap_or_else(|| UNTYPED.to_owned());
            let is_text = !start.contains(['\u{fffd}', '\0']);
            let (media, start) = (excerpt(&media), excerpt(start));
            HttpErrorKind::NotJson(match is_text {
                true => format!("expected JSON, got {media} that begins: {start}"),
                false => format!("expected JSON, got {} bytes of {media} that are no text", body.len()),
            })
        } else if error.classify() == Category::Eof {
            HttpErrorKind::WrongJson(format!("the JSON breaks off after {} bytes", body.len()))
        } else {
            HttpErrorKind::WrongJson(format!("the JSON is malformed: {}", clause(error)))
        };
        HttpError::new(method, path, kind)
    }

    /// The vendor's answer, where it gave one that is not 2xx.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            HttpErrorKind::Status(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The vendor's status, where it gave one that is not 2xx.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path) = (self.method, excerpt(&self.path));
        match &self.kind {
            HttpErrorKind::Status(refusal) => {
                write!(f, "{method} {path} answered {}", refusal.status)?;
                if let Some(location) = &refusal.location {
                    let location = excerpt(location);
                    return write!(f, " and points to {location}; redirects are not followed");
                }
                if let Some(message) = refusal.vendor_message() {
                    return write!(f, ": {message}");
                }
                let start = excerpt(&refusal.body);
                if start.is_empty() {
                    return f.write_str(" without a body");
                }
                let media = refusal.content_type.as_deref().unwrap_or(UNTYPED);
                write!(f, " with {} that begins: {start}", excerpt(media))
            }
            HttpErrorKind::Transport { reason, whole: true } => f.write_str(reason),
            HttpErrorKind::Transport { reason, whole: false } => {
                write!(f, "{method} {path}: {reason}")
            }
            HttpErrorKind::Denied => write!(f, "{method} {path}: the host denied the request"),
            HttpErrorKind::TooLarge { limit } => {
                write!(f, "{method} {path}: the answer is larger than {limit} bytes")
            }
            HttpErrorKind::NotJson(clause) | HttpErrorKind::WrongJson(clause) => {
                write!(f, "{method} {path}: {clause}")
            }
            HttpErrorKind::BadRequest(clause) => {
                write!(f, "{method} {path} cannot be sent: {clause}")
            }
        }
    }
}

impl std::error::Error for HttpError {}

/// The usual meaning of a status. A vendor that says more in its body (a 401 that is a matter of
/// permission, say) is for the connector to tell apart before it comes to this.
impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let text = error.to_string();
        match &error.kind {
            HttpErrorKind::Status(refusal) => match (refusal.status, refusal.retry_after) {
                (401, _) => Failure::Unauthorized(text),
                (403, _) => Failure::Forbidden(text),
                (429, wait) => Failure::RateLimited(wait),
                // The host has waited as long as it may; a longer wait is for the task queue.
                (503, Some(wait)) => Failure::RateLimited(Some(wait)),
                (500.., _) => Failure::Unavailable(text),
                _ => Failure::Unexpected(text),
            },
            HttpErrorKind::Transport { .. } => Failure::Unavailable(text),
            HttpErrorKind::Denied
            | HttpErrorKind::TooLarge { .. }
            | HttpErrorKind::NotJson(_)
            | HttpErrorKind::WrongJson(_)
            | HttpErrorKind::BadRequest(_) => Failure::Unexpected(text),
        }
    }
}

/// What the parser says, on one line.
fn clause(error: &serde_json::Error) -> String {
    excerpt(&error.to_string())
}

/// The media type without its parameters, lower case.
fn content_type(headers: &[(String, String)]) -> Option<String> {
    let value = header(headers, "content-type")?;
    let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(media).filter(|media| !media.is_empty())
}
