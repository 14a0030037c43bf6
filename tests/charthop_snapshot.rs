//! What is published of a ChartHop organization, held one to one against what is in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::charthop::place::Place;
use support::charthop::world::{Person, Stage, World, group_id, job_id, person_id};
use support::charthop::{Builder, Empty, FakeChartHop, Form, Keys, Managers, Names, Refs};
use support::scene::text;

/// An organization with people at every stage.
fn mixed() -> Builder {
    FakeChartHop::builder().persons(620).starting(7).former(40).idle(3)
}

fn place(builder: Builder, membership: &str, former: bool) -> Place {
    Place::new(builder, |profile| {
        profile.setting("charthop-membership", membership).setting_toml("charthop-include-former", &former.to_string())
    })
}

/// The row that a person has to become.
fn person_row(person: &Person, form: &Form) -> Value {
    let parts = form.names == Names::Parts;
    let first = person.pref.as_deref().filter(|_| parts).unwrap_or(&person.first);
    let (status, detail) = match person.stage {
        Stage::Current => ("enabled", None),
        Stage::Starting => ("disabled", person.start.as_ref().map(|start| format!("starts {start}"))),
        Stage::Former => ("departed", None),
        Stage::Idle => ("disabled", Some("has no job".to_owned())),
    };
    let mut profile = json!({});
    if person.title.is_some() {
        profile["jobId"] = json!(job_id(person.number));
    }
    if let Some(manager) = person.manager {
        profile["manager"] = json!(job_id(manager));
        profile["manager.contact.workEmail"] = json!(format!("person.{manager}@acme.test"));
    }
    let manager = person.manager.filter(|_| form.managers == Managers::All);
    let mut row = json!({
        "connection": "people", "type": "person", "id": person_id(person.number),
        "name": format!("{first} {}", person.last), "parent": null, "kind": "user", "email": person.email,
        "login": null, "status": status, "status_detail": detail,
        "employment": {
            "employee_id": person.employee, "title": person.title, "department": person.department,
            "location": person.location, "employment_type": person.employment,
            "manager": manager.map(|manager| json!({"type": "person", "id": person_id(manager)})),
            "start_date": person.start, "end_date": person.end,
        },
        "profile": profile,
    });
    // Who is not known as a person is known by the address.
    if let (None, Some(manager)) = (manager, person.manager) {
        row["employment"]["manager_email"] = json!(format!("person.{manager}@acme.test"));
    }
    row
}

/// Everything that is published is what is there, and everything that is there is published.
#[track_caller]
fn assert_one_to_one(place: &Place, world: &World, form: &Form, former: bool) {
    let listed = |person: &Person| former || matches!(person.stage, Stage::Current | Stage::Starting);
    let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
    let mut wanted_grants = Vec::new();
    for person in world.persons().filter(listed) {
        let id = person_id(person.number);
        let grant = |group: &String| format!("group:{group}:member:person:{id}");
        wanted_grants.extend(person.groups.iter().map(grant));
        wanted.insert(id, person_row(&person, form));
    }
    for row in place.json(["resources", "--type", "person"]) {
        let wanted = wanted.remove(text(&row, "id")).unwrap_or_else(|| panic!("{row} is not there"));
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(&row[key], value, "{key} of {row}");
        }
    }
    assert!(wanted.is_empty(), "{} persons are missing, as {:?}", wanted.len(), wanted.values().next());

    let mut grants = place.grant_ids();
    grants.sort_unstable();
    wanted_grants.sort_unstable();
    assert!(grants == wanted_grants, "{} grants instead of {}", grants.len(), wanted_grants.len());

    let groups = place.json(["resources", "--type", "group"]);
    let current: Vec<_> = world.groups.values().filter(|group| !group.archived).collect();
    assert_eq!(groups.len(), current.len());
    for group in current {
        let row = groups.iter().find(|row| row["id"] == group.id.as_str()).expect("every group");
        let of = world.types.iter().find(|of| of.id == group.of_type).unwrap();
        assert_eq!((text(row, "name"), text(row, "kind")), (group.name.as_str(), "group"));
        assert_eq!(row["parent"], json!(group.parent.as_ref().map(|id| json!({"type": "group", "id": id}))));
        assert_eq!(row["profile"], json!({"type": of.name, "typeId": of.id}));
    }
    let entitlements = place.rows("entitlements");
    assert_eq!(entitlements.len(), groups.len());
    for row in &entitlements {
        assert_eq!((text(row, "slug"), &row["grantable_to"]), ("member", &json!(["person"])), "{row}");
        assert_eq!((&row["resource"]["type"], text(row, "purpose")), (&json!("group"), "assignment"));
    }
}

#[test]
fn people_groups_and_memberships_are_published_one_to_one() {
    for former in [false, true] {
        let place = place(mixed(), "per-person", former);
        place.muster(["sync"]).exits(0).stderr_is_empty();
        assert_one_to_one(&place, &place.fake().world(), &Form::default(), former);
        let again = place.muster(["sync"]);
        again.exits(0).says("0 added, 0 changed, 0 removed");
    }
}

#[test]
fn every_form_of_a_row_gives_what_it_says() {
    let forms = [
        Form { keys: Keys::Nested, ..Form::default() },
        Form { keys: Keys::Nested, empty: Empty::Absent, refs: Refs::Objects, numbers: true, ..Form::default() },
        Form { names: Names::Text, empty: Empty::Text, extra: true, ..Form::default() },
        Form { keys: Keys::Nested, managers: Managers::JobAndEmail, empty: Empty::Text, ..Form::default() },
        Form { managers: Managers::JobTwice, empty: Empty::Absent, extra: true, numbers: true, ..Form::default() },
        Form { keys: Keys::Nested, managers: Managers::JobTwice, refs: Refs::Objects, ..Form::default() },
    ];
    for form in forms {
        let place = place(mixed().form(form), "list", true);
        let run = place.muster(["sync"]);
        run.exits(0);
        assert_one_to_one(&place, &place.fake().world(), &form, true);
        match form.managers {
            Managers::All => run.stderr_is_empty(),
            _ => run.complains("does not say who the manager is as a person"),
        };
        place.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
    }
}

#[test]
fn both_ways_to_read_memberships_give_the_same() {
    let unknown = Form { no_groups_in_list: true, ..Form::default() };
    let snapshot = |builder: Builder, membership: &str| {
        let place = place(builder, membership, false);
        place.muster(["sync"]).exits(0);
        let requests = place.fake().stats().requests;
        (["resources", "entitlements", "grants"].map(|rows| place.rows(rows)), requests)
    };
    let (per_person, many) = snapshot(mixed(), "per-person");
    let (list, few) = snapshot(mixed(), "list");
    assert_eq!(per_person, list);
    assert_eq!((many, few), (8 + 627, 8), "two for the check, two counts, two pages, types and groups");
    let (fallen_back, requests) = snapshot(mixed().form(unknown), "list");
    assert_eq!(fallen_back, list, "a list that does not know the groups is no list of people without any");
    assert_eq!(requests, many);
}

#[test]
fn a_change_of_the_way_changes_no_row() {
    let mut place = place(mixed(), "per-person", false);
    place.muster(["sync"]).exits(0);
    place.change("people", |profile| profile.setting("charthop-membership", "list"));
    place.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn groups_come_in_pages_and_each_has_its_type() {
    let place = place(FakeChartHop::builder(), "list", false);
    place.fake().edit(|world| {
        for number in 2_000..3_300 {
            world.add_group(number, &format!("guild {number}"), 4, Some(2_000).filter(|first| *first < number));
        }
        world.edit_person(5, |person| person.groups.extend([group_id(3_299)]));
    });
    place.muster(["sync"]).exits(0).stderr_is_empty();
    assert_one_to_one(&place, &place.fake().world(), &Form::default(), false);
    assert_eq!(place.fake().count(&place.fake().path("group")), 3);
    place.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn a_change_at_the_vendor_is_the_change_that_is_published() {
    let place = place(mixed(), "per-person", true);
    place.muster(["sync"]).exits(0);
    place.fake().edit(|world| {
        world.edit_person(10, |person| person.title = Some("Head".to_owned()));
        world.edit_person(11, |person| person.groups = [group_id(401)].into());
        world.depart(12);
        world.hire();
    });
    place.muster(["sync"]).exits(0);
    assert_one_to_one(&place, &place.fake().world(), &Form::default(), true);
}

#[test]
fn a_hundred_thousand_people_are_published_one_to_one() {
    let builder = FakeChartHop::builder().persons(99_000).starting(1_000);
    let place = place(builder, "list", false);
    place.muster(["sync"]).exits(0).says("100035 resources, 35 entitlements").says("206 requests").stderr_is_empty();
    assert_one_to_one(&place, &place.fake().world(), &Form::default(), false);
}

#[test]
fn nothing_is_asked_or_said_of_who_may_sign_in() {
    for (membership, former) in [("per-person", false), ("per-person", true), ("list", true)] {
        let place = place(mixed(), membership, former);
        place.muster(["check"]).exits(0).says("people: ok, Acme Corp").never_says("Login").never_says("login.user");
        place.muster(["sync"]).exits(0);
        let org = "/v1/org/acme";
        let known = ["/v1/user/me", org, "/v1/org/acme/group-type", "/v2/org/acme/person", "/v2/org/acme/group"];
        for path in place.fake().counts().into_keys() {
            let person = path.strip_prefix("/v2/org/acme/person/").is_some_and(|rest| !rest.contains('/'));
            assert!(person || known.contains(&path.as_str()), "{path} was asked for");
        }
        assert_eq!(place.fake().strangers(), Vec::<String>::new());
        for request in place.fake().requests() {
            assert_eq!((request.method.as_str(), request.body.len()), ("GET", 0), "{}", request.target());
            let carriers: Vec<&str> = request
                .headers
                .iter()
                .filter(|(_, value)| value.to_str().is_ok_and(|value| value.contains(place.fake().token())))
                .map(|(name, _)| name.as_str())
                .collect();
            assert_eq!(carriers, ["authorization"], "the token travels once");
            assert_eq!(request.header("authorization"), Some("Bearer charthop-demo-token"));
        }
        let rows = ["resources", "entitlements", "grants"].map(|rows| place.muster([rows, "--json"]).stdout).concat();
        for word in ["login.user", "Login User", "ADMINISTRATOR"] {
            assert!(!rows.contains(word), "{word} was published");
        }
        let types: BTreeSet<String> = place.rows("resources").iter().map(|row| text(row, "type").to_owned()).collect();
        assert_eq!(types, BTreeSet::from(["group", "person"].map(str::to_owned)));
    }
}

#[test]
fn former_people_are_asked_for_only_where_they_are_wanted() {
    for former in [false, true] {
        let place = place(mixed(), "list", former);
        place.muster(["sync"]).exits(0);
        for request in place.fake().requests().iter().filter(|request| request.path.ends_with("/person")) {
            let asked = request.query.as_deref().is_some_and(|query| query.contains("includeAll=true"));
            assert_eq!(asked, former, "{}", request.target());
        }
        let rows = place.json(["resources", "--type", "person"]);
        let departed = rows.iter().filter(|row| row["status"] == "departed").count();
        assert_eq!(departed, if former { 40 } else { 0 });
    }
}
