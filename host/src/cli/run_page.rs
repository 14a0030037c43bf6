//! One run as people read it: what it came to, then why, then where its time went. Pure.

use super::connectors::size;
use crate::store::queries::RunDetail;
use crate::text::{count, neutral};
use serde_json::Value;

/// Findings shown to people; programs get all that are kept.
const FINDINGS: usize = 20;

/// The lines of `runs show`.
pub fn lines(d: &RunDetail) -> Vec<String> {
    let at = |path: &str| d.report.pointer(path).unwrap_or(&Value::Null);
    let mut out = head(d);
    if let Some(why) = at("/abandoned").as_str() {
        out.push(format!("  given up: {}", neutral(why)));
    }
    if let Some(scope) = at("/run/scope").as_str() {
        out.push(format!("  read again after a change: {}", neutral(scope)));
    }
    if let Some(n @ 2..) = at("/run/attempts").as_u64() {
        out.push(format!("  {n} attempts, each from where the one before had ended"));
    }
    out.extend(counts(d));
    if d.report.get("run").is_some_and(Value::is_object) {
        out.extend(work(at("/run")));
    }
    if let Some(t) = &d.tasks {
        let counts = format!("  of its tasks {} are done, {} failed, {} wait", t.done, t.failed, t.waiting);
        out.push(format!("{counts}: `muster sync {}` goes on", d.row.connection));
    }
    let texts = |path: &str| list(at(path)).map(|t| text(Some(t)).to_owned()).collect();
    section(&mut out, "held because", texts("/objections"));
    section(&mut out, "warnings", texts("/run/account/warnings"));
    section(&mut out, "failures", failures(at("/run")));
    let denials = at("/run/denials").as_object().into_iter().flatten();
    section(&mut out, "denied", denials.map(|(label, n)| format!("{label}: {n}")).collect());
    let kinds = list(at("/findings")).map(|f| format!("{}: {}", text(f.get("kind")), number(f.get("count"))));
    section(&mut out, "integrity", kinds.collect());
    let mut findings: Vec<String> =
        d.findings.iter().take(FINDINGS).map(|f| format!("{}: {}", f.kind, f.subject)).collect();
    if d.findings.len() > FINDINGS {
        findings.push(format!("… and {} more (--json shows them)", d.findings.len() - FINDINGS));
    }
    section(&mut out, "findings", findings);
    section(&mut out, "time and bytes (work that ran at once is summed)", phases(at("/run")));
    let slow = list(at("/run/slowest")).map(|s| format!("{}  {}", millis(s.get("ms")), text(s.get("task"))));
    section(&mut out, "slowest tasks", slow.collect());
    out
}

fn head(d: &RunDetail) -> Vec<String> {
    let r = &d.row;
    let at = |path: &str| d.report.pointer(path).unwrap_or(&Value::Null);
    let digest = d.digest.get(..12).unwrap_or(&d.digest);
    let mut out = vec![
        format!("run {} of {}: {}", r.run, r.connection, r.status),
        format!("  {} to {}", r.started, r.ended.as_deref().unwrap_or("(no end)")),
        format!("  connector {} {} ({digest})", neutral(&d.connector), neutral(&d.version)),
    ];
    if let (Some(name), Some(id)) = (at("/run/account/name").as_str(), at("/run/account/id").as_str()) {
        out.push(format!("  account {} ({})", neutral(name), neutral(id)));
    }
    if at("/run/replayed").as_bool() == Some(true) {
        out.push("  replayed from a tape: times are the tape's, and nobody was asked".to_owned());
    }
    out
}

fn counts(d: &RunDetail) -> [String; 2] {
    let r = &d.row;
    let counts = [r.resources, r.entitlements, r.grants, r.added, r.changed, r.removed];
    let [resources, entitlements, grants, added, changed, removed] =
        counts.map(|n| n.map_or_else(|| "-".to_owned(), |n| n.to_string()));
    [
        format!("  resources {resources}, entitlements {entitlements}, grants {grants}"),
        format!("  added {added}, changed {changed}, removed {removed}"),
    ]
}

/// What was done, in one line; what is rarely there, in another.
fn work(run: &Value) -> Vec<String> {
    let n = |key: &str| run.get(key).and_then(Value::as_u64).unwrap_or(0);
    let mut tasks = format!("tasks {}", n("tasks"));
    if n("failed_tasks") > 0 {
        tasks = format!("{tasks} ({} failed)", n("failed_tasks"));
    }
    let mut out =
        vec![format!("  {tasks}, requests {} ({} repeated, {} denied)", n("requests"), n("retries"), n("denied"))];
    if n("masked") > 0 {
        out.push(format!("  {} masked in the vendor's answers", count(n("masked"), "secret")));
    }
    if n("log_lines_dropped") > 0 {
        out.push(format!("  {} of the connector dropped: too many", count(n("log_lines_dropped"), "log line")));
    }
    out
}

/// Each failure with the lines that help, and how many more there were.
fn failures(run: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let kept = list(run.get("failures").unwrap_or(&Value::Null));
    let mut shown = 0;
    for f in kept {
        shown += 1;
        out.push(format!("{}: {}: {}", text(f.get("task")), text(f.get("reason")), text(f.get("message"))));
        out.extend(list(f.get("help").unwrap_or(&Value::Null)).map(|h| format!("  help: {}", text(Some(h)))));
    }
    let all = run.get("failed_tasks").and_then(Value::as_u64).unwrap_or(0);
    if all > shown {
        out.push(format!("… and {} more", all - shown));
    }
    out
}

fn phases(run: &Value) -> Vec<String> {
    let Some(times) = run.get("times") else { return Vec::new() };
    let bytes = |key: &str| size(run.get(key).and_then(Value::as_u64).unwrap_or(0));
    let records = run.get("emitted_records").and_then(Value::as_u64).unwrap_or(0);
    vec![
        format!("vendor: {}, {} received", millis(times.get("vendor_ms")), bytes("received_bytes")),
        format!(
            "guest: {} of processor time, {} of {} emitted",
            millis(times.get("guest_ms")),
            bytes("emitted_bytes"),
            count(records, "record")
        ),
        format!("store: {}", millis(times.get("store_ms"))),
        format!("waiting for a pace or a retry: {}", millis(times.get("waited_ms"))),
    ]
}

fn section(out: &mut Vec<String>, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        out.push(format!("  {title}:"));
        out.extend(lines.iter().map(|l| format!("    {}", neutral(l))));
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or("?")
}

fn number(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or(0)
}

/// `340 ms`, `1.24 s`.
fn millis(value: Option<&Value>) -> String {
    match number(value) {
        ms @ 0..1000 => format!("{ms} ms"),
        ms => format!("{}.{:02} s", ms / 1000, ms % 1000 / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::queries::{FindingRow, RunRow};
    use serde_json::json;

    fn detail(report: Value) -> RunDetail {
        let row = RunRow {
            run: 7,
            connection: "support".to_owned(),
            status: "incomplete".to_owned(),
            started: "2026-04-20T08:15:30Z".to_owned(),
            ended: None,
            resources: Some(4),
            entitlements: None,
            grants: Some(0),
            added: None,
            changed: None,
            removed: None,
        };
        let (connector, version) = ("chatwoot".to_owned(), "0.1.0".to_owned());
        RunDetail {
            row,
            connector,
            version,
            digest: "0123456789abcdef".to_owned(),
            report,
            tasks: None,
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_run_in_progress_has_little_to_say() {
        let wanted = [
            "run 7 of support: incomplete",
            "  2026-04-20T08:15:30Z to (no end)",
            "  connector chatwoot 0.1.0 (0123456789ab)",
            "  resources 4, entitlements -, grants 0",
            "  added -, changed -, removed -",
        ];
        for report in [json!({}), Value::Null, json!({"run": null})] {
            assert_eq!(lines(&detail(report)), wanted);
        }
    }

    #[test]
    fn a_run_says_all_that_its_report_has() {
        let report = json!({
            "abandoned": "its settings have changed",
            "objections": ["20 of 40 of agent would be removed"],
            "findings": [{"kind": "dangling-grant", "count": 21}],
            "run": {
                "account": {"id": "1", "name": "Example", "warnings": ["the plan has no custom roles"]},
                "attempts": 3, "tasks": 12, "failed_tasks": 102, "requests": 40, "retries": 2, "denied": 4,
                "denials": {"origin": 3, "route": 1}, "masked": 1, "log_lines_dropped": 2,
                "received_bytes": 12_345, "emitted_bytes": 900, "emitted_records": 44, "replayed": true,
                "failures": [{"task": "agents", "reason": "denied", "message": "no\nsuch origin", "help": ["write this"]}],
                "slowest": [{"task": "teams", "ms": 1240}],
                "times": {"vendor_ms": 2000, "guest_ms": 12, "store_ms": 3, "waited_ms": 20_500},
            },
        });
        let mut detail = detail(report);
        let finding = |n| FindingRow { kind: "dangling-grant".to_owned(), subject: format!("team:{n}:member:agent:6") };
        detail.findings = (1..=21).map(finding).collect();
        let mut shown = lines(&detail);
        shown.retain(|line| !line.contains(":member:") || line.contains("team:1:"));
        let wanted = "run 7 of support: incomplete
  2026-04-20T08:15:30Z to (no end)
  connector chatwoot 0.1.0 (0123456789ab)
  account Example (1)
  replayed from a tape: times are the tape's, and nobody was asked
  given up: its settings have changed
  3 attempts, each from where the one before had ended
  resources 4, entitlements -, grants 0
  added -, changed -, removed -
  tasks 12 (102 failed), requests 40 (2 repeated, 4 denied)
  1 secret masked in the vendor's answers
  2 log lines of the connector dropped: too many
  held because:
    20 of 40 of agent would be removed
  warnings:
    the plan has no custom roles
  failures:
    agents: denied: no such origin
      help: write this
    … and 101 more
  denied:
    origin: 3
    route: 1
  integrity:
    dangling-grant: 21
  findings:
    dangling-grant: team:1:member:agent:6
    … and 1 more (--json shows them)
  time and bytes (work that ran at once is summed):
    vendor: 2.00 s, 12 KB received
    guest: 12 ms of processor time, 900 B of 44 records emitted
    store: 3 ms
    waiting for a pace or a retry: 20.50 s
  slowest tasks:
    1.24 s  teams";
        assert_eq!(shown.join("\n"), wanted);
    }
}
