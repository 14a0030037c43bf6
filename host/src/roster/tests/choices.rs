//! What each option does.

use super::super::make::make;
use super::super::options::{ChangeKind, Contractors, MissingLocation, Options, PersonFields};
use super::super::sketch::Sketch;
use super::super::{Field, NoPlan};
use super::{hired, lines, made, plan, rosters, skipped};

#[test]
fn exclude() {
    let source = [
        Sketch::usual("ann"),
        Sketch::usual("bo").number("17"),
        Sketch::usual("cy"),
        Sketch::usual("di"),
        Sketch::usual("e1").email("e@acme.test"),
        Sketch::usual("e2").email("e@acme.test"),
    ];
    let exclude = ["ann", "17", " CY@acme.test", "member:di", "e1", "nobody", "018"].map(str::to_owned).to_vec();
    let made = made(&source, &[], &Options { exclude, ..Options::default() });
    assert_eq!(hired(&made.plan), ["e@acme.test"], "and who is excluded makes nobody else unclear");
    assert!(made.plan.skipped.iter().all(|s| s.reason == "is excluded (--exclude)"), "{:?}", made.plan.skipped);
    assert_eq!(made.plan.skipped.len(), 5);
    assert_eq!(made.warnings, ["--exclude 018 is nobody of hr", "--exclude nobody is nobody of hr"]);
}

#[test]
fn contractors() {
    let source = [
        Sketch::usual("ann").kind("contractor_business"),
        Sketch::usual("bo").kind("CONTRACT").title("new"),
        Sketch::usual("cy").kind("contractor").departed().ends("2025-01-01"),
    ];
    let target = [Sketch::usual("bo")];
    let without = plan(&source, &target);
    assert!(without.is_empty());
    assert_eq!(without.skipped.len(), 2, "who has left and is in no target concerns nobody");
    // Whoever is an employee by now is told as that one alone.
    let became = [Sketch::usual("old").email("di@acme.test").kind("contractor").departed(), Sketch::usual("di")];
    assert_eq!(plan(&became, &[Sketch::usual("di")]).skipped, []);
    assert_eq!(plan(&became[..1], &[Sketch::usual("di")]).skipped.len(), 1, "in the target, and nobody else's place");
    let with = made(&source, &target, &Options { contractors: Contractors::Include, ..Options::default() }).plan;
    assert_eq!((hired(&with), with.changes.len(), with.skipped.len()), (vec!["ann@acme.test"], 1, 0));
    assert_eq!(lines(&with.changes), ["person:bo title: Maker → new, employment_type: - → contractor"]);
}

#[test]
fn kinds() {
    let source = [
        Sketch::usual("boss"),
        Sketch::usual("ann")
            .name("Ann", "Leigh")
            .title("T")
            .department("D")
            .location("L")
            .kind("FULL")
            .manager("boss")
            .starts("2020-01-01"),
        Sketch::usual("bo"),
        Sketch::usual("cy").ends("2026-01-01").departed(),
        Sketch::usual("di").manager("bo"),
    ];
    let target =
        [Sketch::usual("boss"), Sketch::usual("ann").name("Ann", "Lee"), Sketch::usual("cy"), Sketch::usual("di")];
    let table: [(ChangeKind, &[&str]); 9] = [
        (ChangeKind::Hires, &["hire bo@acme.test"]),
        (ChangeKind::Departures, &["departure person:cy"]),
        (ChangeKind::Titles, &["person:ann title: Maker → T"]),
        (ChangeKind::Managers, &["person:ann manager: - → boss@acme.test"]),
        (ChangeKind::Departments, &["person:ann department: - → D"]),
        (ChangeKind::Locations, &["person:ann location: - → L"]),
        (ChangeKind::Employment, &["person:ann employment_type: - → full-time"]),
        (ChangeKind::Person, &["person:ann family_name: Lee → Leigh"]),
        (ChangeKind::Dates, &["person:ann start_date: 2001-01-01 → 2020-01-01"]),
    ];
    for (kind, expected) in table {
        let plan = made(&source, &target, &Options { kinds: vec![kind], ..Options::default() }).plan;
        let mut found: Vec<String> = plan.hires.iter().map(|h| format!("hire {}", h.email)).collect();
        found.extend(lines(&plan.changes));
        found.extend(lines(&plan.moves));
        found.extend(plan.departures.iter().map(|d| format!("departure {}", d.id)));
        assert_eq!(found, expected, "{kind:?}");
        let manager = "the manager is not compared: bo Lee (member:bo) is not hired";
        let expected = if kind == ChangeKind::Managers { vec![manager] } else { vec![] };
        assert_eq!(plan.skipped.iter().map(|s| s.reason.as_str()).collect::<Vec<_>>(), expected, "{kind:?}");
    }
}

#[test]
fn person_fields_are_overwritten_or_filled() {
    let source = [Sketch::usual("ann").name("Ann", "Leigh").number("17").title("T")];
    let target = [Sketch::usual("ann").name("Ann", "Lee").title("S")];
    let overwritten = plan(&source, &target);
    assert_eq!(lines(&overwritten.changes), ["person:ann family_name: Lee → Leigh, employee_id: - → 17, title: S → T"]);
    let filled = made(&source, &target, &Options { person_fields: PersonFields::Fill, ..Options::default() }).plan;
    assert_eq!(lines(&filled.changes), ["person:ann employee_id: - → 17, title: S → T"], "others are no person fields");
}

#[test]
fn a_missing_location_is_blank_or_remote() {
    let source = [Sketch::usual("ann"), Sketch::usual("bo"), Sketch::usual("cy").location("Bonn"), Sketch::usual("di")];
    let target = [Sketch::usual("ann").location("Boston"), Sketch::usual("bo"), Sketch::usual("cy").location("Bonn")];
    let blank = plan(&source, &target);
    assert_eq!((blank.moves.len(), blank.hires[0].fields.get(&Field::Location)), (0, None));
    let options = Options { missing_location: MissingLocation::Remote, ..Options::default() };
    let odd =
        made(&[Sketch::usual("ann").location("a\u{7}b")], &[Sketch::usual("ann").location("Bonn")], &options).plan;
    assert!(odd.is_empty(), "what cannot be written is not nothing: {odd:?}");
    let remote = made(&source, &target, &options).plan;
    assert_eq!(lines(&remote.moves), ["person:bo location: - → Remote", "person:ann location: Boston → Remote"]);
    assert_eq!(remote.hires[0].fields.get(&Field::Location).map(String::as_str), Some("Remote"));
}

#[test]
fn history_ends_where_it_is_told_to() {
    let source = [
        Sketch::usual("ann").starts("2026-10-23"),
        Sketch::usual("bo").starts("2026-10-22"),
        Sketch::usual("cy").departed().ends("2026-10-23"),
        Sketch::usual("di").departed().ends("2026-10-22"),
        Sketch::usual("eve").starts("2026-11-22"),
        Sketch::usual("fay").starts("2027-10-22"),
        Sketch::usual("gus").starts("2026-11-22").manager("bo"),
    ];
    let target = [Sketch::usual("cy"), Sketch::usual("di")];
    assert_eq!(plan(&source, &target).hires.len(), 5, "without a limit");
    let plan = made(&source, &target, &Options { history_days: Some(30), ..Options::default() }).plan;
    assert_eq!(hired(&plan), ["ann@acme.test", "eve@acme.test", "fay@acme.test"]);
    assert_eq!(plan.departures.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["person:cy"]);
    assert_eq!(
        skipped(&plan),
        [
            "bo Lee (member:bo): started more than 30 days ago (--history-days)",
            "di Lee (member:di): left more than 30 days ago (--history-days)",
            "gus Lee (member:gus): the manager cannot be set: bo Lee (member:bo) is not hired"
        ]
    );
}

#[test]
fn the_org_head_needs_no_manager_and_never_gets_one() {
    let source = [
        Sketch::usual("meg").name("Margaret", "Field").shown_as("Meg Field").manager("ann"),
        Sketch::usual("ann").manager("meg"),
        Sketch::usual("bo"),
    ];
    let named = |name: &str| Options { org_head: Some(name.to_owned()), ..Options::default() };
    for name in ["Meg Field", " meg   FIELD ", "margaret field"] {
        let plan = made(&source, &[], &named(name)).plan;
        assert_eq!(hired(&plan), ["meg@acme.test", "ann@acme.test"], "{name}");
        assert_eq!(plan.hires[0].fields.get(&Field::Manager), None);
        let reason = format!("has no manager, and is not the org head {}", name.trim());
        assert_eq!(skipped(&plan), [format!("bo Lee (member:bo): {reason}")]);
    }
    let known =
        made(&source, &[Sketch::usual("meg").name("Margaret", "Field"), Sketch::usual("ann")], &named("Meg Field"))
            .plan;
    assert_eq!(lines(&known.moves), ["person:ann manager: - → meg@acme.test"]);
    let nobody = make(&rosters(&source, &[]), &named("Meg")).expect_err("nobody");
    assert_eq!(
        nobody.to_string(),
        "the org head Meg is nobody of hr: it has to be a first and a last name, or the whole name"
    );
    let twice = [
        source[0].clone(),
        Sketch::usual("m2").name("Meg", "Field"),
        Sketch::usual("m3").name("Meg", "Field").departed(),
    ];
    let several = make(&rosters(&twice, &[]), &named("Meg Field"));
    let who = "Meg Field (member:m2), Meg Field (member:meg)".to_owned();
    assert!(matches!(several, Err(NoPlan::SeveralHeads { who: found, .. }) if found == who));
}
