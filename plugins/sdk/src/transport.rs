//! One exchange over `wasi:http`, and what its errors mean.

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    self, ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingBody, OutgoingRequest,
    Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::request::{Method, Request, Response};

/// Asked for at once: large, since every call crosses the boundary, and not so large that the copy in
/// passing doubles what a body takes.
const READ: u64 = 256 * 1024;
/// The most that `blocking-write-and-flush` takes in a call.
const WRITE: usize = 4096;
/// Space made before the body comes, at most, whatever length the answer claims.
const RESERVED: usize = 8 * 1024 * 1024;
/// Read of a refusal's body. The rest is not worth the wait.
const REFUSAL_BODY: usize = 64 * 1024;

/// Why no answer came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The host's own sentence.
    Host(String),
    /// One of the standard reasons.
    Broken(&'static str),
    /// The host did not let the request out.
    Denied,
    /// The body passes this many bytes.
    TooLarge(usize),
    /// It cannot be put into a request.
    Unsendable(String),
}

/// Sends a request and reads the whole answer.
pub(crate) fn send(request: &Request) -> Result<Response, Fault> {
    let (outgoing, body) = outgoing(request)?;
    let pending = outgoing_handler::handle(outgoing, None).map_err(fault)?;
    if let (Some(body), Some(bytes)) = (body, &request.body) {
        // A vendor may answer before it has read everything: its answer, or the reason why there
        // is none, is what counts, so an error here is left to `answer`.
        let _ = write(body, bytes);
    }
    let incoming = answer(&pending)?;
    let status = incoming.status();
    let headers: Vec<(String, String)> = {
        let fields = incoming.headers();
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        fields.entries().into_iter().map(|(name, value)| (name, text(value))).collect()
    };
    let body = if (200..300).contains(&status) {
        let length = crate::request::header(&headers, "content-length");
        let expected = length.and_then(|value| value.parse().ok()).unwrap_or(0);
        read(&incoming, request.limit, expected).map_err(|(fault, _)| fault)?
    } else {
        // The status is the answer; what there is of its body is enough to explain it.
        read(&incoming, REFUSAL_BODY, 0).unwrap_or_else(|(_, part)| part)
    };
    Ok(Response { status, headers, body })
}

fn outgoing(request: &Request) -> Result<(OutgoingRequest, Option<OutgoingBody>), Fault> {
    let mut entries: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if let Some(body) = &request.body {
        entries.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    let fields = Fields::from_list(&entries)
        .map_err(|error| Fault::Unsendable(format!("a header field was refused: {error}")))?;
    let outgoing = OutgoingRequest::new(fields);
    let scheme = match request.url.origin().scheme() {
        "https" => Scheme::Https,
        _ => Scheme::Http,
    };
    let refused = |what: &'static str| move |()| Fault::Unsendable(format!("the {what} was refused"));
    outgoing.set_method(&method(request.method)).map_err(refused("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(refused("scheme"))?;
    let authority = request.url.origin().authority();
    outgoing.set_authority(Some(&authority)).map_err(refused("host"))?;
    let target = request.url.path_and_query();
    outgoing.set_path_with_query(Some(target)).map_err(refused("path"))?;
    let body = match request.body {
        Some(_) => Some(outgoing.body().map_err(refused("body"))?),
        None => None,
    };
    Ok((outgoing, body))
}

fn method(method: Method) -> types::Method {
    match method {
        Method::Get => types::Method::Get,
        Method::Head => types::Method::Head,
        Method::Post => types::Method::Post,
        Method::Put => types::Method::Put,
        Method::Patch => types::Method::Patch,
        Method::Delete => types::Method::Delete,
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), ()> {
    let stream = body.write()?;
    for chunk in bytes.chunks(WRITE) {
        stream.blocking_write_and_flush(chunk).map_err(drop)?;
    }
    // The stream is a child of the body and has to go first.
    drop(stream);
    OutgoingBody::finish(body, None).map_err(drop)
}

fn answer(pending: &FutureIncomingResponse) -> Result<IncomingResponse, Fault> {
    loop {
        // Mostly the answer is there when `handle` comes back to the guest: asking first saves
        // the making, waiting and dropping of a pollable.
        if let Some(ready) = pending.get() {
            return match ready {
                Ok(answer) => answer.map_err(fault),
                Err(()) => Err(Fault::Broken("the answer was taken twice")),
            };
        }
        pending.subscribe().block();
    }
}

/// Reads a body whole. Where that fails, what had come is handed back with the reason.
fn read(incoming: &IncomingResponse, limit: usize, expected: usize) -> Result<Vec<u8>, (Fault, Vec<u8>)> {
    let gone = |()| (Fault::Broken("the body was taken twice"), Vec::new());
    let body: IncomingBody = incoming.consume().map_err(gone)?;
    let stream = body.stream().map_err(gone)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(chunk) if bytes.is_empty() && expected <= chunk.len() => bytes = chunk,
            Ok(chunk) => {
                if bytes.is_empty() {
                    bytes.reserve(expected.min(limit).min(RESERVED));
                }
                bytes.extend_from_slice(&chunk);
            }
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                let fault = match types::http_error_code(&error) {
                    Some(code) => fault(code),
                    None => Fault::Broken("the connection broke in the middle of the answer"),
                };
                return Err((fault, bytes));
            }
        }
        if bytes.len() > limit {
            bytes.truncate(limit);
            return Err((Fault::TooLarge(limit), bytes));
        }
    }
}

/// What a reason of `wasi:http` means. The host puts its own sentence into `internal-error`.
fn fault(code: ErrorCode) -> Fault {
    Fault::Broken(match code {
        ErrorCode::InternalError(Some(sentence)) if !sentence.is_empty() => {
            return Fault::Host(sentence);
        }
        ErrorCode::HttpRequestDenied => return Fault::Denied,
        ErrorCode::HttpResponseBodySize(_) => "the answer is larger than the host allows",
        ErrorCode::HttpRequestBodySize(_) => "the request's body is larger than the host allows",
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            "the host name could not be resolved"
        }
        ErrorCode::DestinationIpProhibited => "the address is not allowed",
        ErrorCode::DestinationIpUnroutable | ErrorCode::DestinationUnavailable => "the server cannot be reached",
        ErrorCode::ConnectionRefused => "connection refused",
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
            "the connection ended before the answer was whole"
        }
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => "no answer came in time",
        ErrorCode::ConnectionLimitReached => "too many connections are open",
        ErrorCode::TlsCertificateError => "the server's certificate is not trusted",
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => "TLS failed",
        ErrorCode::HttpResponseContentCoding(_) | ErrorCode::HttpResponseTransferCoding(_) => {
            "the answer's encoding is not understood"
        }
        ErrorCode::HttpResponseHeaderSectionSize(_) | ErrorCode::HttpResponseHeaderSize(_) => {
            "the answer's header is larger than the host allows"
        }
        _ => "the exchange failed",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_sentence_is_passed_on() {
        let sentence = "cannot connect to 127.0.0.1:3000: connection refused".to_owned();
        assert_eq!(fault(ErrorCode::InternalError(Some(sentence.clone()))), Fault::Host(sentence));
        assert_eq!(fault(ErrorCode::InternalError(None)), Fault::Broken("the exchange failed"));
    }

    #[test]
    fn a_denial_is_no_fault_of_the_network() {
        assert_eq!(fault(ErrorCode::HttpRequestDenied), Fault::Denied);
    }

    #[test]
    fn standard_reasons_have_a_clause_each() {
        assert_eq!(fault(ErrorCode::ConnectionRefused), Fault::Broken("connection refused"));
        assert_eq!(fault(ErrorCode::HttpResponseTimeout), Fault::Broken("no answer came in time"));
        assert_eq!(fault(ErrorCode::TlsCertificateError), Fault::Broken("the server's certificate is not trusted"));
    }
}
