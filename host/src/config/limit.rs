//! `[connection.limits]`: limits by the names that `inspect` lists, in their units. Pure.

use super::error::ConfigError;
use super::quantity;
use crate::limits::{Limits, SPECS, Spec, Unit};
use crate::text;
use std::ops::Range;
use toml::{Spanned, Value};

/// What the operator wrote: the limit's name and its value in its unit.
pub type Given = Vec<(&'static str, u64)>;

/// Reads the table. `place` turns a span into `:3:1`.
///
/// # Errors
/// A limit nobody knows or that is the whole host's, or a value that is none.
pub fn read(
    table: impl IntoIterator<Item = (Spanned<String>, Spanned<Value>)>,
    place: impl Fn(Range<usize>) -> String,
) -> Result<Given, ConfigError> {
    let mut given = Vec::new();
    for (name, value) in table {
        let at = place(name.span());
        let spec = spec(name.get_ref()).map_err(|e| ConfigError { message: format!("{at}: {}", e.message), ..e })?;
        let at = place(value.span());
        let value = judge(spec, value.get_ref()).map_err(|why| ConfigError::new(format!("{at}: {why}")))?;
        given.push((spec.name, value));
    }
    Ok(given)
}

fn spec(name: &str) -> Result<&'static Spec, ConfigError> {
    match Limits::spec(name) {
        Some(spec) if spec.set.is_some() => Ok(spec),
        Some(_) if matches!(name, "at-once" | "max-wait") => {
            Err(ConfigError::new(format!("{name} belongs under [connection.run]")))
        }
        Some(_) => Err(ConfigError::new(format!("{name} is a limit of the whole host; a connection cannot set it"))),
        None => {
            let known = SPECS.iter().filter(|s| s.set.is_some()).map(|s| s.name);
            let error = ConfigError::new(format!("unknown key `{}`", text::neutral(name)));
            Err(match text::nearest(name, known) {
                Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
                None => error.with_help("`muster inspect CONNECTOR` lists the limits"),
            })
        }
    }
}

/// The value in the limit's unit, or why it is none.
fn judge(spec: &Spec, value: &Value) -> Result<u64, String> {
    let (name, ceiling) = (spec.name, spec.set.map_or(0, |(ceiling, _)| ceiling));
    let (parsed, form) = match spec.unit {
        Unit::Bytes => (value.as_str().and_then(quantity::bytes), "a size, for example \"64 MiB\""),
        Unit::Seconds => (value.as_str().and_then(quantity::seconds), "a time, for example \"5m\""),
        Unit::Count(_) => (None, "a number, for example 100"),
    };
    // A number alone is bytes or a count; of seconds nobody would know whether it is milliseconds.
    let number = value.as_integer().filter(|_| spec.unit != Unit::Seconds);
    let wanted = parsed.or_else(|| number.and_then(|n| u64::try_from(n).ok()));
    match wanted {
        Some(wanted) if (1..=ceiling).contains(&wanted) => Ok(wanted),
        None if number.is_none() => Err(format!("{name} is {}; write {form}", shown(value))),
        _ => Err(format!(
            "{name} is {}; it has to lie between {} and {}",
            shown(value),
            bound(spec.unit, 1),
            bound(spec.unit, ceiling)
        )),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text::shorten(text, 64)),
        Value::Integer(number) => number.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

fn bound(unit: Unit, value: u64) -> String {
    match unit {
        Unit::Count(_) => value.to_string(),
        Unit::Bytes | Unit::Seconds => unit.show(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: Value) -> Result<u64, String> {
        judge(spec(name).map_err(|e| e.message)?, &value)
    }

    #[test]
    fn each_unit_has_its_own_writing() {
        let text = |t: &str| Value::String(t.to_owned());
        assert_eq!(one("memory", text("64 MiB")), Ok(64 << 20));
        assert_eq!(one("memory", Value::Integer(65536)), Ok(65536));
        assert_eq!(one("call-time", text("2s")), Ok(2));
        assert_eq!(one("records", Value::Integer(5)), Ok(5));
        let table = [
            ("memory", text("much"), "memory is \"much\"; write a size"),
            ("memory", text("8 GiB"), "between 1 byte and 4 GiB"),
            ("call-time", Value::Integer(5), "call-time is 5; write a time"),
            ("call-time", text("48h"), "between 1s and 24h"),
            ("records", text("5"), "records is \"5\"; write a number"),
            ("records", Value::Integer(0), "records is 0; it has to lie between 1 and"),
            ("records", Value::Boolean(true), "records is a boolean"),
            ("compile-time", text("1s"), "a limit of the whole host"),
            ("at-once", Value::Integer(1), "belongs under [connection.run]"),
            ("memmory", Value::Integer(1), "unknown key `memmory`"),
        ];
        for (name, value, expected) in table {
            let error = one(name, value).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
