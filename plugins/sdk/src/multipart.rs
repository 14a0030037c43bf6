//! A file as `multipart/form-data` (RFC 7578): one part, which is all that uploads of vendors ask for. Pure.

/// The parts of a body with one file.
pub(crate) struct Upload<'a> {
    /// Name of the form's field.
    pub(crate) field: &'a str,
    /// The file's name, without quotes or line breaks.
    pub(crate) name: &'a str,
    /// Its media type.
    pub(crate) media_type: &'a str,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
}

/// The content type with its boundary, and the body.
pub(crate) fn form(upload: &Upload<'_>) -> (String, Vec<u8>) {
    let boundary = boundary(upload.bytes);
    let plain = |text: &str| text.replace(['"', '\r', '\n'], "_");
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        plain(upload.field),
        plain(upload.name),
        upload.media_type
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = Vec::with_capacity(head.len() + upload.bytes.len() + tail.len());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(upload.bytes);
    body.extend_from_slice(tail.as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// A text that the file does not hold. The same file gives the same body, so that a taped request can be found again.
fn boundary(bytes: &[u8]) -> String {
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let numbered = (0u32..).map(|number| format!("muster-{number:08x}"));
    // A file of n bytes holds at most n of them.
    numbered.into_iter().find(|text| !holds(text)).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_one_part_whose_boundary_it_does_not_hold() {
        let upload = |bytes| Upload { field: "file", name: "a\"\r\nb.csv", media_type: "text/csv", bytes };
        let (kind, body) = form(&upload(b"x,y\r\n--muster-00000000--\r\n"));
        assert_eq!(kind, "multipart/form-data; boundary=muster-00000001");
        let wanted = "--muster-00000001\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a___b.csv\"\r\n\
                      Content-Type: text/csv\r\n\r\nx,y\r\n--muster-00000000--\r\n\r\n--muster-00000001--\r\n";
        assert_eq!(String::from_utf8(body).unwrap(), wanted);
    }
}
