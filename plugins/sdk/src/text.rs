//! Text from outside, made fit for one line of a message.

/// So much of a vendor's own words goes into a message.
const EXCERPT_CHARS: usize = 200;

/// The first 200 characters on one line: runs of white space become one space, other control and
/// direction-changing characters become `·`, so that a body cannot forge a line or a terminal sequence.
pub(crate) fn excerpt(text: &str) -> String {
    let mut out = String::new();
    let mut chars = 0;
    let mut gap = false;
    for c in text.trim().chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if chars >= EXCERPT_CHARS {
            out.push('…');
            break;
        }
        if gap {
            out.push(' ');
            chars += 1;
            gap = false;
        }
        out.push(if harmless(c) { c } else { '·' });
        chars += 1;
    }
    out
}

/// Whether a character shows as itself.
fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_becomes_one_space() {
        assert_eq!(excerpt("  Retry\r\n\tlater\n"), "Retry later");
    }

    #[test]
    fn control_and_direction_characters_are_replaced() {
        assert_eq!(excerpt("a\u{1b}[31mb\u{202e}c\u{0}"), "a·[31mb·c·");
    }

    #[test]
    fn a_long_text_is_cut_at_200_characters_and_says_so() {
        let cut = excerpt(&"é".repeat(5_000));
        assert_eq!(cut.chars().count(), 201);
        assert!(cut.ends_with('…'));
        assert_eq!(excerpt(&"é".repeat(200)).chars().count(), 200, "a text that fits is whole");
    }
}
