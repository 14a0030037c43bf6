//! Whether and when an exchange is tried again (rule R4). Pure.
//!
//! Rule: at most 5 tries and 20 s of waiting an exchange (connection refused: 3 tries, 5 s), GET and HEAD
//! only, before a byte reached the guest. Reason: a vendor's hiccup is no failure, and a vendor in trouble
//! needs no flood. What a vendor asks beyond that goes to the guest, which answers `rate-limited`.

use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;

/// Tries of an exchange in all.
const TRIES: u32 = 5;
/// Waiting of an exchange in all.
const WAIT: Duration = Duration::from_secs(20);
/// The same where nobody listens.
const REFUSED_TRIES: u32 = 3;
const REFUSED_WAIT: Duration = Duration::from_secs(5);
/// The first backoff; doubled each time.
const FIRST: Duration = Duration::from_millis(250);

/// What came of a try that may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hiccup {
    /// 429, 502, 503 or 504, with the vendor's own wish, if any.
    Status(Option<Duration>),
    /// The connection was refused.
    Refused,
    /// The connection broke before an answer.
    Broken,
}

/// The wait before try `tried + 1`, or `None` to give up. `tried` counts from 1, `waited` is the sum so far,
/// `jitter` lies in 0.0..1.0.
pub fn wait(hiccup: Hiccup, method: &Method, tried: u32, waited: Duration, jitter: f64) -> Option<Duration> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let (tries, bound) = match hiccup {
        Hiccup::Refused => (REFUSED_TRIES, REFUSED_WAIT),
        Hiccup::Status(_) | Hiccup::Broken => (TRIES, WAIT),
    };
    if tried >= tries {
        return None;
    }
    let backoff = FIRST.saturating_mul(1 << tried.saturating_sub(1).min(16)).mul_f64(0.75 + jitter / 2.0);
    let wait = match hiccup {
        Hiccup::Status(Some(wish)) => wish.max(Duration::from_millis(10)),
        _ => backoff,
    };
    (waited.saturating_add(wait) <= bound).then_some(wait)
}

/// The hiccup a status stands for, if it is one. `now` is seconds since 1970.
pub fn hiccup(status: StatusCode, headers: &HeaderMap, now: i64) -> Option<Hiccup> {
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Some(Hiccup::Status(retry_after(headers, now))),
        _ => None,
    }
}

/// `Retry-After` in both its forms (RFC 9110, 10.2.3): seconds, or a date.
pub fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::from_secs(u64::try_from(date.as_second() - now).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn waits_grow_and_end() {
        let table = [
            (Hiccup::Broken, 1, MS(0), Some(MS(250))),
            (Hiccup::Broken, 2, MS(250), Some(MS(500))),
            (Hiccup::Broken, 4, MS(1750), Some(MS(2000))),
            (Hiccup::Broken, 5, MS(3750), None),
            (Hiccup::Refused, 2, MS(250), Some(MS(500))),
            (Hiccup::Refused, 3, MS(750), None),
            (Hiccup::Status(None), 1, MS(0), Some(MS(250))),
            (Hiccup::Status(Some(MS(7000))), 1, MS(0), Some(MS(7000))),
            (Hiccup::Status(Some(MS(7000))), 3, MS(14000), None),
            (Hiccup::Status(Some(MS(31_536_000_000))), 1, MS(0), None),
        ];
        for (hiccup, tried, waited, expected) in table {
            assert_eq!(wait(hiccup, &Method::GET, tried, waited, 0.5), expected, "{hiccup:?} {tried}");
        }
    }

    #[test]
    fn only_reading_is_repeated() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(wait(Hiccup::Broken, &method, 1, MS(0), 0.5), None, "{method}");
        }
    }

    #[test]
    fn a_wish_comes_as_seconds_or_as_a_date() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", http::HeaderValue::from_static(text));
            retry_after(&headers, 784_111_777)
        };
        assert_eq!(read("120"), Some(MS(120_000)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT"), Some(MS(30_000)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(MS(0)));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn only_four_statuses_are_hiccups() {
        let headers = HeaderMap::new();
        let hit: Vec<u16> =
            (100..600).filter(|c| StatusCode::from_u16(*c).is_ok_and(|s| hiccup(s, &headers, 0).is_some())).collect();
        assert_eq!(hit, [429, 502, 503, 504]);
    }
}
