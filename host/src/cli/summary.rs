//! What a run came to, as the command line says it: failures on stderr, lines on stdout.

use super::error;
use crate::report::Summary;
use crate::text::{count, neutral};

/// Says what failed, and what helps.
pub fn complain(summary: &Summary) {
    for failure in &summary.failures {
        let task = match failure.task.as_str() {
            "configuration" | "check" | "lock" | "store" | "sync" => String::new(),
            task => format!(" ({task})"),
        };
        error::say(
            &format!("{}{task}: {}", summary.connection, error::sentence(failure.reason, &failure.message)),
            &failure.help,
        );
    }
}

/// The summary for people.
pub fn lines(s: &Summary) -> Vec<String> {
    let mut out = vec![first(s)];
    let Some(run) = s.run else { return out };
    if s.status != "failed" {
        let counts = [count(s.resources, "resource"), count(s.entitlements, "entitlement"), count(s.grants, "grant")];
        out.push(format!("  {}", counts.join(", ")));
        let repeated = if s.retries > 0 { format!(", {} of them repeated", s.retries) } else { String::new() };
        let changes = format!("{} added, {} changed, {} removed", s.added, s.changed, s.removed);
        let waited = match s.times.waited_ms {
            0..1000 => String::new(),
            ms => format!(", {} s of waiting", ms / 1000),
        };
        out.push(format!("  {changes}; {}{repeated}{waited}", count(s.requests, "request")));
    }
    out.extend(s.objections.iter().map(|o| format!("  held because {}", neutral(o))));
    if s.status == "held" {
        out.push(format!("  look with `muster runs show {run}`, publish with `muster runs accept {run}`"));
    }
    if s.status == "incomplete" {
        out.push("  nothing was published; what was published before still stands".to_owned());
        out.push(match s.stopped {
            true => format!("  stopped by you; run `muster sync {}` again, and it goes on from here", s.connection),
            false => format!("  run `muster sync {}` again: it does only what is not done", s.connection),
        });
    }
    out.extend(s.findings.iter().map(|(kind, n)| format!("  {kind}: {n} (see `muster runs show {run}`)")));
    out
}

/// The summary in one line, as `serve` says it.
pub fn line(s: &Summary) -> String {
    let mut out = first(s);
    if s.run.is_some() && s.status != "failed" {
        let counts = [count(s.resources, "resource"), count(s.entitlements, "entitlement"), count(s.grants, "grant")];
        let changes = format!("{} added, {} changed, {} removed", s.added, s.changed, s.removed);
        out = format!("{out}: {}; {changes}", counts.join(", "));
    }
    out
}

fn first(s: &Summary) -> String {
    let elapsed = match s.elapsed_ms {
        ms @ 0..1000 => format!("{ms} ms"),
        ms => format!("{}.{:02} s", ms / 1000, ms % 1000 / 10),
    };
    let Some(run) = s.run else { return format!("{}: {}", s.connection, s.status) };
    let verb = match s.status {
        "published" => format!("published as run {run} in"),
        "failed" => format!("run {run} failed after"),
        other => format!("run {run} is {other} after"),
    };
    let resumed = if s.resumed { ", resumed" } else { "" };
    format!("{}: {verb} {elapsed}{resumed}", s.connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Reason};
    use crate::report::TaskFailure;

    #[test]
    fn a_server_says_a_run_in_one_line() {
        let failed = Summary::failed("support", TaskFailure::new("check", Failure::new(Reason::Unauthorized, "no")));
        let published = Summary {
            run: Some(3),
            status: "published",
            elapsed_ms: 1234,
            resources: 12,
            entitlements: 1,
            grants: 20,
            added: 2,
            ..failed.clone()
        };
        let table = [
            (failed.clone(), "support: failed"),
            (Summary { run: Some(4), elapsed_ms: 5, ..failed }, "support: run 4 failed after 5 ms"),
            (
                published.clone(),
                "support: published as run 3 in 1.23 s: 12 resources, 1 entitlement, 20 grants; 2 added, 0 changed, 0 removed",
            ),
            (
                Summary { status: "held", resumed: true, ..published },
                "support: run 3 is held after 1.23 s, resumed: 12 resources, 1 entitlement, 20 grants; 2 added, 0 changed, 0 removed",
            ),
        ];
        for (summary, wanted) in table {
            assert_eq!(line(&summary), wanted);
        }
    }
}
