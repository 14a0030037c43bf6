//! Numbers as people write them: `15m`, `64 MiB`, `30%`. Pure.

use super::error::ConfigError;
use std::time::Duration;

/// Reads a number and its unit; none where either is not one of these.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

/// Reads `90s`, `15m`, `6h` or `2d` as seconds.
pub fn seconds(text: &str) -> Option<u64> {
    with_unit(text, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)])
}

/// Reads `64 MiB`, `64 KiB`, `1 GiB` or a number of bytes.
pub fn bytes(text: &str) -> Option<u64> {
    with_unit(text, &[("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)])
}

/// Reads `90s`, `15m`, `6h` or `2d`.
///
/// # Errors
/// It is none of these; `name` says which key.
pub fn parse_duration(name: &str, text: &str) -> Result<Duration, ConfigError> {
    seconds(text).map(Duration::from_secs).ok_or_else(|| {
        ConfigError::new(format!("{name} is {text:?}; write a number and s, m, h or d, for example \"15m\""))
    })
}

/// Reads `30%`.
///
/// # Errors
/// It is no percentage; `name` says which key.
pub fn parse_percent(name: &str, text: &str) -> Result<u8, ConfigError> {
    text.strip_suffix('%')
        .and_then(|n| n.trim().parse::<u8>().ok())
        .filter(|n| *n <= 100)
        .ok_or_else(|| ConfigError::new(format!("{name} is {text:?}; write a percentage, for example \"30%\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(bytes("64 MiB"), Some(64 << 20));
        assert_eq!(bytes("64KiB"), Some(64 << 10));
        assert_eq!(bytes("1 GiB"), Some(1 << 30));
        assert_eq!(bytes("1000"), Some(1000));
        assert_eq!(seconds("15m"), Some(900));
        for text in ["", "MiB", "-1 MiB", "1.5 MiB", "64 MB", "64 mib", "99999999999999999999", "99999999999 GiB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
        for text in ["", "15", "m", "1w", "-1m", "99999999999999999d"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
