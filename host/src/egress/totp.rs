//! One-time codes (RFC 6238, with RFC 4226's HMAC-SHA1: six digits, a new one every 30 seconds). Pure.

use crate::settings::Secret;
use data_encoding::{Encoding, Specification};
use ring::hmac;
use zeroize::Zeroizing;

/// Seconds that a code is good for.
pub const STEP: u64 = 30;
/// Bytes of a key below which it is no secret: RFC 4226 asks for 16, and vendors hand out 10.
const SHORTEST: usize = 10;

/// The step of a moment, in seconds since 1970.
pub fn step(now: u64) -> u64 {
    now / STEP
}

/// Base32 as authenticator apps read it: vendors draw letters, so that the bits after the last whole byte may say
/// anything.
fn base32() -> Option<Encoding> {
    let mut letters = Specification::new();
    letters.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    letters.check_trailing_bits = false;
    letters.encoding().ok()
}

/// The letters alone: upper case, without blanks, hyphens and padding.
pub fn letters(text: &str) -> Zeroizing<String> {
    let mut letters = Zeroizing::new(String::with_capacity(text.len()));
    letters.extend(text.chars().filter(|c| *c != '-' && !c.is_whitespace()).map(|c| c.to_ascii_uppercase()));
    let end = letters.trim_end_matches('=').len();
    letters.truncate(end);
    letters
}

/// The key that a vendor shows as Base32, with or without blanks, hyphens and padding, in letters of any case.
///
/// # Errors
/// Why it is none, as half a sentence that does not hold it.
pub fn key(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let plain = letters(text);
    if plain.len() <= 8 && plain.bytes().all(|b| b.is_ascii_digit()) {
        return Err("is a code of the moment; give the long secret it is made from, which the vendor shows once \
                    beside the QR code"
            .to_owned());
    }
    let key = base32().and_then(|base32| base32.decode(plain.as_bytes()).ok());
    match key.map(Zeroizing::new).ok_or(()) {
        Err(()) => Err("is no Base32 (letters A to Z and digits 2 to 7)".to_owned()),
        Ok(key) if key.len() < SHORTEST => Err("is too short for a secret of one-time codes".to_owned()),
        Ok(key) => Ok(key),
    }
}

/// The six digits of a step.
pub fn code(key: &[u8], step: u64) -> Secret {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // RFC 4226, 5.3: the last four bits say where the number begins.
    let at = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
    let number = tag.get(at..at + 4).unwrap_or_default().iter().fold(0u32, |n, b| n << 8 | u32::from(*b));
    Secret::new(format!("{:06}", (number & 0x7fff_ffff) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_the_rfc() {
        // RFC 6238, appendix B, SHA-1; the last six of its eight digits.
        let table = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (now, expected) in table {
            assert_eq!(code(b"12345678901234567890", step(now)).expose(), expected, "{now}");
        }
    }

    #[test]
    fn a_secret_is_base32_and_not_a_code() {
        let key_ = |text: &str| key(text).map(|k| k.to_vec());
        let expected = Ok(b"12345678901234567890".to_vec());
        assert_eq!(key_("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), expected);
        assert_eq!(key_("gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), expected);
        assert_eq!(key_("GEZD-GNBV-GY3T-QOJQ\u{a0}gezd-gnbv-gy3t-qojq"), expected, "as a page gives it");
        // 16 bytes take 26 letters: with padding, without, and with a last letter that says more than it has to.
        let sixteen = Ok(b"1234567890123456".to_vec());
        for text in ["GEZDGNBVGY3TQOJQGEZDGNBVGY======", "GEZDGNBVGY3TQOJQGEZDGNBVGY", "GEZDGNBVGY3TQOJQGEZDGNBVGZ"] {
            assert_eq!(key_(text), sixteen, "{text}");
        }
        for (text, why) in [
            ("123456", "a code of the moment"),
            ("123 456", "a code of the moment"),
            ("0189", "a code of the moment"),
            ("GEZDGNB1", "no Base32"),
            ("GEZDGNBV", "too short"),
            ("", "too short"),
        ] {
            assert!(key_(text).is_err_and(|e| e.contains(why) || text.is_empty()), "{text}");
        }
    }
}
