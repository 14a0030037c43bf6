//! Colours: on a terminal only, and not where `NO_COLOR` says otherwise.

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Something is new.
    Green,
    /// Something is other than it was.
    Yellow,
    /// Something is gone.
    Red,
    /// A heading.
    Bold,
}

/// Whether stdout is to be coloured.
pub fn on_stdout() -> bool {
    use std::io::IsTerminal;
    wanted(std::io::stdout().is_terminal(), |name| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()))
}

fn wanted(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let refused = variable("NO_COLOR").is_some_and(|v| !v.is_empty()) || variable("TERM").is_some_and(|v| v == "dumb");
    terminal && !refused
}

/// The text in a colour, where colours are on. The text is neutralised already.
pub fn paint(on: bool, paint: Paint, text: &str) -> String {
    let code = match paint {
        Paint::Green => 32,
        Paint::Yellow => 33,
        Paint::Red => 31,
        Paint::Bold => 1,
    };
    match on {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let table = [
            (true, None, Some("xterm"), true),
            (true, Some(""), Some("xterm"), true),
            (true, Some("1"), Some("xterm"), false),
            (true, None, Some("dumb"), false),
            (true, None, None, true),
            (false, None, Some("xterm"), false),
        ];
        for (terminal, no_color, term, expected) in table {
            let variable = |name: &str| if name == "NO_COLOR" { no_color } else { term }.map(str::to_owned);
            assert_eq!(wanted(terminal, variable), expected, "{terminal} {no_color:?} {term:?}");
        }
        assert_eq!(paint(false, Paint::Red, "gone"), "gone");
        assert_eq!(paint(true, Paint::Red, "gone"), "\u{1b}[31mgone\u{1b}[0m");
    }
}
