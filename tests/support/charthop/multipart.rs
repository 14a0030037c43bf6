//! A form with a file in it, taken apart.

use crate::server::Request;

/// The content of the part called `file`.
pub(super) fn file(request: &Request) -> Result<Vec<u8>, String> {
    let content_type = request.header("content-type").unwrap_or_default();
    let boundary = content_type
        .strip_prefix("multipart/form-data")
        .and_then(|rest| rest.split(';').find_map(|part| part.trim().strip_prefix("boundary=")))
        .map(|boundary| boundary.trim_matches('"'))
        .filter(|boundary| !boundary.is_empty())
        .ok_or("not multipart/form-data with a boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has nothing before it.
    let mut rest = request.body.strip_prefix(&delimiter.as_bytes()[2..]).ok_or("the form does not begin")?;
    loop {
        if rest.starts_with(b"--") {
            return Err("the form has no part called file".to_owned());
        }
        let part = rest.strip_prefix(b"\r\n").ok_or("a delimiter that does not end its line")?;
        let head_end = find(part, b"\r\n\r\n").ok_or("a part without an end of its head")?;
        let (head, body) = (&part[..head_end], &part[head_end + 4..]);
        let body_end = find(body, delimiter.as_bytes()).ok_or("a part without an end")?;
        let head = String::from_utf8_lossy(head).to_lowercase();
        if head.contains("name=\"file\"") {
            let named = head.contains("filename=\"");
            return if named { Ok(body[..body_end].to_vec()) } else { Err("the file has no name".to_owned()) };
        }
        rest = &body[body_end + delimiter.len()..];
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}
