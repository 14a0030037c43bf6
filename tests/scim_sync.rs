//! SCIM servers that are good and odd: the snapshot is the server's data, row for row.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use support::scene::{Scene, text};
use support::scim::{FakeScim, Group, Quirk, ROOT, User, World, seen};

/// The published rows are these data, one to one.
#[track_caller]
fn holds(scene: &Scene, world: &World) {
    let rows = scene.rows("resources");
    let found: BTreeMap<String, Value> =
        rows.iter().map(|row| (format!("{}:{}", text(row, "type"), text(row, "id")), seen(row))).collect();
    assert_eq!(found.len(), rows.len());
    let expected = world.resources();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (id, row) in &expected {
        assert_eq!(&found[id], row, "{id}");
    }
    let mut grants = scene.grant_ids();
    grants.sort();
    assert_eq!(grants, world.grants());
    assert_eq!(scene.rows("entitlements").len(), world.groups.len());
}

/// A first sync publishes the data, and a second one changes nothing.
#[track_caller]
fn reads(fake: &FakeScim) -> Scene {
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).stderr_is_empty();
    holds(&scene, &fake.world());
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["added"], &line["changed"], &line["removed"]), (&json!(0), &json!(0), &json!(0)), "{line}");
    scene
}

#[test]
fn the_demo_company_is_published() {
    let fake = FakeScim::demo().start();
    let scene = fake.scene();
    let run = scene.muster(["sync"]);
    run.exits(0).says("people: published as run 1").stderr_is_empty();
    run.says("12 resources, 5 entitlements, 14 grants").says("5 requests");
    holds(&scene, &fake.world());
    let members: Vec<String> = scene.grant_ids().into_iter().filter(|id| id.contains(":member:group:")).collect();
    assert_eq!(members, ["group:g2:member:group:g3", "group:g3:member:group:g4", "group:g4:member:group:g3"]);
    let shown = scene.muster(["runs", "show", "1", "--json"]).exits(0).json();
    assert_eq!(shown["findings"], json!([]), "every grant and manager points at somebody: {shown}");
}

#[test]
fn every_oddity_gives_the_same_snapshot() {
    for quirk in [
        Quirk::NoTotal,
        Quirk::TotalAsText,
        Quirk::Cap(2),
        Quirk::IgnoresCount,
        Quirk::TotalOnFirstPage,
        Quirk::TotalIsPageSize,
        Quirk::Cursors,
        Quirk::CursorsAndTotal,
        Quirk::MembersWithoutType,
        Quirk::SmallTypes,
        Quirk::BareMembers,
        Quirk::MembersAsTexts,
        Quirk::NoMembersInLists,
        Quirk::ActiveAsText,
        Quirk::NoActive,
        Quirk::ManagerAsText,
        Quirk::ManagerId,
        Quirk::OtherCase,
        Quirk::NoConfig,
        Quirk::Restless,
    ] {
        eprintln!("{quirk:?}");
        reads(&FakeScim::demo().quirk(quirk).start());
    }
}

#[test]
fn oddities_come_together() {
    let fake = FakeScim::demo()
        .quirk(Quirk::NoTotal)
        .quirk(Quirk::Cap(2))
        .quirk(Quirk::NoMembersInLists)
        .quirk(Quirk::MembersAsTexts)
        .quirk(Quirk::OtherCase)
        .quirk(Quirk::NoConfig)
        .quirk(Quirk::ActiveAsText)
        .start();
    reads(&fake);
    let fake = FakeScim::sized(230, 120, 3).quirk(Quirk::NoMembersInLists).quirk(Quirk::BareMembers).start();
    reads(&fake);
}

#[test]
fn an_address_that_is_no_list() {
    for quirk in [Quirk::EmailAsText, Quirk::EmailAsObject] {
        let fake = FakeScim::demo().quirk(quirk).start();
        fake.edit(|world| world.user("u1").emails.truncate(2));
        reads(&fake);
    }
}

#[test]
fn ids_that_are_numbers() {
    let fake = FakeScim::demo()
        .user(User::new("9007199254740993", "big", "Big").manager("17"))
        .user(User::new("17", "small", "Small"))
        .group(Group::new("18", "Numbers", &["17", "9007199254740993"]).nesting("18"))
        .quirk(Quirk::NumbersAsIds)
        .start();
    reads(&fake);
}

#[test]
fn ids_that_no_path_can_hold() {
    let builder = || {
        FakeScim::demo()
            .user(User::new("acme/ann", "acme-ann", "Ann of Acme").manager("a\\b"))
            .user(User::new("a\\b", "ab", "A B"))
            .group(Group::new("acme/all", "All of Acme", &["acme/ann", "a\\b"]).nesting("100%"))
            .group(Group::new("100%", "Hundred", &["u1"]).nesting(".."))
            .group(Group::new("..", "Dots", &["u2"]).nesting("a;b"))
            .group(Group::new("a;b", "Semicolon", &["u3"]).nesting("a \"b\" ü:1?x#y"))
            .group(Group::new("a \"b\" ü:1?x#y", "Quotes", &["u4"]))
    };
    reads(&builder().start());
    reads(&builder().quirk(Quirk::NoMembersInLists).start());
    reads(&builder().quirk(Quirk::NoMembersInLists).quirk(Quirk::BareMembers).start());

    let fake = builder().quirk(Quirk::NoMembersInLists).quirk(Quirk::NoFilter).start();
    let run = fake.scene().muster(["sync"]);
    run.exits(3).complains("the members of the group acme/all can be asked for by a filter only");
}

#[test]
fn a_group_whose_members_nobody_gives_is_named() {
    let builder = || {
        FakeScim::demo().group(Group::new("acme/all", "All of Acme", &["u1", "u2"])).group(Group::new(
            "acme/none",
            "None of Acme",
            &[],
        ))
    };
    let silent = |name: &str| format!("the group {name} is taken to have no members: its id fits into no path");
    let fake = builder().quirk(Quirk::NoMembersInFilters).start();
    let run = fake.scene().muster(["sync"]);
    run.exits(0).complains(&silent("All of Acme (acme/all)")).complains(&silent("None of Acme (acme/none)"));
    // Elsewhere an empty group looks the same; the others are whole.
    let fake = builder().quirk(Quirk::NoMembersInLists).start();
    let scene = fake.scene();
    let run = scene.muster(["sync"]);
    run.exits(0).complains(&silent("None of Acme (acme/none)")).never_says("All of Acme");
    holds(&scene, &fake.world());
}

#[test]
fn names_of_the_world_and_names_that_are_hard_to_print() {
    reads(&FakeScim::demo().odd_names().start());
}

#[test]
fn a_server_without_groups() {
    let fake = FakeScim::demo().quirk(Quirk::NoGroups).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(3).errs("if this server has no groups, write scim-groups = false");
    assert!(scene.rows("resources").is_empty());
    let scene = fake.scene_as(|profile| profile.setting_toml("scim-groups", "false"));
    fake.reset_stats();
    scene.muster(["sync"]).exits(0).says("7 resources, 0 entitlements, 0 grants");
    assert_eq!(fake.count(&format!("{ROOT}/Groups")), 0);
}

#[test]
fn an_empty_company_is_a_company() {
    let fake = FakeScim::sized(0, 0, 0).start();
    fake.scene().muster(["sync"]).exits(0).says("0 resources, 0 entitlements, 0 grants");
}

#[test]
fn changes_at_the_server_are_the_changes_of_the_snapshot() {
    let fake = FakeScim::demo().start();
    let scene = reads(&fake);
    fake.edit(|world| {
        world.remove_user("u7");
        world.remove_group("g5");
        world.user("u3").inactive = true;
        world.user("u2").department = Some("Harbour".to_owned());
        world.users.push(User::new("u8", "gus", "Gus Tiller"));
        world.group("g1").members.retain(|member| member.id != "u5");
    });
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!(line["status"], "published");
    assert_eq!((&line["added"], &line["changed"]), (&json!(1), &json!(2)), "{line}");
    // A user, a group with its entitlement, two memberships of the user who left, and one that was taken away.
    assert_eq!(line["removed"], 6, "{line}");
    holds(&scene, &fake.world());
}

#[test]
fn only_known_paths_are_read_and_only_with_the_credential() {
    let fake = FakeScim::demo().quirk(Quirk::NoMembersInLists).start();
    let scene = fake.scene();
    scene.muster(["check"]).exits(0).says("people: ok");
    scene.muster(["sync"]).exits(0);
    let mut paths: Vec<String> = fake.counts().into_keys().collect();
    paths.sort();
    let known = ["Groups", "Groups/g1", "Groups/g2", "Groups/g3", "Groups/g4", "Groups/g5", "ServiceProviderConfig"];
    let known: Vec<String> = known.iter().chain(&["Users"]).map(|rest| format!("{ROOT}/{rest}")).collect();
    assert_eq!(paths, known);
    for request in fake.requests() {
        assert_eq!(request.method, Method::GET, "{}", request.target());
        assert!(request.body.is_empty());
        let carriers: Vec<&str> = request
            .headers
            .iter()
            .filter(|(_, value)| value.to_str().is_ok_and(|value| value.contains("scim-demo-token")))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(carriers, ["authorization"], "the token travels once");
        assert!(request.header("accept").is_some_and(|accept| accept.contains("application/scim+json")));
    }
}

#[test]
fn nothing_of_the_token_is_kept() {
    let fake = FakeScim::demo().start();
    let scene = fake.scene();
    scene.muster(["sync", "-vvv"]).exits(0).never_says("scim-demo-token");
    let bytes = scene.store_bytes();
    assert!(!bytes.windows(15).any(|part| part == b"scim-demo-token"));
}
