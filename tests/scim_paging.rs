//! Lists in pages: read at once, read again where they move, and never published by half.

use std::collections::BTreeSet;

use serde_json::json;
use support::scene::{Scene, text};
use support::scim::{FakeScim, Quirk, ROOT, User};

/// How often a list was asked for.
fn asked(fake: &FakeScim, list: &str) -> u64 {
    fake.count(&format!("{ROOT}/{list}"))
}

/// The ids of the published users.
fn users(scene: &Scene) -> BTreeSet<String> {
    scene.json(["resources", "--type", "user"]).iter().map(|row| text(row, "id").to_owned()).collect()
}

/// The run is incomplete with this sentence, and nothing is published.
#[track_caller]
fn is_refused(fake: &FakeScim, sentence: &str) {
    let scene = fake.scene();
    let run = scene.muster(["sync", "--json"]);
    run.exits(3).complains(sentence);
    let line = run.json();
    assert_eq!(
        (&line["status"], &line["failures"][0]["reason"]),
        (&json!("incomplete"), &json!("unexpected")),
        "{line}"
    );
    assert!(scene.rows("resources").is_empty());
}

#[test]
fn pages_are_read_at_once() {
    // Who reads one page after the other gets no second one: it is given when all ten were asked for.
    let fake = FakeScim::sized(1_050, 0, 0).quirk(Quirk::Together(10)).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("1050 resources");
    let requests = fake.requests();
    let pages = requests.iter().filter(|request| request.path.ends_with("/Users"));
    let starts: BTreeSet<String> = pages.filter_map(|request| request.query.clone()).collect();
    assert_eq!(starts.len(), 12, "the check's and eleven pages: {starts:?}");
}

#[test]
fn each_page_is_asked_for_once() {
    let fake = FakeScim::sized(1_050, 0, 0).start();
    fake.scene().muster(["sync"]).exits(0).says("1050 resources");
    assert_eq!(asked(&fake, "Users"), 12, "the check's and eleven pages");
}

#[test]
fn a_user_who_leaves_between_two_pages_hides_nobody() {
    // Everybody behind the one who leaves moves up: the first of page 2 would be missed.
    let fake = FakeScim::sized(350, 2, 5).after("Users", 2, |world| world.remove_user("u000050")).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).stderr_is_empty();
    let mut expected: BTreeSet<String> = fake.world().users.iter().map(|user| user.id.clone()).collect();
    assert!(!expected.contains("u000050"));
    expected.insert("u000050".to_owned());
    assert_eq!(users(&scene), expected, "the union of both readings counts");
    assert_eq!(asked(&fake, "Users"), 1 + 4 + 4, "read twice, and no third time");

    scene.muster(["sync"]).exits(0);
    expected.remove("u000050");
    assert_eq!(users(&scene), expected);
}

#[test]
fn users_who_come_between_two_pages_are_read() {
    let fake = FakeScim::sized(250, 0, 0)
        .after("Users", 2, |world| {
            for number in 0..160 {
                world.users.insert(0, User::new(&format!("new{number}"), &format!("new{number}"), "New"));
            }
        })
        .start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("410 resources");
    assert_eq!(users(&scene), fake.world().users.iter().map(|user| user.id.clone()).collect());
}

#[test]
fn a_group_that_goes_between_two_pages_hides_no_members() {
    let fake = FakeScim::sized(40, 230, 4).after("Groups", 1, |world| world.remove_group("g00007")).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0);
    let published: BTreeSet<String> = scene.grant_ids().into_iter().collect();
    let missing: Vec<String> = fake.world().grants().into_iter().filter(|id| !published.contains(id)).collect();
    assert_eq!(missing, Vec::<String>::new());
    assert_eq!(asked(&fake, "Groups"), 10 + 10);
}

#[test]
fn a_list_without_a_total_goes_on_to_an_empty_page() {
    let fake = FakeScim::sized(130, 3, 2).quirk(Quirk::NoTotal).quirk(Quirk::Cap(60)).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("133 resources");
    assert_eq!(asked(&fake, "Users"), 1 + 4, "60, 60, 10 and none");
}

#[test]
fn a_server_that_gives_fewer_than_asked_for() {
    let fake = FakeScim::sized(130, 0, 0).quirk(Quirk::Cap(20)).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("130 resources");
    assert_eq!(asked(&fake, "Users"), 1 + 7);
}

#[test]
fn a_server_without_pages() {
    for quirk in [Quirk::IgnoresCount, Quirk::NoTotal] {
        let fake =
            FakeScim::sized(130, 2, 2).quirk(Quirk::IgnoresIndex).quirk(Quirk::IgnoresCount).quirk(quirk).start();
        let scene = fake.scene();
        scene.muster(["sync"]).exits(0).says("132 resources");
        assert!(asked(&fake, "Users") <= 1 + 2, "{}", asked(&fake, "Users"));
    }
}

#[test]
fn a_server_that_repeats_its_last_page() {
    let fake = FakeScim::sized(130, 0, 0).quirk(Quirk::NoTotal).quirk(Quirk::RepeatsLastPage).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("130 resources");
    assert_eq!(asked(&fake, "Users"), 1 + 3);
}

#[test]
fn a_server_that_gives_the_beginning_only() {
    is_refused(&FakeScim::sized(250, 0, 0).quirk(Quirk::IgnoresIndex).start(), "the server ignores startIndex");
    let silent = FakeScim::sized(250, 0, 0).quirk(Quirk::IgnoresIndex).quirk(Quirk::NoTotal).start();
    is_refused(&silent, "the server ignores startIndex");
}

#[test]
fn a_total_that_never_comes() {
    let fake = FakeScim::sized(130, 0, 0).quirk(Quirk::TotalTooHigh(40)).start();
    is_refused(&fake, "the list says that it has 170 records and the page at 131 is empty");
}

#[test]
fn a_total_on_the_first_page_only() {
    let fake = FakeScim::sized(250, 0, 0).quirk(Quirk::TotalOnFirstPage).start();
    fake.scene().muster(["sync"]).exits(0).says("250 resources");
    fake.turn(Quirk::EndsAfter(200));
    is_refused(&fake, "the list says that it has 250 records and the page at 201 is empty");
}

#[test]
fn a_total_that_is_the_size_of_the_page() {
    let fake = FakeScim::sized(230, 60, 2).quirk(Quirk::TotalIsPageSize).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("290 resources");
    assert_eq!((asked(&fake, "Users"), asked(&fake, "Groups")), (1 + 4, 4), "to the empty page");
}

#[test]
fn a_list_that_is_exactly_as_long_as_a_page() {
    let fake = FakeScim::sized(100, 25, 2).start();
    fake.scene().muster(["sync"]).exits(0).says("125 resources");
    assert_eq!((asked(&fake, "Users"), asked(&fake, "Groups")), (1 + 2, 2));
    fake.turn(Quirk::RefusesBehindEnd);
    fake.scene().muster(["sync"]).exits(0).says("125 resources").stderr_is_empty();
}

#[test]
fn pages_by_cursor() {
    for quirk in [Quirk::Cursors, Quirk::CursorsAndTotal] {
        let fake = FakeScim::sized(230, 12, 3).quirk(quirk).start();
        let scene = fake.scene();
        scene.muster(["sync"]).exits(0).says("242 resources");
        assert_eq!(asked(&fake, "Users"), 1 + 3);
    }
}

#[test]
fn cursors_that_end_before_the_total() {
    let fake = FakeScim::sized(250, 0, 0).quirk(Quirk::CursorsAndTotal).quirk(Quirk::EndsAfter(100)).start();
    is_refused(&fake, "the list says that it has 250 records and its cursors end after 100");
}

#[test]
fn a_cursor_that_leads_back() {
    for quirk in [Quirk::CursorLoop, Quirk::CursorsAndTotal] {
        let fake = FakeScim::sized(330, 0, 0).quirk(Quirk::CursorLoop).quirk(quirk).start();
        let scene = fake.scene();
        let line = scene.muster(["sync", "--json"]).exits(3).json();
        let expected = (&json!("incomplete"), &json!("contract"));
        assert_eq!((&line["status"], &line["failures"][0]["reason"]), expected, "{line}");
        assert!(asked(&fake, "Users") < 12, "{}", asked(&fake, "Users"));
    }
}

#[test]
fn a_hundred_thousand_users() {
    let fake = FakeScim::sized(100_000, 40, 50).start();
    let scene = fake.scene();
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(0).json();
    assert_eq!((&line["resources"], &line["grants"]), (&json!(100_040), &json!(40 * 50 + 3)), "{line}");
    assert_eq!(asked(&fake, "Users"), 1 + 1_000);
    eprintln!("100,000 users in {:?}", run.elapsed);
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["added"], &line["changed"], &line["removed"]), (&json!(0), &json!(0), &json!(0)), "{line}");
}
