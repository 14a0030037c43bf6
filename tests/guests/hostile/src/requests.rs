//! Requests that are not meant to leave.

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{Fields, Method, OutgoingRequest, Scheme};
use crate::http::{self, Request, finish, head, send, start};
use crate::{Outcome, count, done, fail, setting, warn};

/// The request that the settings describe. A target that begins with `/` is the base's.
pub fn from_settings(target: &str) -> Request {
    let url = match target.contains("://") {
        true => target.to_owned(),
        false => format!("{}{target}", setting("base-url")),
    };
    let body = setting("body");
    let body = (!body.is_empty()).then(|| body.into_bytes());
    Request { body, ..Request::to(&setting("method"), &url).with_headers(&setting("headers")) }
}

/// Runs a mode of this file.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        // The attack's own success is told apart from a refusal by what the server saw.
        "request" => match send(&from_settings(&setting("target"))) {
            Ok(answer) => {
                warn(&format!("answered {}", answer.status));
                done()
            }
            Err(refused) => fail(format!("{refused:?}")),
        },
        // As a vendor's own paging would have it: whatever the answer names comes next.
        "follow-next" => {
            let first = match send(&from_settings(&setting("target"))) {
                Ok(answer) => answer,
                Err(refused) => return fail(format!("{refused:?}")),
            };
            let next = String::from_utf8_lossy(&first.body).into_owned();
            match send(&Request::to("GET", next.trim())) {
                Ok(answer) => fail(format!("followed to {}", answer.status)),
                Err(refused) => fail(format!("{refused:?}")),
            }
        }
        "follow-redirect" => {
            let first = match send(&from_settings(&setting("target"))) {
                Ok(answer) => answer,
                Err(refused) => return fail(format!("{refused:?}")),
            };
            let location = first.headers.iter().find(|(name, _)| name == "location");
            let next = location.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
            match send(&Request::to("GET", &next)) {
                Ok(answer) => fail(format!("followed to {}", answer.status)),
                Err(refused) => fail(format!("{refused:?}")),
            }
        }
        // A denial that is shrugged off.
        "denied-and-silent" => {
            let _ = send(&from_settings(&setting("target")));
            done()
        }
        "many-at-once" => {
            let request = from_settings("/hold");
            let pending: Vec<_> = (0..count()).filter_map(|_| start(&request).ok()).collect();
            let answered = pending.iter().filter(|one| finish(one).is_ok()).count();
            warn(&format!("{answered} answers"));
            done()
        }
        // Answers that nobody reads stay where they are: in the host.
        "unread-answers" => {
            let request = from_settings("/large");
            let pending: Vec<_> = (0..count()).filter_map(|_| start(&request).ok()).collect();
            let unread: Vec<_> = pending.iter().map(head).collect();
            let _ = send(&from_settings("/measure"));
            let answered = unread.iter().filter(|one| one.is_ok()).count();
            warn(&format!("{answered} answers"));
            done()
        }
        // Bodies that are all but finished: the host holds them until they are.
        "unfinished-bodies" => {
            let mut held = Vec::new();
            for _ in 0..count() {
                let outgoing = OutgoingRequest::new(Fields::new());
                let url = Request::to("POST", &setting("base-url"));
                let _ = outgoing.set_method(&Method::Post);
                let _ = outgoing.set_scheme(Some(&Scheme::Http));
                let _ = outgoing.set_authority(Some(&url.authority));
                let _ = outgoing.set_path_with_query(Some("/search"));
                let Ok(body) = outgoing.body() else { continue };
                let Ok(pending) = outgoing_handler::handle(outgoing, None) else { continue };
                let Ok(stream) = body.write() else { continue };
                let chunk = vec![b'b'; 4096];
                while held_bytes(&stream, &chunk) {}
                held.push((pending, stream, body));
            }
            let _ = send(&from_settings("/measure"));
            warn(&format!("{} bodies", held.len()));
            // What is not finished is given up.
            held.into_iter().for_each(|(pending, stream, body)| {
                drop(stream);
                drop(body);
                drop(pending);
            });
            done()
        }
        "endless-body" => {
            let request = Request { body: Some(vec![b'b'; 64 << 20]), ..from_settings(&setting("target")) };
            match send(&request) {
                Ok(answer) => fail(format!("answered {}", answer.status)),
                Err(refused) => fail(format!("{refused:?}")),
            }
        }
        _ => http_of_a_socket(mode),
    }
}

/// Whether another chunk was taken and fewer than 7 MiB are there.
fn held_bytes(stream: &crate::bindings::wasi::io::streams::OutputStream, chunk: &[u8]) -> bool {
    // The host takes 8 MiB: stop before it refuses.
    const CHUNKS: usize = 7 * 1024 * 1024 / 4096;
    for _ in 0..CHUNKS {
        if stream.blocking_write_and_flush(chunk).is_err() {
            return false;
        }
    }
    false
}

/// Headers as a library makes them, all at once.
fn http_of_a_socket(mode: &str) -> Outcome {
    if mode != "header-list-request" {
        return None;
    }
    let mut request = from_settings(&setting("target"));
    request.headers = (0..count()).map(|n| (format!("x-{n}"), vec![b'x'; 100])).collect();
    match http::send(&request) {
        Ok(answer) => fail(format!("answered {}", answer.status)),
        Err(refused) => fail(format!("{refused:?}")),
    }
}
