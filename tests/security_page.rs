//! The threat model in `host/SECURITY.md`: each of its claims names a test, and each test that it names is there.

use std::collections::BTreeSet;
use std::path::Path;

/// Tests that the page names at least: with fewer it has lost claims.
const LEAST: usize = 60;

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The tests that a line names, as `path.rs::name` in backticks: file and function.
fn proofs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let code = line.split('`').skip(1).step_by(2);
    code.filter_map(|code| code.split_once("::")).filter(|(file, _)| file.ends_with(".rs"))
}

/// The line under the head of a table.
fn is_rule(line: &str) -> bool {
    line.starts_with('|') && line.chars().all(|c| "|-: ".contains(c))
}

/// Whether the file holds a test of that name that runs.
fn judge(file: &str, name: &str) -> Result<(), String> {
    let source = std::fs::read_to_string(repository().join(file)).map_err(|error| error.to_string())?;
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let is_head = |line: &str| line.strip_prefix("async ").unwrap_or(line).starts_with(&head);
    let places: Vec<usize> = (0..lines.len()).filter(|at| is_head(lines[*at])).collect();
    if places.is_empty() {
        return Err("the file has no such function".to_owned());
    }
    // What stands directly above it: attributes and comments.
    let above = |at: usize| lines[..at].iter().rev().take_while(|l| l.starts_with("#[") || l.starts_with("//"));
    let is_test = |l: &str| l == "#[test]" || l == "#[tokio::test]" || l.starts_with("#[tokio::test(");
    if !places.iter().any(|at| above(*at).any(|l| is_test(l))) {
        return Err("the function is no test".to_owned());
    }
    match places.iter().any(|at| above(*at).any(|l| l.starts_with("#[ignore"))) {
        true => Err("the test is ignored".to_owned()),
        false => Ok(()),
    }
}

#[test]
fn every_claim_names_a_test_that_is_there() {
    let page = std::fs::read_to_string(repository().join("host/SECURITY.md")).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let mut offenders = Vec::new();
    let mut named = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let found: Vec<(&str, &str)> = proofs(line).collect();
        if line.matches(".rs::").count() != found.len() {
            offenders.push(format!("line {}: a test that is not named as `path.rs::name`: {line}", at + 1));
        }
        let is_head = lines.get(at + 1).is_some_and(|next| is_rule(next));
        if line.starts_with('|') && !is_rule(line) && !is_head && found.is_empty() {
            offenders.push(format!("line {}: a row without a proof: {line}", at + 1));
        }
        named.extend(found);
    }
    for (file, name) in &named {
        if let Err(why) = judge(file, name) {
            offenders.push(format!("{file}::{name}: {why}"));
        }
    }
    if named.len() < LEAST {
        offenders.push(format!("the page names {} tests, fewer than {LEAST}", named.len()));
    }
    assert!(offenders.is_empty(), "host/SECURITY.md:\n{}", offenders.join("\n"));
}
