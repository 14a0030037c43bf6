//! The roster of Justworks as published: row for row what the company's people are, whatever the roster leaves out and
//! however it names a manager. What is odd is told by name.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::justworks::{Builder, FakeJustworks, Person, USERNAME, Unknown, World};
use support::scene::{Run, Scene};

/// None for an empty text.
fn given(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

fn name(person: &Person) -> String {
    let first = if person.preferred.is_empty() { &person.first } else { &person.preferred };
    [first.as_str(), &person.last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn has_left(person: &Person) -> bool {
    !person.terminated.is_empty() && person.terminated.as_str() < "2026"
}

/// What has to be published of a company, made from its people and not from the connector.
fn expected(world: &World) -> [BTreeSet<String>; 3] {
    let [mut resources, mut entitlements, mut grants] = [(); 3].map(|()| BTreeSet::new());
    for person in &world.people {
        let (status, detail) = match (has_left(person), person.start.as_str()) {
            (true, _) => ("departed", Value::Null),
            (false, start) if start > "2090" => ("disabled", json!(format!("starts {start}"))),
            (false, _) => ("enabled", Value::Null),
        };
        let manager = match person.reports_to.as_str() {
            "" => Value::Null,
            uuid => json!({"type": "member", "id": uuid}),
        };
        let others: Vec<&str> = [person.home_email.as_str()].into_iter().filter(|mail| !mail.is_empty()).collect();
        let row = json!({
            "connection": "people", "type": "member", "id": person.uuid, "name": name(person), "parent": null,
            "kind": "user", "email": given(&person.work_email), "login": null, "other_emails": others,
            "given_name": given(&person.first), "family_name": given(&person.last),
            "status": status, "status_detail": detail,
            "employment": {
                "employee_id": given(&person.number), "title": given(&person.title),
                "department": given(&person.department), "location": given(&person.location),
                "employment_type": given(&person.kind), "manager": manager,
                "start_date": given(&person.start), "end_date": given(&person.terminated),
            },
            "profile": if person.preferred.is_empty() { json!({}) } else { json!({"preferredName": person.preferred}) },
        });
        resources.insert(row.to_string());
        for (kind, group) in [("department", &person.department), ("office", &person.location)] {
            if group.is_empty() {
                continue;
            }
            let row = json!({
                "connection": "people", "type": kind, "id": group, "name": group, "parent": null, "kind": "group",
                "email": null, "login": null, "other_emails": [], "given_name": null, "family_name": null,
                "status": null, "status_detail": null, "employment": null, "profile": {},
            });
            resources.insert(row.to_string());
            entitlements.insert(format!("{kind}:{group}:member"));
            if !has_left(person) {
                grants.insert(format!("{kind}:{group}:member:member:{}", person.uuid));
            }
        }
    }
    [resources, entitlements, grants]
}

/// What is published.
fn published(scene: &Scene) -> [BTreeSet<String>; 3] {
    let ids = |what: &str| scene.rows(what).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let rows = scene.rows("resources").iter().map(Value::to_string).collect();
    [rows, ids("entitlements"), ids("grants")]
}

#[track_caller]
fn is_published(fake: &FakeJustworks, scene: &Scene) -> Run {
    let run = scene.muster(["sync"]);
    run.exits(0).says("published");
    let (found, expected) = (published(scene), expected(&fake.world()));
    for (found, expected) in found.iter().zip(&expected) {
        let more: Vec<_> = found.difference(expected).collect();
        let less: Vec<_> = expected.difference(found).collect();
        assert!(more.is_empty() && less.is_empty(), "published and not expected: {more:#?}\nexpected: {less:#?}");
    }
    run
}

/// A company that is published with this said on stderr.
#[track_caller]
fn warned(builder: Builder, sentences: &[&str]) {
    let fake = builder.start();
    let scene = fake.scene();
    let run = is_published(&fake, &scene);
    for sentence in sentences {
        run.complains(sentence);
        let said = run.stderr.lines().filter(|line| line.contains(sentence)).count();
        assert_eq!(said, 1, "it is said once: {}", run.stderr);
    }
    let kept = scene.muster(["runs", "show", "1", "--json"]).exits(0).json();
    let kept = kept["report"]["run"]["account"]["warnings"].to_string();
    for sentence in sentences {
        assert!(kept.contains(&sentence.replace('"', "\\\"")), "{sentence} is not kept with the run: {kept}");
    }
}

/// A check and a sync that fail with this sentence about a setting.
#[track_caller]
fn wrong(builder: Builder, head: &str, reason: &str, sentence: &str) -> Run {
    let fake = builder.start();
    let scene = fake.scene_with(|profile| profile.setting("justworks-org-head", head));
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(1).errs(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert!(scene.rows("resources").is_empty());
    run
}

#[test]
fn a_company_is_published_one_to_one() {
    let fake = FakeJustworks::demo().start();
    let run = is_published(&fake, &fake.scene());
    run.says("14 resources, 6 entitlements, 12 grants").stderr_is_empty();
}

#[test]
fn what_is_not_known_may_be_null_empty_or_absent() {
    for unknown in [Unknown::Null, Unknown::Empty, Unknown::Absent] {
        let fake = FakeJustworks::demo().edited(|world| {
            world.people.iter_mut().for_each(|person| person.unknown = unknown);
            let mut bare = Person::new("u-10", "Bare", "").email("").started("").kind("");
            bare.unknown = unknown;
            world.people.push(bare.manager(json!({}), ""));
        });
        warned(fake, &["no manager is given for 1 person: Bare (u-10)"]);
    }
}

#[test]
fn a_second_sync_of_the_same_company_changes_no_row() {
    let fake = FakeJustworks::demo().start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says("32 added, 0 changed, 0 removed");
    // The next code would be waited for. Both sides forget this one: other tests wait.
    rusqlite::Connection::open(scene.path("muster.db")).unwrap().execute("DELETE FROM totp_step", []).unwrap();
    fake.forget_codes();
    scene.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn names_of_every_script_are_kept_and_the_head_is_found_among_them() {
    let fake = FakeJustworks::demo().edited(|world| {
        world.people[7].reports_to.clear();
        world.people[7].manager = Value::Null;
        world.people[0] = Person::new("u-01", "Margaret", "Field").manager("נועה לוי", "u-08");
        world.people.push(Person::new("u-11", "李", "小龍").works("研究部", "東京").manager("u-08", "u-08"));
        world.people.push(Person::new("u-12", "مريم", "حداد").preferred("Åsa").manager("李 小龍", "u-11"));
        world.people.push(Person::new("u-13", "Zoë \"Z\" <b>", "O'Neil & Söhne").manager("u-08", "u-08"));
        // Nobody is called Meg any more.
        world.people[4].manager = json!("u-01");
        world.people[6].manager = json!("margaret FIELD");
        world.people[5].manager = json!("u-01");
    });
    let fake = fake.start();
    let scene = fake.scene_with(|profile| profile.setting("justworks-org-head", " \u{202b}נועה   לוי\u{202c} "));
    is_published(&fake, &scene).stderr_is_empty();
}

#[test]
fn the_org_head_is_found_by_first_or_preferred_name_whatever_its_case() {
    for head in ["Meg Field", "margaret field", "MEG  FIELD"] {
        let fake = FakeJustworks::demo().start();
        is_published(&fake, &fake.scene_with(|profile| profile.setting("justworks-org-head", head)));
    }
}

#[test]
fn an_org_head_who_is_not_one_person_is_a_wrong_setting() {
    let demo = FakeJustworks::demo;
    let reason = "invalid-settings";
    wrong(demo(), "Meg", reason, "nobody in the roster is called \"Meg\"").complains("justworks-org-head");
    wrong(demo(), "Old Timer", reason, "\"Old Timer\" has left (Old Timer (u-06@lantern.test))");
    let twins = demo().edited(|world| world.people.push(Person::new("u-20", "Meg", "Field")));
    let run = wrong(twins, "Meg Field", reason, "2 people in the roster are called \"Meg Field\"");
    run.complains("Meg Field (u-01@lantern.test), Meg Field (u-20@lantern.test)").complains("justworks-org-head");
    let left = demo().edited(|world| world.people.push(Person::new("u-20", "Meg", "Field").terminated("2021-01-01")));
    let fake = left.start();
    is_published(&fake, &fake.scene());
}

#[test]
fn managers_that_are_missing_are_told_by_name_and_the_rest_is_published() {
    let builder = FakeJustworks::demo().edited(|world| {
        world.people.push(Person::new("u-20", "Una", "Gone").manager("nobody@lantern.test", ""));
        world.people.push(Person::new("u-21", "Tom", "Top"));
        world.people.push(Person::new("u-22", "Lea", "Loose").manager("u-21", "u-21"));
        world.people.push(Person::new("u-23", "Ned", "None"));
    });
    warned(
        builder,
        &[
            "beside the org head Meg Field (u-01@lantern.test), Tom Top (u-21@lantern.test) leads 1 person and has no manager",
            "no manager is given for 1 person: Ned None (u-23@lantern.test)",
            "the manager of 1 person is not in the roster and is left empty: Una Gone (u-20@lantern.test) has \"nobody@lantern.test\"",
        ],
    );
}

#[test]
fn a_manager_of_whom_there_are_two_is_left_empty() {
    let builder = FakeJustworks::demo().edited(|world| {
        for uuid in ["u-20", "u-21"] {
            world.people.push(Person::new(uuid, "Sam", "Lee").manager("u-01", "u-01"));
        }
        world.people.push(Person::new("u-22", "Kim", "Below").manager("sam lee", ""));
        // One of two has left: the other is meant.
        world.people.push(Person::new("u-23", "Jo", "Ray").manager("u-01", "u-01"));
        world.people.push(Person::new("u-24", "Jo", "Ray").terminated("2022-02-02").manager("u-01", "u-01"));
        world.people.push(Person::new("u-25", "Max", "Fine").manager("Jo Ray", "u-23"));
    });
    let sentence = "the manager of 1 person is not one person and is left empty: Kim Below (u-22@lantern.test) has \"sam lee\", which is 2 people";
    warned(builder, &[sentence]);
}

#[test]
fn managers_in_a_circle_are_told_by_name() {
    let builder = FakeJustworks::demo().edited(|world| {
        world.people.push(Person::new("u-20", "Ann", "One").manager("u-22", "u-22"));
        world.people.push(Person::new("u-21", "Ben", "Two").manager("u-20", "u-20"));
        world.people.push(Person::new("u-22", "Cat", "Three").manager("u-21", "u-21"));
        world.people.push(Person::new("u-23", "Own", "Boss").manager("u-23", ""));
        // The head may name herself.
        world.person("u-01").manager = json!("meg field");
    });
    let at = "@lantern.test)";
    let circle = format!("Ann One (u-20{at} → Cat Three (u-22{at} → Ben Two (u-21{at} → Ann One (u-20{at}");
    let own = format!("Own Boss (u-23{at} → Own Boss (u-23{at}");
    warned(builder, &[&format!("managers go in a circle: {own}, {circle}")]);
}

#[test]
fn an_org_head_with_a_manager_is_told() {
    let builder = FakeJustworks::demo().edited(|world| {
        *world.person("u-01") = world.person("u-01").clone().manager("u-20", "u-20");
        world.people.push(Person::new("u-20", "Cara", "Chair"));
    });
    let head = "the org head Meg Field (u-01@lantern.test) has a manager, Cara Chair (u-20@lantern.test)";
    warned(builder, &[head, "Cara Chair (u-20@lantern.test) leads 1 person and has no manager"]);
}

#[test]
fn many_odd_people_make_one_sentence() {
    let builder = FakeJustworks::demo().edited(|world| {
        world.people.extend((100..400).map(|n| Person::new(&format!("u-{n}"), "No", "Boss")));
    });
    warned(builder, &["no manager is given for 300 people: No Boss (u-100@lantern.test)", " and 290 more"]);
}

#[test]
fn somebody_who_is_listed_twice_is_one_person() {
    let builder = FakeJustworks::demo().edited(|world| {
        // The same again, and somebody who left and came back.
        let same = world.people[1].json();
        let before =
            world.people[2].clone().started("2015-01-01").terminated("2016-01-01").works("Sales", "Boston").json();
        world.rows.extend([same, before]);
    });
    warned(builder, &["listed more than once, with different content: Sana Malik (u-03@lantern.test)"]);
}

#[test]
fn departments_and_locations_may_be_objects_and_numbers_texts() {
    let fake = FakeJustworks::demo().edited(|world| {
        let person =
            Person::new("u-20", "Ob", "Ject").number("4200017").works("Design", "Boston").manager("u-01", "u-01");
        let mut row = person.json();
        row["department"] = json!({"id": 7, "name": "Design"});
        row["location"] = json!({"name": " Boston "});
        row["employeeId"] = json!(4_200_017);
        row["title"] = json!({"name": null});
        row["startDate"] = json!("2020-02-03T00:00:00Z");
        world.rows.push(row);
    });
    let fake = fake.start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).stderr_is_empty();
    fake.edit(|world| {
        world.rows.clear();
        let person = Person::new("u-20", "Ob", "Ject").number("4200017").works("Design", "Boston");
        world.people.push(person.manager("u-01", "u-01"));
    });
    assert_eq!(published(&scene), expected(&fake.world()));
}

#[test]
fn a_roster_of_another_shape_names_its_path() {
    let with = |answer: Value| FakeJustworks::demo().edited(|world| world.instead = Some(answer.to_string()));
    let row = |change: fn(&mut Value)| {
        FakeJustworks::demo().edited(|world| {
            let mut row = Person::new("u-20", "Odd", "Row").json();
            change(&mut row);
            world.rows.push(row);
        })
    };
    for (builder, sentence) in [
        (with(json!({"people": []})), "there is no list `members` in it"),
        (with(json!({"members": null})), "there is no list `members` in it"),
        (with(json!({"members": {"a": 1}})), "it has no list `members` of objects"),
        (with(json!({"members": ["Ada"]})), "it has no list `members` of objects"),
        (with(json!([])), "it has no list `members` of objects"),
        (with(json!({"members": [{"firstName": "Ada"}]})), "the member at place 1 has no uuid"),
        (row(|row| row["uuid"] = json!(" ")), "has no uuid"),
        (row(|row| row["uuid"] = json!("a\u{7}b")), "has the uuid \"a\\u{7}b\", which is none"),
        (
            row(|row| row["department"] = json!(["A", "B"])),
            "the department of the member \"u-20\" is neither a text nor",
        ),
        (
            row(|row| row["location"] = json!({"code": "BOS"})),
            "the location of the member \"u-20\" is an object without a name",
        ),
        (row(|row| row["title"] = json!(true)), "the title of the member \"u-20\" is neither a text nor"),
        (row(|row| row["manager"] = json!([1])), "the manager of the member \"u-20\" is neither a text nor"),
        (row(|row| row["manager"] = json!({"title": "CEO"})), "is an object without a uuid, a work email or a name"),
        (
            row(|row| row["startDate"] = json!("2020-02-30")),
            "the startDate of the member \"u-20\" is \"2020-02-30\", no day",
        ),
        (
            row(|row| row["terminatedDate"] = json!("soon")),
            "the terminatedDate of the member \"u-20\" is \"soon\", no day",
        ),
    ] {
        wrong(builder, "Meg Field", "unexpected", sentence).complains("justworks-roster-path");
    }
}

#[test]
fn the_roster_is_where_the_setting_says() {
    for (written, path) in [("/company/api/members", "/company/api/members"), ("team list.json", "/team%20list.json")] {
        let fake = FakeJustworks::demo().roster_path(path).start();
        let scene = fake.scene_with(|profile| profile.setting("justworks-roster-path", written));
        scene.muster(["sync"]).exits(0).says("published");
        assert_eq!(fake.count(path), 2);
        assert!(
            fake.requests().iter().all(|r| ["/login", "/tfa", path].contains(&r.path.as_str()) && r.query.is_none())
        );
    }
}

#[test]
fn a_company_of_twenty_thousand_is_read_whole() {
    let fake = FakeJustworks::large(20_000).start();
    let scene = fake.scene_with(|profile| {
        // A quarter of what a connector may use.
        profile.setting("justworks-org-head", "First0 Last0").limits("memory = \"64 MiB\"")
    });
    let run = scene.muster(["sync"]);
    run.exits(0).says("20062 resources, 62 entitlements, 40000 grants").stderr_is_empty();
    assert_eq!(scene.rows("resources").len(), 20_062);
    let line = scene.json(["runs"]).remove(0);
    assert_eq!((&line["resources"], &line["grants"]), (&json!(20_062), &json!(40_000)), "{line}");
}

#[test]
fn the_account_of_a_run_is_the_user() {
    let fake = FakeJustworks::demo().start();
    let line = fake.scene().muster(["check", "--json"]).exits(0).json();
    assert_eq!(line["account"], json!({"id": USERNAME, "name": "Justworks"}));
}
