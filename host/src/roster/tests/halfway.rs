//! Whether a plan that was applied in part may go on.

use super::super::stale::{Halfway, Verdict, verdict_halfway};
use super::*;
use std::collections::HashSet;

/// What stands against going on with a plan, when source and target are these by now.
fn against(plan: &Plan, source: &[Sketch], target: &[Sketch], settled: &[usize]) -> Vec<String> {
    let rosters = rosters(source, target);
    let now = make(&rosters, &plan.options).expect("a plan").plan;
    let settled: HashSet<usize> = settled.iter().copied().collect();
    match verdict_halfway(plan, &now, &Halfway { settled: &settled, rosters: &rosters }) {
        Verdict::Holds => vec![],
        Verdict::Stale { differences, .. } => differences,
    }
}

#[test]
fn what_nobody_wants_any_more_is_not_written_unless_the_target_shows_it() {
    type Edit = fn(Sketch) -> Sketch;
    struct Row(&'static str, Edit, Edit, &'static str);
    let here = || Sketch::usual("ann").number("17").department("Ops").kind("PART");
    let boss = || Sketch::usual("boss");
    // What the source said and takes back, what the target shows when it was written, and what is told where it does not.
    let table = [
        Row("title", |s| s.title("Head"), |s| s.title("Head"), "title: Maker → Head in the plan, and now no change"),
        Row("family name", |s| s.name("ann", "Loe"), |s| s.name("ann", "Loe"), "family_name: Lee → Loe in the plan"),
        Row("address", |s| s.email("A@b.test"), |s| s.email("a@B.test"), "email: ann@acme.test → A@b.test in the plan"),
        Row("kind", |s| s.kind("FULL"), |s| s.kind("full_time"), "employment_type: part-time → full-time in the plan"),
        Row("department", |s| s.department("Sales"), |s| s.department("Sales"), "department: Ops → Sales in the plan"),
        Row("manager", |s| s.manager("boss"), |s| s.manager("boss"), "manager: (none) → boss@acme.test in the plan"),
        Row(
            "manager by address",
            |s| s.manager("boss"),
            |s| s.manager_by("Boss@acme.test"),
            "manager: (none) → boss@acme.test in the plan",
        ),
        Row(
            "departure",
            |s| s.departed().ends("2026-10-31"),
            |s| s.departed().ends("2026-10-31"),
            "departures: person:ann (ann Lee): is no longer to leave",
        ),
        Row(
            "last day",
            |s| s.ends("2027-01-31"),
            |s| s.ends("2027-01-31"),
            "departures: person:ann (ann Lee): is no longer to leave",
        ),
    ];
    for Row(what, wanted, shown, told) in table {
        let plan = plan(&[wanted(here()), boss()], &[here(), boss()]);
        let entries = plan.changes.len() + plan.moves.len() + plan.departures.len();
        assert_eq!(entries, 1, "{what}: {plan:#?}");
        // The source says nothing of it now, so that nothing is to be done whatever the target has.
        let quiet = [Sketch::new("ann").name("ann", "").number("17"), boss()];
        let found = against(&plan, &quiet, &[here(), boss()], &[]);
        assert!(found.len() == 1 && found[0].contains(told), "{what}: {found:?}");
        assert_eq!(against(&plan, &quiet, &[shown(here()), boss()], &[]), [] as [&str; 0], "{what} is shown");
        assert_eq!(against(&plan, &quiet, &[here(), boss()], &[0]), [] as [&str; 0], "{what} is settled");
        let again = against(&plan, &[wanted(here()), boss()], &[here(), boss()], &[]);
        assert_eq!(again, [] as [&str; 0], "{what} is still wanted");
    }
}

#[test]
fn a_hire_that_was_withdrawn_is_not_made() {
    let boss = || Sketch::usual("boss");
    let plan = plan(&[boss(), Sketch::usual("new")], &[boss()]);
    let told = ["hires: new@acme.test: is no longer to be hired"];
    assert_eq!(against(&plan, &[boss()], &[boss()], &[]), told);
    let there = Sketch::usual("77").email("NEW@acme.test");
    assert_eq!(against(&plan, &[boss()], &[boss(), there.clone()], &[]), [] as [&str; 0], "was hired");
    assert_eq!(against(&plan, &[boss()], &[boss(), there.departed()], &[]), told, "that was before");
    assert_eq!(against(&plan, &[boss()], &[boss()], &[0]), [] as [&str; 0], "is settled");
}

#[test]
fn places_are_counted_as_the_changes_have_them() {
    let titled = |id: &str, title: &str| Sketch::usual(id).title(title);
    let source = [
        titled("a", "x"),
        Sketch::usual("b").department("d"),
        Sketch::usual("c").departed().ends("2026-11-01"),
        Sketch::usual("n"),
    ];
    let target = [Sketch::usual("a"), Sketch::usual("b"), Sketch::usual("c")];
    let plan = plan(&source, &target);
    let places = super::super::Changes::of(&plan).subjects;
    assert_eq!(places, ["a@acme.test", "n@acme.test", "b@acme.test", "c@acme.test"]);
    let quiet: Vec<Sketch> = ["a", "b", "c"].map(Sketch::usual).into();
    let all = against(&plan, &quiet, &target, &[]);
    assert_eq!(all.len(), 4, "{all:?}");
    for (place, subject) in [(0, "person:a"), (1, "n@acme.test"), (2, "person:b"), (3, "person:c")] {
        let left = against(&plan, &quiet, &target, &[place]);
        assert!(left.len() == 3 && !left.iter().any(|line| line.contains(subject)), "{subject}: {left:?}");
    }
}
