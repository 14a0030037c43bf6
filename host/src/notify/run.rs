//! The letter of a run: how it ended, what failed and what helps, what changed. Pure.

use super::differences::Differences;
use super::mail::Letter;
use crate::report::{Summary, TaskFailure};
use crate::text::count;

/// Failures that a mail lists: more are read better with `muster runs show`.
const FAILURES: usize = 20;

/// Whether somebody who wants only news wants this.
pub fn is_news(s: &Summary) -> bool {
    s.status != "published" || s.added + s.changed + s.removed > 0 || !s.failures.is_empty()
}

/// Whether there is anything to compare with: of a run that is not whole nobody knows what it lacks.
pub fn shows_differences(s: &Summary) -> bool {
    matches!(s.status, "published" | "held") && s.added + s.changed + s.removed > 0
}

/// The letter.
pub fn letter(s: &Summary, differences: &Differences) -> Letter {
    let changes = format!("{} added, {} changed, {} removed", s.added, s.changed, s.removed);
    let name = s.connection.as_str();
    let run = s.run.map_or_else(|| "it".to_owned(), |run| format!("run {run}"));
    let (subject, first) = match s.status {
        "published" if s.added + s.changed + s.removed == 0 => {
            (format!("{name}: nothing changed"), format!("{name}: {run} is published, and nothing changed."))
        }
        "published" => (format!("{name}: {changes}"), format!("{name}: {run} is published.")),
        "held" => (
            format!("{name}: held, {changes}"),
            format!("{name}: {run} is held, because it would remove too much. What was published before still stands."),
        ),
        "incomplete" => (
            format!("{name}: incomplete"),
            format!("{name}: {run} is incomplete. Nothing of it is published; what was published before still stands."),
        ),
        _ => (
            format!("{name}: failed"),
            format!("{name}: {run} failed before it collected anything. What was published before still stands."),
        ),
    };
    let mut out = Letter::new(format!("muster: {subject}"));
    out.line(&first);
    if s.run.is_some() && s.status != "failed" {
        let counts = [count(s.resources, "resource"), count(s.entitlements, "entitlement"), count(s.grants, "grant")];
        out.gap();
        out.line(&format!("{}; {changes}.", counts.join(", ")));
    }
    let objections: Vec<String> = s.objections.iter().map(|o| format!("  {o}")).collect();
    out.section("Why it is held:", &objections);
    out.section("What failed:", &failures(&s.failures));
    let title = if s.status == "held" { "What it would change:" } else { "What changed:" };
    let mut lines = differences.lines.clone();
    if differences.more {
        let to = s.run.map_or_else(String::new, |run| format!(" --to {run}"));
        lines.push(format!("  … and more: see `muster diff {name}{to}`"));
    }
    out.section(title, &lines);
    let findings: Vec<String> = s.findings.iter().map(|(kind, n)| format!("  {kind}: {n}")).collect();
    out.section("What does not fit together:", &findings);
    let warnings: Vec<String> = s.warnings.iter().map(|w| format!("  {w}")).collect();
    out.section("Warnings:", &warnings);
    let todo = match (s.status, s.run) {
        ("held", Some(run)) => vec![
            format!("  look at it:  muster diff {name} --to {run}"),
            format!("  publish it:  muster runs accept {run}"),
            "  or leave it: the next sync is judged afresh and replaces it".to_owned(),
        ],
        ("incomplete", _) => vec![format!("  run `muster sync {name}`: it does only what is not done")],
        _ => Vec::new(),
    };
    out.section("What to do:", &todo);
    out.end(name);
    out
}

fn failures(all: &[TaskFailure]) -> Vec<String> {
    let mut out = Vec::new();
    for failure in all.iter().take(FAILURES) {
        let task = match failure.task.as_str() {
            "configuration" | "sync" | "store" => String::new(),
            task => format!("{task}: "),
        };
        out.push(format!("  {task}{}: {}", failure.reason, failure.message));
        out.extend(failure.help.iter().map(|line| format!("    help: {line}")));
    }
    if all.len() > FAILURES {
        out.push(format!("  … and {} more", all.len() - FAILURES));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Reason};

    fn published() -> Summary {
        let failure = TaskFailure::new("", Failure::new(Reason::Trap, ""));
        Summary {
            run: Some(3),
            status: "published",
            resources: 12,
            entitlements: 4,
            grants: 20,
            added: 2,
            changed: 1,
            failures: Vec::new(),
            ..Summary::failed("support", failure)
        }
    }

    fn failed() -> Summary {
        let failure = Failure::new(Reason::Unauthorized, "the vendor refused\r\nBcc: eve@evil.test \u{202e}")
            .with_help("check chatwoot-api-token");
        Summary { run: Some(4), ..Summary::failed("support", TaskFailure::new("check", failure)) }
    }

    fn differences(lines: &[&str], more: bool) -> Differences {
        Differences { lines: lines.iter().map(|l| (*l).to_owned()).collect(), more }
    }

    #[test]
    fn a_published_run_says_what_changed() {
        let letter = letter(&published(), &differences(&["  + agent:3  Cy Wave"], true));
        assert_eq!(letter.subject, "muster: support: 2 added, 1 changed, 0 removed");
        assert_eq!(
            letter.body,
            "support: run 3 is published.\n\n\
             12 resources, 4 entitlements, 20 grants; 2 added, 1 changed, 0 removed.\n\n\
             What changed:\n  + agent:3  Cy Wave\n  … and more: see `muster diff support --to 3`\n\n\
             You are told because [connection.notify] of support names you.\n"
        );
    }

    #[test]
    fn a_held_run_says_why_and_what_to_do() {
        let held = Summary {
            status: "held",
            removed: 9,
            objections: vec!["9 of 12 of agent would be removed".to_owned()],
            ..published()
        };
        let letter = letter(&held, &differences(&["  - agent:1  Ann"], false));
        assert_eq!(letter.subject, "muster: support: held, 2 added, 1 changed, 9 removed");
        for part in [
            "Why it is held:\n  9 of 12 of agent would be removed\n",
            "What it would change:\n  - agent:1  Ann\n",
            "  publish it:  muster runs accept 3\n",
        ] {
            assert!(letter.body.contains(part), "{part}: {}", letter.body);
        }
    }

    #[test]
    fn a_failed_run_says_what_failed_and_what_helps_and_strangers_write_no_lines() {
        let letter = letter(&failed(), &Differences::default());
        assert_eq!(letter.subject, "muster: support: failed");
        assert_eq!(
            letter.body,
            "support: run 4 failed before it collected anything. What was published before still stands.\n\n\
             What failed:\n  check: unauthorized: the vendor refused\\u{d} Bcc: eve@evil.test \\u{202e}\n\
             \x20   help: check chatwoot-api-token\n\n\
             You are told because [connection.notify] of support names you.\n"
        );
    }

    #[test]
    fn many_failures_are_counted() {
        let one = failed().failures;
        let many =
            Summary { status: "incomplete", failures: one.iter().cycle().take(33).cloned().collect(), ..failed() };
        let letter = letter(&many, &Differences::default());
        assert_eq!(letter.body.matches("help: check").count(), 20);
        assert!(letter.body.contains("  … and 13 more\n"), "{}", letter.body);
        assert!(letter.body.contains("run `muster sync support`"), "{}", letter.body);
    }

    #[test]
    fn news_is_what_changed_is_held_or_failed() {
        let same = Summary { added: 0, changed: 0, ..published() };
        let held = Summary { status: "held", ..same.clone() };
        let table = [(published(), true, true), (same, false, false), (held, true, false), (failed(), true, false)];
        for (summary, news, shown) in table {
            assert_eq!((is_news(&summary), shows_differences(&summary)), (news, shown), "{summary:?}");
        }
    }
}
