//! Getting at the credential: by asking, and by making the vendor repeat it.

use crate::bindings::muster::connector::settings;
use crate::bindings::muster::connector::types::{Failure, Task};
use crate::http::{Answer, send};
use crate::records::{emit, page};
use crate::requests::from_settings;
use crate::{Outcome, fail, setting, warn};
use std::fmt::Write as _;

/// In hexadecimal no mask knows a secret again: what is written so is what the guest saw.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn seen(answer: &Answer) -> Vec<u8> {
    let mut all = format!("{}\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(b": ");
        all.extend_from_slice(value);
        all.push(b'\n');
    }
    all.extend_from_slice(&answer.body);
    all
}

/// Asks for each path of the setting `paths` and tells everybody what came: records, log and the last failure or task.
fn spread(ending: &str) -> Outcome {
    let mut last = String::new();
    for path in setting("paths").split(' ').filter(|path| !path.is_empty()) {
        let (kind, bytes) = match send(&from_settings(path)) {
            Ok(answer) => ("answer", seen(&answer)),
            Err(refused) => ("refusal", format!("{refused:?}").into_bytes()),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let escaped = text.escape_default().to_string().replace('\\', "\\\\").replace("\\\\\"", "\\\"");
        let plain: String = escaped.chars().filter(|c| *c != '"' && *c != '\\').take(3000).collect();
        let profile = format!("{{\"hex\":\"{}\",\"kind\":\"{kind}\",\"text\":\"{plain}\"}}", hex(&bytes));
        let name: String = text.chars().take(1000).collect();
        emit(&[page(path, &name, &profile)]);
        warn(&format!("{path} {text}"));
        last = text;
    }
    match ending {
        "failure" => fail(format!("the vendor said {last}")),
        "unauthorized" => Some(Err(Failure::Unauthorized(last))),
        "task" => Some(Ok(vec![Task { kind: "echo".to_owned(), payload: last }])),
        _ => Some(Ok(Vec::new())),
    }
}

/// Runs a mode of this file.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        "echo" => spread("record"),
        "echo-in-a-failure" => spread("failure"),
        "echo-in-a-refusal" => spread("unauthorized"),
        "echo-in-a-task" => spread("task"),
        "ask-for-the-secret" => {
            let names = ["token", "TOKEN", "token ", "HOSTILE_TOKEN", "{token}", "", "base-url", "nothing"];
            fail(format!("{:?}", names.map(settings::get)))
        }
        _ => None,
    }
}
