//! Texts as other programs write and read them, written anew here: what a property compares the host with.

/// The percent sequences undone, once; what is none is kept.
pub(crate) fn unpercent(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Percent-encoding: what `kept` holds stays, beside letters and digits.
pub(crate) fn percent(text: &str, kept: &str, upper: bool, space: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match char::from(byte) {
            ' ' => out.push_str(space),
            c if c.is_ascii_alphanumeric() || kept.contains(c) => out.push(c),
            _ if upper => out.push_str(&format!("%{byte:02X}")),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

/// The inside of a JSON text: `html` escapes `&<>`, `slash` the slash, `ascii` what is beyond ASCII; in capitals, or not.
pub(crate) fn json(text: &str, html: Option<bool>, slash: bool, ascii: Option<bool>) -> String {
    let unit = |unit: u16, upper: bool| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    let mut out = String::new();
    for c in text.chars() {
        match (c, html, ascii) {
            ('"' | '\\', ..) => out.extend(['\\', c]),
            ('\n', ..) => out.push_str("\\n"),
            ('\r', ..) => out.push_str("\\r"),
            ('\t', ..) => out.push_str("\\t"),
            ('\u{8}', ..) => out.push_str("\\b"),
            ('\u{c}', ..) => out.push_str("\\f"),
            ('/', ..) if slash => out.push_str("\\/"),
            ('&' | '<' | '>', Some(upper), _) => out.push_str(&unit(c as u16, upper)),
            (c, ..) if c < ' ' => out.push_str(&unit(c as u16, false)),
            (c, _, Some(upper)) if !c.is_ascii() => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|u| out.push_str(&unit(*u, upper)));
            }
            (c, ..) => out.push(c),
        }
    }
    out
}

/// A text inside HTML.
pub(crate) fn html(text: &str, apostrophe: &str, quote: &str, plus: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str(quote),
            '\'' => out.push_str(apostrophe),
            '+' => out.push_str(plus),
            c => out.push(c),
        }
    }
    out
}

/// The characters of Base64 that do not depend on what stands around: those that are the same among zeros and ones.
pub(crate) fn base64(secret: &[u8], before: usize, url: bool) -> String {
    let among = |byte: u8| {
        let text = [&vec![byte; before], secret, &[byte; 3]].concat();
        if url { data_encoding::BASE64URL.encode(&text) } else { data_encoding::BASE64.encode(&text) }
    };
    among(0x00).chars().zip(among(0xff).chars()).filter(|(a, b)| a == b && *a != '=').map(|(a, _)| a).collect()
}
