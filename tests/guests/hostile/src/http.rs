//! A client without manners: it sends what it is told, and shows what came.

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    self, ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;

/// A request, in the pieces in which it crosses the boundary.
#[derive(Debug, Default)]
pub struct Request {
    pub method: String,
    pub scheme: String,
    pub authority: String,
    pub target: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Why nothing came back. Shown whole, as the failure's sentence.
#[derive(Debug)]
#[allow(dead_code, reason = "read by `Debug`")]
pub enum Refused {
    /// A part that could not even be put into a request.
    Unsendable(&'static str),
    /// The host's answer.
    Host(ErrorCode),
    /// The body broke.
    Body,
}

impl Request {
    /// A request to an URL, split without looking at it.
    pub fn to(method: &str, url: &str) -> Request {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        Request {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            target: target.to_owned(),
            ..Request::default()
        }
    }

    /// With these headers, one `name: value` a piece between `|`.
    pub fn with_headers(mut self, text: &str) -> Request {
        let pairs = text.split('|').filter_map(|line| line.split_once(':'));
        self.headers.extend(pairs.map(|(name, value)| (name.to_owned(), value.trim_start_matches(' ').into())));
        self
    }
}

/// Sends, and reads the whole answer.
pub fn send(request: &Request) -> Result<Answer, Refused> {
    finish(&start(request)?)
}

/// Sends, and does not wait.
pub fn start(request: &Request) -> Result<FutureIncomingResponse, Refused> {
    let fields = Fields::new();
    for (name, value) in &request.headers {
        match fields.append(name, value) {
            Ok(()) | Err(HeaderError::Forbidden) => {}
            Err(_) => return Err(Refused::Unsendable("header")),
        }
    }
    let outgoing = OutgoingRequest::new(fields);
    let method = match request.method.as_str() {
        "GET" | "" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match request.scheme.as_str() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => Scheme::Other(other.to_owned()),
    };
    outgoing.set_method(&method).map_err(|()| Refused::Unsendable("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| Refused::Unsendable("scheme"))?;
    outgoing.set_authority(Some(&request.authority)).map_err(|()| Refused::Unsendable("authority"))?;
    outgoing.set_path_with_query(Some(&request.target)).map_err(|()| Refused::Unsendable("path"))?;
    let body = match &request.body {
        Some(_) => outgoing.body().ok(),
        None => None,
    };
    let pending = outgoing_handler::handle(outgoing, None).map_err(Refused::Host)?;
    if let (Some(body), Some(bytes)) = (body, &request.body) {
        write(body, bytes);
    }
    Ok(pending)
}

/// Writes a body as far as the host takes it.
fn write(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write() {
        for chunk in bytes.chunks(4096) {
            if stream.blocking_write_and_flush(chunk).is_err() {
                return;
            }
        }
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Waits for the head of an answer.
pub fn head(pending: &FutureIncomingResponse) -> Result<IncomingResponse, Refused> {
    loop {
        match pending.get() {
            Some(Ok(answer)) => return answer.map_err(Refused::Host),
            Some(Err(())) => return Err(Refused::Body),
            None => pending.subscribe().block(),
        }
    }
}

/// Waits for an answer.
pub fn finish(pending: &FutureIncomingResponse) -> Result<Answer, Refused> {
    let incoming = head(pending)?;
    let (status, headers) = (incoming.status(), incoming.headers().entries());
    let body = incoming.consume().map_err(|()| Refused::Body)?;
    let stream = body.stream().map_err(|()| Refused::Body)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(256 * 1024) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(Answer { status, headers, body: bytes }),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(types::http_error_code(&error).map_or(Refused::Body, Refused::Host));
            }
        }
    }
}
