//! The text of a value as it comes from a file or a command: bounded, UTF-8, without the line break at its end.

use crate::settings::Secret;
use crate::text::io_words;
use std::io::Read;

/// Bytes of a value.
const VALUE_BYTES: u64 = 64 * 1024;

/// What is wrong with a value that is too long.
pub(super) fn too_long() -> String {
    format!("has more than {VALUE_BYTES} bytes")
}

/// Reads a value to its end.
///
/// # Errors
/// What is wrong with it, as half a sentence. Never holds the value.
pub(super) fn read(from: impl Read) -> Result<Secret, String> {
    // Room for all of it at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(VALUE_BYTES as usize + 64));
    from.take(VALUE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {}", io_words(&e)))?;
    if bytes.len() as u64 > VALUE_BYTES {
        return Err(too_long());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.is_empty() {
        true => Err("is empty".to_owned()),
        false => Ok(Secret::new(text.to_owned())),
    }
}
