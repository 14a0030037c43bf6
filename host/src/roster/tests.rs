//! What is planned for whom, as tables.

mod choices;
mod halfway;

use super::Field;
use super::make::{Made, Rosters, make};
use super::options::{ChangeKind, Departures, Options, PersonFields};
use super::plan::{Change, Plan, Snapshot};
use super::sketch::{Sketch, people};
use super::texts::Texts;

const TODAY: &str = "2026-11-22";

fn rosters(source: &[Sketch], target: &[Sketch]) -> Rosters {
    let mut texts = Texts::default();
    let (source, target) = (people(&mut texts, "member", source), people(&mut texts, "person", target));
    let snapshot = |connection: &str, run| Snapshot { connection: connection.to_owned(), run };
    Rosters { texts, source, target, from: snapshot("hr", 3), to: snapshot("chart", 5), today: TODAY.to_owned() }
}

fn made(source: &[Sketch], target: &[Sketch], options: &Options) -> Made {
    make(&rosters(source, target), options).expect("a plan")
}

fn plan(source: &[Sketch], target: &[Sketch]) -> Plan {
    made(source, target, &Options::default()).plan
}

/// `field: old → new` of every change and move, after the id.
fn lines(changes: &[Change]) -> Vec<String> {
    let line = |c: &Change| {
        let of = |f: &super::FieldChange| format!("{}: {} → {}", f.field, f.old.as_deref().unwrap_or("-"), f.new);
        format!("{} {}", c.id, c.fields.iter().map(of).collect::<Vec<_>>().join(", "))
    };
    changes.iter().map(line).collect()
}

fn hired(plan: &Plan) -> Vec<&str> {
    plan.hires.iter().map(|hire| hire.email.as_str()).collect()
}

fn skipped(plan: &Plan) -> Vec<String> {
    plan.skipped.iter().map(|s| format!("{}: {}", s.who, s.reason)).collect()
}

#[test]
fn a_hire_has_what_is_known_under_the_contracts_names() {
    let source = [
        Sketch::usual("boss").title("CEO"),
        Sketch::usual("ann")
            .name("Ann", "Lee")
            .shown_as("Annie Lee")
            .number("0017")
            .title(" Engineer ")
            .department("R&D")
            .location("Boston")
            .kind("FULL")
            .manager("boss")
            .starts("2026-12-01"),
        Sketch::usual("cy").starts("2001-02-03").kind("employee"),
    ];
    let plan = plan(&source, &[]);
    let text = serde_json::to_string(&plan.hires).expect("JSON");
    let cy = r#"{"email":"cy@acme.test","name":"cy Lee","fields":{"given_name":"cy","family_name":"Lee","email":"cy@acme.test","title":"Maker","start_date":"2001-02-03"}}"#;
    let boss = r#"{"email":"boss@acme.test","name":"boss Lee","fields":{"given_name":"boss","family_name":"Lee","email":"boss@acme.test","title":"CEO","start_date":"2001-01-01"}}"#;
    let ann = r#"{"email":"ann@acme.test","name":"Annie Lee","fields":{"given_name":"Ann","family_name":"Lee","email":"ann@acme.test","employee_id":"0017","title":"Engineer","department":"R&D","location":"Boston","employment_type":"full-time","manager":"boss@acme.test","start_date":"2026-12-01"}}"#;
    assert_eq!(text, format!("[{boss},{cy},{ann}]"));
    assert!(plan.skipped.is_empty());
}

#[test]
fn changes_and_moves_are_told_field_by_field() {
    let source = [
        Sketch::usual("boss"),
        Sketch::usual("ann")
            .name("Ann", "Leigh")
            .number("17")
            .title("Engineer")
            .department("R&D")
            .location("Boston")
            .kind("PART")
            .manager("boss")
            .starts("2020-01-01"),
    ];
    let target = [
        Sketch::usual("boss"),
        Sketch::usual("ann").name("Ann", "Lee").title("Maker").location("Bonn").kind("FULL").starts("2020-01-02"),
    ];
    let plan = plan(&source, &target);
    assert_eq!(
        lines(&plan.changes),
        ["person:ann family_name: Lee → Leigh, employee_id: - → 17, title: Maker → Engineer, \
          employment_type: full-time → part-time, start_date: 2020-01-02 → 2020-01-01"]
    );
    assert_eq!(
        lines(&plan.moves),
        ["person:ann department: - → R&D, location: Bonn → Boston, manager: - → boss@acme.test"]
    );
    assert_eq!((plan.changes[0].email.as_deref(), plan.changes[0].name.as_str()), (Some("ann@acme.test"), "Ann Lee"));
    assert!(plan.hires.is_empty() && plan.departures.is_empty() && plan.skipped.is_empty());
}

#[test]
fn what_the_source_does_not_say_or_cannot_be_compared_changes_nothing() {
    let full =
        Sketch::usual("ann").number("1").title("T").department("D").location("L").kind("FULL").starts("2020-01-01");
    let table: [(&str, Sketch, Sketch); 9] = [
        ("nothing but the address", Sketch::new("ann").email("ann@acme.test"), full.clone()),
        ("blanks", full.clone().title("  ").department(" "), full.clone()),
        ("blanks at the ends", full.clone().title(" T "), full.clone()),
        ("the address in another case", full.clone().email("ANN@Acme.test"), full.clone()),
        ("another word for the same", full.clone().kind("full_time"), full.clone()),
        ("an unknown word of the source", full.clone().kind("employee"), full.clone()),
        ("an unknown word of the target", full.clone(), full.clone().kind("SEASON")),
        ("a control character", full.clone().title("a\u{7}b"), full.clone()),
        ("no manager", full.clone(), full.clone().manager("ann")),
    ];
    for (what, source, target) in table {
        let plan = plan(&[source], &[target]);
        assert!(plan.is_empty() && plan.skipped.is_empty(), "{what}: {plan:?}");
    }
}

#[test]
fn people_of_the_target_alone_are_never_touched_nor_spoken_of() {
    let target =
        [Sketch::usual("ann"), Sketch::usual("zoe").title("x").departed(), Sketch::usual("yan").manager("zoe")];
    let plan = plan(&[Sketch::usual("ann")], &target);
    assert!(plan.is_empty() && plan.skipped.is_empty());
}

#[test]
fn a_changed_address_is_a_change_where_the_employee_id_says_who_it_is() {
    let source = [Sketch::usual("ann").email("lee@acme.test").number("17"), Sketch::usual("bo").manager("ann")];
    let target = [Sketch::usual("ann").number("17"), Sketch::usual("bo")];
    let both = plan(&source, &target);
    assert_eq!(lines(&both.changes), ["person:ann email: ann@acme.test → lee@acme.test"]);
    assert_eq!(lines(&both.moves), ["person:bo manager: - → lee@acme.test"], "as it is once the plan is carried out");
    for options in [
        Options { kinds: vec![ChangeKind::Managers], ..Options::default() },
        Options { person_fields: PersonFields::Fill, ..Options::default() },
    ] {
        let plan = made(&source, &target, &options).plan;
        assert!(plan.changes.is_empty(), "{options:?}");
        assert_eq!(lines(&plan.moves), ["person:bo manager: - → ann@acme.test"], "the address stays");
    }
}

#[test]
fn managers_are_compared_as_people() {
    let source = [Sketch::usual("boss").number("1").email("new@acme.test"), Sketch::usual("ann").manager("boss")];
    let target = [Sketch::usual("boss").number("1"), Sketch::usual("ann").manager("boss"), Sketch::usual("zoe")];
    assert!(plan(&source, &target).moves.is_empty(), "the same person under another address");
    let other = [target[0].clone(), Sketch::usual("ann").manager("zoe"), target[2].clone()];
    assert_eq!(lines(&plan(&source, &other).moves), ["person:ann manager: zoe@acme.test → new@acme.test"]);
    let nameless = [target[0].clone(), Sketch::usual("ann").manager("zoe"), Sketch::new("zoe")];
    assert_eq!(lines(&plan(&source, &nameless).moves), ["person:ann manager: person:zoe → new@acme.test"]);
}

#[test]
fn a_manager_who_cannot_be_set_is_not_compared_and_nobody_is_hired_below() {
    let table: [(&str, Sketch, Option<Sketch>, &str); 6] = [
        (
            "left alone",
            Sketch::usual("boss").kind("contractor"),
            Some(Sketch::usual("boss")),
            "boss Lee (member:boss) is left alone",
        ),
        ("not hired", Sketch::usual("boss").email(""), None, "boss Lee (member:boss) is not hired"),
        (
            "has left",
            Sketch::usual("boss").departed().ends("2026-01-01"),
            Some(Sketch::usual("boss")),
            "boss Lee (member:boss) has left",
        ),
        ("leaves, unknown", Sketch::usual("boss").ends(TODAY), None, "boss Lee (member:boss) leaves today"),
        (
            "no address",
            Sketch::usual("boss").email("").number("1"),
            Some(Sketch::usual("boss").email("").number("1")),
            "boss Lee (member:boss) has no email in chart",
        ),
        ("not there", Sketch::usual("other"), None, "member:boss is not in hr"),
    ];
    for (what, boss, known, why) in table {
        let source = [
            boss,
            Sketch::usual("ann").manager("boss"),
            Sketch::usual("bo").manager("boss"),
            Sketch::usual("cy").manager("bo"),
        ];
        let target: Vec<Sketch> = known.into_iter().chain([Sketch::usual("ann").manager("ann")]).collect();
        let plan = plan(&source, &target);
        assert!(
            plan.moves.is_empty() && hired(&plan).iter().all(|email| *email == "other@acme.test"),
            "{what}: {plan:?}"
        );
        let skipped = skipped(&plan);
        for expected in [
            format!("ann Lee (member:ann): the manager is not compared: {why}"),
            format!("bo Lee (member:bo): the manager cannot be set: {why}"),
            "cy Lee (member:cy): the manager cannot be set: bo Lee (member:bo) is not hired".to_owned(),
        ] {
            assert!(skipped.contains(&expected), "{what}: {skipped:?}");
        }
    }
    // Somebody who is going to leave is a manager until then.
    let source = [Sketch::usual("boss").ends("2027-01-01"), Sketch::usual("ann").manager("boss")];
    let plan = plan(&source, &[Sketch::usual("boss"), Sketch::usual("ann")]);
    assert_eq!(
        (lines(&plan.moves), plan.departures.len()),
        (vec!["person:ann manager: - → boss@acme.test".to_owned()], 1)
    );
}

#[test]
fn managers_are_hired_before_those_who_report_to_them() {
    let source = [
        Sketch::usual("a").manager("b"),
        Sketch::usual("b").manager("z"),
        Sketch::usual("c").manager("known"),
        Sketch::usual("z"),
        Sketch::usual("known"),
    ];
    let plan = plan(&source, &[Sketch::usual("known")]);
    assert_eq!(hired(&plan), ["c@acme.test", "z@acme.test", "b@acme.test", "a@acme.test"]);
}

#[test]
fn a_circle_is_told_and_not_followed() {
    let source = [
        Sketch::usual("a").manager("b").title("new"),
        Sketch::usual("b").manager("a"),
        Sketch::usual("c").manager("a"),
        Sketch::usual("d").manager("b"),
    ];
    let plan = plan(&source, &[Sketch::usual("a"), Sketch::usual("d")]);
    let circle = "their managers form a circle: a Lee → b Lee → a Lee";
    assert_eq!(
        skipped(&plan),
        [
            format!("a Lee (member:a): the manager is not compared: {circle}"),
            format!("b Lee (member:b): {circle}"),
            "d Lee (member:d): the manager is not compared: b Lee (member:b) is not hired".to_owned(),
        ]
    );
    assert_eq!(
        (lines(&plan.changes), hired(&plan)),
        (vec!["person:a title: Maker → new".to_owned()], vec!["c@acme.test"])
    );
    assert_eq!(plan.hires[0].fields.get(&Field::Manager).map(String::as_str), Some("a@acme.test"));
}

#[test]
fn who_cannot_be_told_for_certain_is_left_alone_on_both_sides() {
    let source = [
        Sketch::usual("a").email("same@acme.test").title("x"),
        Sketch::usual("b").email("same@acme.test"),
        Sketch::usual("c").number("4").title("x"),
        Sketch::usual("d").email("same@gone.test").ends("2020-01-01"),
        Sketch::usual("e").email("same@gone.test").ends("2020-01-01"),
    ];
    let target = [Sketch::usual("a").email("same@acme.test"), Sketch::usual("c"), Sketch::usual("q").number("4")];
    let plan = plan(&source, &target);
    assert!(plan.is_empty(), "{plan:?}");
    let twice = "several people of hr have the email same@acme.test";
    let both = "in chart the email is that of person:c, and the employee id that of person:q";
    assert_eq!(
        skipped(&plan),
        [
            format!("a Lee (member:a): {twice}"),
            format!("b Lee (member:b): {twice}"),
            format!("c Lee (member:c): {both}")
        ],
        "who has left and is in no target concerns nobody"
    );
}

#[test]
fn a_hire_needs_all_that_the_target_has_to_be_told() {
    let whole = Sketch::usual;
    let source = [
        whole("a").email(""),
        whole("b").name("", "").shown_as("B"),
        whole("c").name("", "Cy"),
        whole("d").email("d@\u{7}acme.test").name("Di", ""),
        whole("e").title(" "),
        whole("f").starts(""),
        whole("g").manager("f"),
        whole("h"),
    ];
    let plan = plan(&source, &[]);
    assert_eq!(hired(&plan), ["h@acme.test"]);
    let without = |what: &str| format!("has no {what}, and nobody is hired without");
    assert_eq!(
        skipped(&plan),
        [
            format!("a Lee (member:a): {}", without("email for work")),
            format!("B (member:b): {}", without("first name, no last name")),
            format!("Cy (member:c): {}", without("first name")),
            format!("Di (member:d): {}", without("email for work, no last name")),
            format!("e Lee (member:e): {}", without("title")),
            format!("f Lee (member:f): {}", without("first day")),
            "g Lee (member:g): the manager cannot be set: f Lee (member:f) is not hired".to_owned(),
        ]
    );
}

#[test]
fn managers_who_are_named_by_their_address_are_people() {
    let boss = || Sketch::usual("boss").email("Boss@acme.test");
    let was = || Sketch::usual("was").email("boss@acme.test").departed();
    let source = [Sketch::usual("ann").manager_by(" BOSS@acme.test"), boss(), Sketch::usual("other")];
    let moved = |target: &[Sketch]| {
        let plan = plan(&source, target);
        assert_eq!((plan.hires.len(), plan.changes.len()), (0, 0), "{plan:#?}");
        let fields = plan.moves.iter().flat_map(|change| &change.fields);
        fields.map(|f| (f.old.as_deref().unwrap_or_default().to_owned(), f.new.to_string())).collect::<Vec<_>>()
    };
    let to = |old: &str| [(old.to_owned(), "Boss@acme.test".to_owned())];
    let ann = Sketch::usual("ann");
    let other = Sketch::usual("other");
    assert_eq!(moved(&[ann.clone().manager_by("boss@ACME.test"), boss(), other.clone()]), []);
    assert_eq!(
        moved(&[ann.clone().manager("boss"), boss(), other.clone()]),
        [],
        "by id or by address, it is one person"
    );
    assert_eq!(moved(&[ann.clone().manager_by("boss@acme.test"), boss(), other.clone(), was()]), []);
    assert_eq!(moved(&[ann.clone().manager_by("other@acme.test"), boss(), other.clone()]), to("other@acme.test"));
    assert_eq!(moved(&[ann.clone().manager_by("gone@acme.test"), boss(), other.clone()]), to("gone@acme.test"));
    assert_eq!(moved(&[ann, boss(), other]), to(""));

    // In a source nobody can be meant by an address that is nobody's.
    let lost = [Sketch::usual("ann").manager_by("gone@acme.test")];
    assert_eq!(
        skipped(&plan(&lost, &[Sketch::usual("ann")])),
        ["ann Lee (member:ann): the manager is not compared: gone@acme.test is not in hr"]
    );
}

#[test]
fn departures() {
    let here = Sketch::usual("ann").starts("2020-01-01");
    let gone = || here.clone().departed();
    let none: Option<&str> = None;
    type Row<'a> = (&'a str, Sketch, Sketch, Option<&'a str>, Option<&'a str>);
    let table: [Row; 11] = [
        ("has left", gone().ends("2026-10-31"), here.clone(), Some("2026-10-31"), None),
        ("is going to leave", here.clone().ends("2027-01-31"), here.clone(), Some("2027-01-31"), None),
        ("is known", gone().ends("2026-10-31"), here.clone().ends("2026-10-31"), none, None),
        ("another day", here.clone().ends("2027-01-31"), here.clone().ends("2027-02-28"), Some("2027-01-31"), None),
        ("has left there, too", gone().ends("2026-10-31"), gone().ends("2026-10-30"), none, None),
        ("has left there, too, no day", gone(), gone(), none, None),
        ("no day", gone(), here.clone(), none, Some("has left, and no last day is known")),
        ("no day, and one is known", gone(), here.clone().ends("2027-01-01"), none, None),
        (
            "earlier stay",
            here.clone().starts("2026-01-01").ends("2025-01-01"),
            here.clone().starts("2026-01-01"),
            none,
            None,
        ),
        (
            "before the first day",
            gone().ends("2019-01-01"),
            here.clone(),
            none,
            Some("has left, and the last day is before the first one"),
        ),
        (
            "changed meanwhile",
            gone().ends("2026-10-31").title("new").location("x"),
            here.clone(),
            Some("2026-10-31"),
            None,
        ),
    ];
    for (what, source, target, date, why) in table {
        let plan = plan(&[source], &[target]);
        let dates: Vec<&str> = plan.departures.iter().map(|d| d.date.as_str()).collect();
        assert_eq!(dates, date.into_iter().collect::<Vec<_>>(), "{what}");
        let reasons: Vec<&str> = plan.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(reasons, why.into_iter().collect::<Vec<_>>(), "{what}");
        assert!(plan.hires.is_empty() && plan.changes.is_empty() && plan.moves.is_empty(), "{what}");
    }
    let absent = plan(&[gone().ends("2026-10-31")], &[]);
    assert!(absent.is_empty() && absent.skipped.is_empty(), "who is not there needs not leave");
    let backfill = Options { departures: Departures::Backfill, ..Options::default() };
    let source = [gone().ends("2026-10-31")];
    assert!(made(&source, std::slice::from_ref(&here), &backfill).plan.departures[0].backfill);
    assert!(!plan(&source, &[here]).departures[0].backfill);
}

#[test]
fn who_is_going_to_leave_works_until_then() {
    let ann = Sketch::usual("ann").starts("2020-01-01").ends("2026-11-23").title("new");
    let known = plan(std::slice::from_ref(&ann), &[Sketch::usual("ann").starts("2020-01-01").title("old")]);
    assert_eq!(lines(&known.changes), ["person:ann title: old → new"]);
    assert_eq!(known.departures.len(), 1);
    let unknown = plan(std::slice::from_ref(&ann), &[]);
    assert_eq!((hired(&unknown), unknown.departures.len()), (vec!["ann@acme.test"], 0));
    let next = plan(std::slice::from_ref(&ann), &[Sketch::usual("ann").starts("2020-01-01").title("new")]);
    assert_eq!((next.hires.len(), next.changes.len(), next.departures.len()), (0, 0, 1), "a later plan");
    let today = plan(&[ann.ends(TODAY)], &[Sketch::usual("ann").title("old")]);
    assert_eq!((today.changes.len(), today.departures.len()), (0, 1));
    let early = plan(
        &[Sketch::usual("bo").starts("2020-01-01").ends("2027-01-01")],
        &[Sketch::usual("bo").starts("2028-01-01")],
    );
    assert_eq!(early.departures.len(), 1, "the first day is to be that of the source");
}

#[test]
fn who_comes_back_is_a_hire_again() {
    let plan = plan(&[Sketch::usual("ann").title("x")], &[Sketch::usual("ann").departed().ends("2024-01-01")]);
    assert_eq!((hired(&plan), plan.changes.len(), plan.departures.len()), (vec!["ann@acme.test"], 0, 0));
}

#[test]
fn who_comes_back_under_another_address_is_left_alone() {
    let source = [Sketch::usual("ann").number("17").email("new@acme.test")];
    let target = [Sketch::usual("ann").number("17").departed().ends("2024-01-01")];
    let with = plan(&source, &target);
    assert!(with.is_empty(), "{with:?}");
    let told = |who: &str| {
        let why = format!("has left chart {who}, and is back as another one: change the address there first");
        [format!("ann Lee (member:ann): {why}")]
    };
    assert_eq!(skipped(&with), told("as ann@acme.test"));
    assert_eq!(skipped(&plan(&source, &[target[0].clone().email("")])), told("without an address"));
}

#[test]
fn a_plan_does_not_depend_on_the_order_of_the_snapshots() {
    let source = [
        Sketch::usual("a").manager("b"),
        Sketch::usual("b").manager("c"),
        Sketch::usual("c"),
        Sketch::usual("d").title("x"),
    ];
    let target = [Sketch::usual("d"), Sketch::usual("a").title("z")];
    let (mut backwards, mut others) = (source.clone(), target.clone());
    backwards.reverse();
    others.reverse();
    assert_eq!(plan(&source, &target), plan(&backwards, &others));
    assert_eq!(plan(&source, &target).digest(), plan(&backwards, &others).digest());
}
