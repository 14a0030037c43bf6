//! Checks, tasks and failures that keep a run busy.

use crate::bindings::muster::connector::types::{Account, Failure, Task};
use crate::http::{Request, send};
use crate::records::{EVIL, emit, person};
use crate::{Outcome, count, done, fail, moment, resources, setting, warn};

fn task(kind: &str, payload: &str) -> Task {
    Task { kind: kind.to_owned(), payload: payload.to_owned() }
}

fn account() -> Account {
    Account { id: "1".to_owned(), name: "Everybody".to_owned(), warnings: Vec::new(), session: None }
}

/// The check of a mode.
pub fn check(mode: &str) -> Result<Account, Failure> {
    let mut account = account();
    match mode {
        "check-spin" => resources::spin(),
        "check-trap" => std::process::abort(),
        "check-emit" => emit(&[person("early", "Early")]),
        "check-session" => account.session = Some("s".repeat(5000)),
        "check-warnings" => account.warnings = (0..10_000).map(|n| format!("warning {n}")).collect(),
        "check-long-warning" => account.warnings = vec!["w".repeat(1 << 20)],
        "check-long-name" => account.name = "n".repeat(1 << 20),
        "check-escapes" => {
            account =
                Account { id: EVIL.to_owned(), name: EVIL.to_owned(), warnings: vec![EVIL.to_owned()], session: None };
        }
        "check-megabytes" => account.warnings = vec!["w".repeat(1 << 20); 20],
        "check-unauthorized" => return Err(Failure::Unauthorized("no".to_owned())),
        "check-rate-limited" => return Err(Failure::RateLimited(Some(u64::MAX))),
        "check-escapes-failure" => return Err(Failure::InvalidSettings(EVIL.to_owned())),
        "check-long-failure" => return Err(Failure::Unexpected("f".repeat(1 << 20))),
        // Counted by the server.
        "unauthorized-storm" => drop(send(&Request::to("GET", &format!("{}/check", setting("base-url"))))),
        _ => {}
    }
    Ok(account)
}

/// The first call of a mode.
pub fn sync(mode: &str, session: Option<&str>) -> Outcome {
    let follow = |tasks: Vec<Task>| Some(Ok(tasks));
    match mode {
        "check-warnings" | "check-long-warning" | "check-long-name" | "check-escapes" => done(),
        "session" => fail(format!("{session:?}")),
        "wide" => follow((0..count()).map(|n| task("leaf", &n.to_string())).collect()),
        "payloads" => follow((0..count()).map(|n| task("leaf", &format!("{n} {}", "p".repeat(1000)))).collect()),
        "long-payload" => follow(vec![task("leaf", &"p".repeat(70_000))]),
        "bad-kind" => follow(vec![task("Leaf\u{1b}[2J", "1")]),
        "megabytes-of-tasks" => follow((0..9000).map(|n| task("leaf", &format!("{n} {}", "p".repeat(2000)))).collect()),
        "chain" | "tree" | "loop" | "own-tail" => follow(vec![task("link", "0")]),
        "many-equal" => follow(vec![task("leaf", "same"); count()]),
        "unauthorized-storm" => follow((0..count()).map(|n| task("leaf", &n.to_string())).collect()),
        "rate-limited" => Some(Err(Failure::RateLimited(Some(u64::MAX)))),
        "rate-limited-for-nothing" => Some(Err(Failure::RateLimited(Some(0)))),
        "not-ready" => Some(Err(Failure::NotReady(u64::MAX))),
        "not-ready-for-nothing" => Some(Err(Failure::NotReady(0))),
        "long-failure" => fail("f".repeat(1 << 20)),
        "many-failures" => follow((0..count()).map(|n| task("leaf", &n.to_string())).collect()),
        "grow-in-tasks" => follow((0..count()).map(|n| task("grow", &n.to_string())).collect()),
        _ => None,
    }
}

/// One task of a mode.
pub fn step(mode: &str, of: &Task) -> Result<Vec<Task>, Failure> {
    let number: u64 = of.payload.parse().unwrap_or(0);
    match mode {
        // A host that takes so many would take the rest as well.
        "chain" | "tree" if number > 500 => Ok(Vec::new()),
        "chain" => Ok(vec![task("link", &(number + 1).to_string())]),
        "tree" => Ok((1..=10).map(|n| task("link", &(number * 10 + n).to_string())).collect()),
        "loop" => Ok(vec![task("link", &((number + 1) % 3).to_string())]),
        "own-tail" => Ok(vec![task("link", &of.payload)]),
        "grow-in-tasks" => resources::sync("grow-together").unwrap_or(Ok(Vec::new())),
        "unauthorized-storm" => {
            let _ = send(&Request::to("GET", &format!("{}/task", setting("base-url"))));
            Err(Failure::Unauthorized(format!("task {number} is not allowed")))
        }
        "chance" => moment::draw(of),
        "many-failures" => Err(Failure::Forbidden(format!("task {number} {}", "f".repeat(1000)))),
        "echo-in-a-task" => {
            warn(&of.payload);
            Err(Failure::Unexpected(of.payload.clone()))
        }
        _ => Ok(Vec::new()),
    }
}
