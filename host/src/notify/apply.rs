//! The letter of an apply: how many changes came to what, which, and what failed. Pure.

use super::mail::Letter;

/// Lines of changes in a mail: more are read better with `muster audit`.
const LINES: usize = 50;

/// What an apply came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyNote {
    /// The connection that was written to.
    pub connection: String,
    /// The connection that the plan came from.
    pub from: String,
    /// How many changes came to what, in the words of the summary: `("applied", 3)`.
    pub counts: Vec<(String, u64)>,
    /// Each change that was made, a line each.
    pub lines: Vec<String>,
    /// Each change that was not, with the reason.
    pub failed: Vec<String>,
}

impl ApplyNote {
    /// Whether somebody who wants only news wants this.
    pub fn is_news(&self) -> bool {
        !self.lines.is_empty() || !self.failed.is_empty() || self.counts.iter().any(|(_, n)| *n > 0)
    }

    /// The letter.
    pub fn letter(&self) -> Letter {
        let name = self.connection.as_str();
        let counts: Vec<String> =
            self.counts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
        let counts = if counts.is_empty() { "nothing to apply".to_owned() } else { counts.join(", ") };
        let mut out = Letter::new(format!("muster: {name}: {counts}"));
        out.line(&format!("{name}: a plan from {} was applied: {counts}.", self.from));
        out.section("What failed:", &few(&self.failed));
        out.section("What was applied:", &few(&self.lines));
        out.end(name);
        out
    }
}

fn few(lines: &[String]) -> Vec<String> {
    let mut out: Vec<String> = lines.iter().take(LINES).map(|line| format!("  {line}")).collect();
    if lines.len() > LINES {
        out.push(format!("  … and {} more", lines.len() - LINES));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apply_is_counted_and_listed() {
        let note = ApplyNote {
            connection: "charthop".to_owned(),
            from: "justworks".to_owned(),
            counts: vec![("applied".to_owned(), 60), ("refused".to_owned(), 1), ("unknown".to_owned(), 0)],
            lines: (0..60).map(|n| format!("hire p{n}@acme.test")).collect(),
            failed: vec!["hire eve@acme.test: no such department\u{202e}".to_owned()],
        };
        let letter = note.letter();
        assert_eq!(letter.subject, "muster: charthop: 60 applied, 1 refused");
        assert!(letter.body.starts_with("charthop: a plan from justworks was applied: 60 applied, 1 refused.\n\nWhat failed:\n  hire eve@acme.test: no such department\\u{202e}\n\nWhat was applied:\n  hire p0@"), "{}", letter.body);
        assert!(letter.body.contains("p49@acme.test\n  … and 10 more\n"), "{}", letter.body);
        assert!(note.is_news() && !ApplyNote::default().is_news());
        assert_eq!(ApplyNote { counts: Vec::new(), ..note }.letter().subject, "muster: charthop: nothing to apply");
    }
}
