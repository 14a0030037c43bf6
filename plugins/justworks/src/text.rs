//! Small judgements of texts. Pure.

use std::fmt::Write as _;

/// So much of a vendor's own text goes into a sentence.
const SHOWN_CHARS: usize = 64;
/// So many names go into a sentence.
const SHOWN_NAMES: usize = 10;

/// A text that says something, without blanks around it.
pub(crate) fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A name as it is compared: lower case, one blank between words, without marks that nobody sees.
pub(crate) fn folded(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A name as an id: one blank between words, no control characters.
pub(crate) fn as_id(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Marks of direction and joining, which come along where a name is copied.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// The day `YYYY-MM-DD` at the beginning of a text that is nothing else, or has a time behind it.
pub(crate) fn day(text: &str) -> Option<&str> {
    let (day, rest) = text.split_at_checked(10)?;
    if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
        return None;
    }
    let mut parts = day.splitn(3, '-').map(|part| part.bytes().all(|b| b.is_ascii_digit()).then_some(part));
    let (year, month, date) = (parts.next()??, parts.next()??, parts.next()??);
    if (year.len(), month.len(), date.len()) != (4, 2, 2) {
        return None;
    }
    let (year, month, date): (u32, u32, u32) = (year.parse().ok()?, month.parse().ok()?, date.parse().ok()?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (year > 0 && (1..=last).contains(&date)).then_some(day)
}

/// A vendor's text in quotes, escaped and cut.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_debug())
}

/// The first ten of a list, and how many there are beside them.
pub(crate) fn listed<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    let mut count = 0_usize;
    for item in items {
        count += 1;
        if count <= SHOWN_NAMES {
            let _ = write!(out, "{}{item}", if count == 1 { "" } else { ", " });
        }
    }
    if count > SHOWN_NAMES {
        let _ = write!(out, " and {} more", count - SHOWN_NAMES);
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_what_is_seen_of_them() {
        for (name, expected) in [
            ("  Ada\u{a0} \tHEAD ", "ada head"),
            ("\u{202b}נועה לוי\u{200f}", "נועה לוי"),
            ("ÅSA Öberg", "åsa öberg"),
            ("", ""),
        ] {
            assert_eq!(folded(name), expected);
        }
    }

    #[test]
    fn a_name_as_an_id_has_no_control_characters() {
        assert_eq!(as_id(" Research\r\n &\u{0}Design\u{85} "), "Research & Design");
        assert_eq!(as_id("\u{1b}[31m"), "[31m");
        assert_eq!(as_id(" \t"), "");
    }

    #[test]
    fn a_day_exists() {
        for (text, expected) in [
            ("2024-02-29", Some("2024-02-29")),
            ("2000-02-29", Some("2000-02-29")),
            ("2024-12-31T23:59:59Z", Some("2024-12-31")),
            ("2024-12-31 00:00", Some("2024-12-31")),
            ("2023-02-29", None),
            ("1900-02-29", None),
            ("2024-04-31", None),
            ("2024-13-01", None),
            ("2024-00-01", None),
            ("2024-01-00", None),
            ("0000-01-01", None),
            ("2024-1-01", None),
            ("2024-1-001", None),
            ("24-01-2024", None),
            ("01/31/2024", None),
            ("2024-01-311", None),
            ("+024-01-31", None),
            ("２０２４-01-31", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
    }

    #[test]
    fn a_vendors_text_is_escaped_and_cut() {
        assert_eq!(quoted("a\"b\n\u{202e}c"), r#""a\"b\n\u{202e}c""#);
        assert_eq!(quoted(&"é".repeat(100)), format!("\"{}…\"", "é".repeat(64)));
    }

    #[test]
    fn a_long_list_says_how_long_it_is() {
        assert_eq!(listed(1..=3), "1, 2, 3");
        assert_eq!(listed(1..=10), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10");
        assert_eq!(listed(1..=250), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 240 more");
        assert_eq!(listed(Vec::<u8>::new()), "");
    }
}
