//! The limits a connection runs under: the host's, the operator's, and of a pace the lower one. Pure.

use super::file::Connection;
use super::limit::Given;
use crate::limits::Limits;
use crate::manifest::Rate;

/// What a manifest asks for, by the limits' names: its pace is all that it can ask for.
pub fn asked(rate: Option<Rate>) -> Given {
    let Some(rate) = rate else { return Given::new() };
    let mut out = Given::new();
    if rate.requests > 0 && rate.per_seconds > 0 {
        let a_minute = u64::from(rate.requests).saturating_mul(60) / u64::from(rate.per_seconds);
        out.push(("requests-per-minute", a_minute.max(1)));
    }
    if rate.at_once > 0 {
        out.push(("exchanges-at-once", rate.at_once.into()));
    }
    out
}

/// The limits a connection runs under: the host's, what the operator set, and of a pace the lower one.
pub fn granted(host: &Limits, connection: &Connection, rate: Option<Rate>) -> Limits {
    let mut limits = host.clone();
    if let Some(max_wait) = connection.max_wait {
        limits.max_wait = max_wait;
    }
    if let Some(at_once) = connection.at_once {
        limits.instances = at_once;
        limits.exchanges = at_once;
    }
    for (name, value) in &connection.limits {
        limits.set(name, *value);
    }
    for (name, value) in asked(rate) {
        let now = Limits::spec(name).and_then(|s| (s.get)(&limits));
        limits.set(name, now.map_or(value, |now| now.min(value)));
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_pace_wins_and_the_operators_limits_hold() {
        let rate = Some(Rate { requests: 10, per_seconds: 1, at_once: 8 });
        assert_eq!(asked(rate), [("requests-per-minute", 600), ("exchanges-at-once", 8)]);
        let mut connection = Connection::new("a", "a");
        connection.limits = vec![("memory", 1 << 20), ("requests-per-minute", 60)];
        connection.at_once = Some(32);
        let limits = granted(&Limits::default(), &connection, rate);
        assert_eq!((limits.requests_per_minute, limits.exchanges, limits.instances), (Some(60), 8, 32));
        assert_eq!(limits.memory_bytes, 1 << 20);
        assert_eq!(granted(&Limits::default(), &Connection::new("a", "a"), rate).requests_per_minute, Some(600));
    }
}
