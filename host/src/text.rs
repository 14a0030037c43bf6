//! Text that came from a guest or a vendor is hostile until it is neutralised.
//!
//! Rule: what reaches a terminal or a log line holds no control character, no escape sequence, no bidi
//! override and no newline. Reason: names and messages are chosen by strangers. Attack: an agent named
//! `\x1b[2J` clears the screen, U+202E reverses what the operator reads, a newline forges a log line.
//! Deliberately absent: changing what is stored. Names are kept as the vendor gave them.

/// Whether a character may not be shown as it is.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200B}'..='\u{200F}'   // zero width, direction marks
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{202A}'..='\u{202E}' // embeddings and overrides
            | '\u{2060}'..='\u{2069}' // invisible operators and isolates
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' | '\u{061C}')
}

/// The text with every unsafe character as `\u{…}`; borrowed where nothing had to change.
pub fn neutral(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.into()
}

/// The first `max` bytes, cut at a character's border, with `…` where something was cut.
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().map(|(i, c)| i + c.len_utf8()).take_while(|end| *end <= max).last() {
        _ if text.len() <= max => text.to_owned(),
        Some(end) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => "…".to_owned(),
    }
}

/// What an error of the system means, in words for people: no error number, no jargon of ours.
pub fn io_words(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::AlreadyExists => "it exists already".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        ErrorKind::NotADirectory => "a part of the path is no directory".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => {
            let text = error.to_string();
            let plain = text.split(" (os error").next().unwrap_or_default();
            neutral(plain).into_owned()
        }
    }
}

/// An URL as it may be shown: somebody may have written a password before the host.
pub fn without_user(value: &str) -> String {
    let authority = value.split_once("://").map_or(value, |(_, rest)| rest);
    match authority.rsplit_once('@') {
        Some((user, _)) if !user.is_empty() => value.replace(user, "***"),
        _ => value.to_owned(),
    }
}

/// `1 grant`, `2 grants`.
pub fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_overrides_and_newlines_are_made_visible() {
        assert_eq!(neutral("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(neutral("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(neutral("one\ntwo"), "one two");
        assert_eq!(neutral("Zoë 中文"), "Zoë 中文");
    }

    #[test]
    fn text_is_cut_at_a_characters_border() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("éé", 3), "é…");
        assert_eq!(shorten("é", 1), "…");
    }

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let names = ["chatwoot-base-url", "chatwoot-account-id"];
        assert_eq!(nearest("chatwoot-acount-id", names), Some("chatwoot-account-id"));
        assert_eq!(nearest("zzz", names), None);
    }
}
