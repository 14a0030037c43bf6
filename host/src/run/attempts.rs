//! What a run came to over all its attempts: the report of an attempt, with what the ones before it reported added. Pure.
//!
//! An attempt that was killed reported nothing: what it asked of the vendor is not in the sum.

use serde_json::{Map, Value};

/// Numbers of a report that add up.
const SUMS: [&str; 8] = [
    "requests",
    "retries",
    "denied",
    "masked",
    "received_bytes",
    "emitted_records",
    "emitted_bytes",
    "log_lines_dropped",
];
/// Objects of a report whose numbers add up.
const SUMS_OF: [&str; 2] = ["denials", "times"];
/// Where the tasks that took longest are.
const SLOWEST: &str = "slowest";

/// The report with what earlier attempts reported.
pub fn added_up(mut report: Value, earlier: &Value, kept: usize) -> Value {
    let Some(now) = report.as_object_mut() else { return report };
    for key in SUMS {
        add(now, key, earlier.get(key));
    }
    for key in SUMS_OF {
        let (Some(Value::Object(now)), Some(Value::Object(before))) = (now.get_mut(key), earlier.get(key)) else {
            continue;
        };
        before.iter().for_each(|(name, number)| add(now, name, Some(number)));
    }
    if let (Some(Value::Array(now)), Some(Value::Array(before))) = (now.get_mut(SLOWEST), earlier.get(SLOWEST)) {
        now.extend(before.iter().cloned());
        now.sort_by_key(|task| std::cmp::Reverse(task.get("ms").and_then(Value::as_u64)));
        now.truncate(kept);
    }
    report
}

fn add(to: &mut Map<String, Value>, key: &str, more: Option<&Value>) {
    if let Some(more) = more.and_then(Value::as_u64) {
        let now = to.get(key).and_then(Value::as_u64).unwrap_or(0);
        to.insert(key.to_owned(), now.saturating_add(more).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_add_up_and_the_slowest_of_all_stay() {
        let first = json!({
            "requests": 7, "tasks": 3, "denials": {"origin": 1}, "times": {"vendor_ms": 5, "guest_ms": 1},
            "slowest": [{"task": "a", "ms": 9}, {"task": "b", "ms": 2}],
        });
        let then = json!({
            "requests": 2, "tasks": 5, "denials": {"route": 2}, "times": {"vendor_ms": 1, "guest_ms": 1},
            "slowest": [{"task": "c", "ms": 4}],
        });
        let sum = json!({
            "requests": 9, "tasks": 5, "denials": {"origin": 1, "route": 2}, "times": {"vendor_ms": 6, "guest_ms": 2},
            "slowest": [{"task": "a", "ms": 9}, {"task": "c", "ms": 4}],
        });
        assert_eq!(added_up(then.clone(), &first, 2), sum);
        assert_eq!(added_up(then.clone(), &Value::Null, 2), then, "the first attempt, or one that was killed");
    }
}
