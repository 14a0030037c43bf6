//! `muster plan`: two snapshots of two vendors, and what is to be done so that the one says what the other says.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use support::charthop::world::person_id;
use support::chatwoot::FakeChatwoot;
use support::disk::{KEEP, said, with_disk};
use support::justworks::Person as Member;
use support::pair::{Pair, person};
use support::scene::{Scene, each_row};

/// The entries of a section, by what they are about.
fn about(plan: &Value, section: &str, key: &str) -> Vec<String> {
    plan[section].as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect()
}

fn key(number: u64) -> String {
    format!("person:{}", person_id(number))
}

#[test]
fn the_document_says_who_is_hired_changed_moved_leaves_and_is_left_alone() {
    let pair = Pair::demo().synced();
    let plan = pair.muster(["plan", "justworks", "charthop", "--json"]).exits(0).json();
    assert_eq!(plan["from"], json!({"connection": "justworks", "run": 1}));
    assert_eq!(plan["to"], json!({"connection": "charthop", "run": 2}));
    assert_eq!(about(&plan, "hires", "email"), ["u-07@lantern.test", "u-09@lantern.test"]);
    assert_eq!(plan["hires"][1]["fields"]["manager"], "u-07@lantern.test");
    assert_eq!(about(&plan, "changes", "id"), [key(1), key(3), key(4)]);
    assert_eq!(
        plan["changes"][1]["fields"],
        json!([{"field": "email", "old": "u-03@lantern.test", "new": "sana.malik@lantern.test"}]),
        "found by the employee id"
    );
    assert_eq!(about(&plan, "moves", "id"), [key(1), key(3), key(4)]);
    assert_eq!(about(&plan, "departures", "id"), [key(6)]);
    assert_eq!(plan["departures"][0]["date"], "2024-06-30");
    let skipped = about(&plan, "skipped", "who");
    for left_alone in ["Chloé Petit (member:u-05)", "Tom One (member:u-10)", "Rita Ring (member:u-13)"] {
        assert!(skipped.iter().any(|who| who == left_alone), "{skipped:?}");
    }
    assert!(!plan.to_string().contains(&person_id(20)), "who is in ChartHop alone is nobody's business");
}

#[test]
fn the_file_holds_the_same_document_and_is_its_owners() {
    let pair = Pair::demo().synced();
    let run = pair.muster(["plan", "justworks", "charthop", "-o", "plan.json", "--exit-code"]);
    run.exits(1);
    assert!(run.stdout.starts_with("justworks (run 1) → charthop (run 2)\nHires (2)\n"), "{}", run.stdout);
    assert!(run.stderr.contains("wrote plan.json"), "{}", run.stderr);
    let text = std::fs::read_to_string(pair.path("plan.json")).unwrap();
    let printed = pair.muster(["plan", "justworks", "charthop", "--json"]).exits(0).json();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), printed);
    assert!(text.ends_with("}\n") && text.lines().count() > 100, "for people, too");
    assert_eq!(std::fs::metadata(pair.path("plan.json")).unwrap().permissions().mode() & 0o777, 0o600);
    // It is made again whenever somebody wants it.
    pair.muster(["plan", "justworks", "charthop", "-o", "plan.json", "--kinds", "dates", "-q"])
        .exits(0)
        .stderr_is_empty();
    assert!(std::fs::read_to_string(pair.path("plan.json")).unwrap().len() < text.len());
}

#[test]
fn what_is_the_same_is_no_plan() {
    let member = Member::new("u-01", "Meg", "Field").title("CEO");
    let mut same = person(1, "Meg", "Field");
    (same.email, same.title) = (Some("U-01@Lantern.test".to_owned()), Some("Maker".to_owned()));
    same.start = Some("2020-02-03".to_owned());
    let pair = Pair::new(vec![member], vec![same]).synced();
    pair.muster(["plan", "justworks", "charthop", "--exit-code"]).exits(1);
    pair.charthop().edit(|world| world.edit_person(1, |person| person.title = Some("CEO".to_owned())));
    pair.muster(["sync", "charthop"]).exits(0);
    let run = pair.muster(["plan", "justworks", "charthop", "--exit-code"]);
    run.exits(0);
    assert_eq!(run.stdout, "justworks (run 1) → charthop (run 3)\nnothing to do\n");
}

#[test]
fn each_option_is_heard_and_kept_in_the_document() {
    let pair = Pair::demo().synced();
    let arguments = [
        "plan",
        "justworks",
        "charthop",
        "--json",
        "--exclude",
        "u-09,LW-001",
        "--exclude",
        "U-10@x.test",
        "--contractors",
        "include",
        "--kinds",
        "hires,titles,departures",
        "--person-fields",
        "fill",
        "--missing-location",
        "remote",
        "--departures",
        "backfill",
        "--history-days",
        "9999",
        "--org-head",
        "meg field",
    ];
    let run = pair.muster(arguments);
    run.exits(0);
    let plan = run.json();
    assert_eq!(
        plan["options"],
        json!({"exclude": ["LW-001", "U-10@x.test", "u-09"], "contractors": "include",
               "kinds": ["hires", "departures", "titles"], "person_fields": "fill", "missing_location": "remote",
               "departures": "backfill", "history_days": 9999, "org_head": "meg field"})
    );
    assert_eq!(run.stderr, "warning: --exclude U-10@x.test is nobody of justworks\n");
    assert_eq!(plan["departures"][0]["backfill"], true);
    assert!(plan["moves"].as_array().unwrap().is_empty());
    assert!(about(&plan, "skipped", "reason").iter().any(|why| why == "is excluded (--exclude)"));
}

#[test]
fn what_cannot_be_compared_is_refused_in_a_sentence() {
    let pair = Pair::demo().synced();
    let table = [
        (
            vec!["plan", "justworks", "charthob"],
            "error: there is no connection charthob\nhelp: did you mean charthop?\n",
        ),
        (
            vec!["plan", "charthop", "charthop"],
            "error: charthop cannot be compared with itself: a plan is between two connections\n",
        ),
        (
            vec!["plan", "justworks", "charthop", "--org-head", "Nobody Here"],
            "error: the org head Nobody Here is nobody of justworks: it has to be a first and a last name, or the whole name\n",
        ),
    ];
    each_row(
        table,
        |(arguments, _)| arguments.join(" "),
        |(arguments, expected)| {
            let run = pair.muster(arguments);
            run.exits(2).stdout_is_empty();
            assert_eq!(run.stderr, *expected);
        },
    );
    let wrong = pair.muster(["plan", "justworks", "charthop", "--kinds", "pay"]);
    wrong.exits(2);
    assert!(wrong.stderr.contains("it has to be one of hires, departures, titles,"), "{}", wrong.stderr);
}

#[test]
fn a_roster_that_is_empty_or_was_never_published_is_refused() {
    let mut scene = Scene::new()
        .chatwoot(FakeChatwoot::demo())
        .chatwoot_as("other", FakeChatwoot::demo(), |profile| profile.closed());
    scene.muster(["sync"]).exits(3);
    let nobody = scene.muster(["plan", "other", "support"]);
    nobody.exits(2);
    assert_eq!(
        nobody.stderr,
        "error: nothing of other was published yet: `muster sync other` reads it, and `muster runs --connection other` lists its runs\n"
    );
    let address = scene.fake_of("other").address().to_string();
    scene.change("other", |profile| profile.allow_private(&address));
    scene.muster(["sync", "other"]).exits(0);
    let nobody = scene.muster(["plan", "other", "support"]);
    nobody.exits(2);
    assert!(nobody.stderr.starts_with("error: other has nobody with a job (run "), "{}", nobody.stderr);
}

#[test]
fn a_file_that_cannot_be_written_is_said_in_a_sentence_and_nothing_is_left() {
    let pair = Pair::demo().synced();
    let script = format!(
        "{KEEP}\nmkdir folder disk/full; dd if=/dev/zero of=disk/zeros bs=1024 count=64 2>/dev/null\n\
         plan() {{ muster plan justworks charthop -o \"$1\"; }}\n\
         keep missing plan none/plan.json; keep folder plan folder; keep device plan /dev/full; keep full plan disk/plan.json\n\
         ls -A disk >listed"
    );
    with_disk(&pair, "32k", &script);
    let table = [
        ("missing", "error: cannot write none/plan.json: no such file or directory\n"),
        ("folder", "error: cannot write folder: it is there and is no file\n"),
        ("device", "error: cannot write /dev/full: it is there and is no file\n"),
        ("full", "error: cannot write disk/plan.json: the disk is full\n"),
    ];
    for (name, expected) in table {
        assert_eq!(said(&pair, name), (String::new(), expected.to_owned(), "2".to_owned()), "{name}");
    }
    let listed = std::fs::read_to_string(pair.path("listed")).unwrap();
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), ["full", "zeros"]);
}

#[test]
fn a_connection_that_was_never_read_is_not_one_that_there_is_not() {
    let pair = Pair::demo();
    pair.muster(["sync", "justworks"]).exits(0);
    let run = pair.muster(["plan", "justworks", "charthop"]);
    run.exits(2).errs("nothing of charthop was published yet: `muster sync charthop` reads it");
    pair.muster(["plan", "justworks", "chartop"])
        .exits(2)
        .errs("there is no connection chartop")
        .helps("did you mean charthop?");
}
