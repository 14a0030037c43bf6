//! A SCIM server that nobody here wrote, `scim2-server` of PyPI: what is made over its API is what is published.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::scene::{Profile, Scene, text};
use support::scim2::{ROOT, Scim2, TOKEN};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The server, or nothing and the printed reason where Python is missing.
fn server() -> Option<Scim2> {
    match Scim2::start() {
        Ok(server) => Some(server),
        Err(reason) => {
            println!("skipped: {reason}, which scim2-server runs on");
            None
        }
    }
}

fn scene(server: &Scim2) -> Scene {
    let address = server.address().to_string();
    let profile = Profile::new("people", "scim")
        .setting("scim-base-url", &format!("http://{address}"))
        .setting("scim-path", ROOT)
        .setting_toml("scim-token", "{ env = \"REAL_SCIM_TOKEN\" }")
        .allow_private(&address);
    Scene::new().built_connector("scim").env("REAL_SCIM_TOKEN", TOKEN).connection(profile)
}

fn id(resource: &Value) -> &str {
    text(resource, "id")
}

/// A user as it is made; `enterprise` may be null.
fn user(server: &Scim2, mut core: Value, enterprise: Value) -> Value {
    core["schemas"] = json!([USER]);
    if !enterprise.is_null() {
        core["schemas"] = json!([USER, ENTERPRISE]);
        core[ENTERPRISE] = enterprise;
    }
    server.create("/Users", &core)
}

fn group(server: &Scim2, name: &str, members: &[(&Value, &str)]) -> Value {
    let members: Vec<Value> = members.iter().map(|(member, kind)| json!({"value": id(member), "type": kind})).collect();
    server.create("/Groups", &json!({"schemas": [GROUP], "displayName": name, "members": members}))
}

/// Everything the server holds, asked for one by one, in the words of a snapshot.
struct Truth {
    resources: BTreeMap<String, Value>,
    grants: Vec<String>,
}

impl Truth {
    fn of(server: &Scim2, users: &[String], groups: &[String]) -> Self {
        let mut truth = Truth { resources: BTreeMap::new(), grants: Vec::new() };
        for id in users {
            let user = server.call("GET", &format!("/Users/{id}"), None).body;
            let work = &user[ENTERPRISE];
            let email = user["emails"].as_array().and_then(|list| list.iter().find(|email| email["primary"] == true));
            let row = json!({
                "name": user.get("displayName").unwrap_or(&user["userName"]),
                "login": user["userName"],
                "email": email.map(|email| &email["value"]),
                "status": if user["active"] == false { "disabled" } else { "enabled" },
                "employee": work["employeeNumber"],
                "department": work["department"],
                "title": user["title"],
                "manager": work["manager"]["value"],
                "external": user["externalId"],
            });
            truth.resources.insert(format!("user:{id}"), row);
        }
        for id in groups {
            let group = server.call("GET", &format!("/Groups/{id}"), None).body;
            truth.resources.insert(format!("group:{id}"), json!({"name": group["displayName"]}));
            for member in group["members"].as_array().into_iter().flatten() {
                let kind = if groups.iter().any(|group| member["value"] == *group) { "group" } else { "user" };
                truth.grants.push(format!("group:{id}:member:{kind}:{}", text(member, "value")));
            }
        }
        truth.grants.sort();
        truth
    }

    #[track_caller]
    fn is_published(&self, scene: &Scene) {
        let rows = scene.rows("resources");
        let seen = |row: &Value| match text(row, "type") {
            "group" => json!({"name": row["name"]}),
            _ => json!({
                "name": row["name"],
                "login": row["login"],
                "email": row["email"],
                "status": row["status"],
                "employee": row["employment"]["employee_id"],
                "department": row["employment"]["department"],
                "title": row["employment"]["title"],
                "manager": row["employment"]["manager"]["id"],
                "external": row["profile"]["externalId"],
            }),
        };
        let key = |row: &Value| format!("{}:{}", text(row, "type"), text(row, "id"));
        let found: BTreeMap<String, Value> = rows.iter().map(|row| (key(row), seen(row))).collect();
        assert_eq!(found, self.resources);
        let mut grants = scene.grant_ids();
        grants.sort();
        assert_eq!(grants, self.grants);
    }
}

#[test]
fn what_is_made_at_a_real_server_is_what_is_published() {
    let Some(server) = server() else { return };
    let none = Value::Null;
    let mail = |address: &str| json!([{"value": address, "type": "work", "primary": true}]);
    let ann = user(
        &server,
        json!({"userName": "ann", "displayName": "Ann Tidewater", "title": "Captain", "externalId": "x-1",
               "emails": [{"value": "ann@home.test", "type": "home"},
                          {"value": "ann@ship.test", "type": "work", "primary": true}],
               "active": true}),
        json!({"employeeNumber": "1001", "department": "Bridge", "costCenter": "7"}),
    );
    let ben = user(
        &server,
        json!({"userName": "ben", "displayName": "Ben Keel", "emails": mail("ben@ship.test"), "active": true}),
        json!({"department": "Engine", "manager": {"value": id(&ann)}}),
    );
    let dov = user(&server, json!({"userName": "dov", "displayName": "דב עוגן", "active": false}), none.clone());
    let eva = user(&server, json!({"userName": "ева", "displayName": "Ева Парус 👩\u{200d}🚀"}), none.clone());
    let fay = user(&server, json!({"userName": "fay@ship.test"}), none.clone());
    let mut users: Vec<String> = [&ann, &ben, &dov, &eva, &fay].map(|one| id(one).to_owned()).to_vec();
    // More than two pages.
    for number in 0..230 {
        let name = format!("crew{number}");
        users.push(id(&user(&server, json!({"userName": name, "displayName": name}), none.clone())).to_owned());
    }
    let officers = group(&server, "Officers", &[(&ann, "User"), (&ben, "User")]);
    let crew = group(&server, "Crew · команда", &[(&dov, "User"), (&eva, "User"), (&officers, "Group")]);
    let nobody = group(&server, "Nobody", &[]);
    let mut groups: Vec<String> = [&officers, &crew, &nobody].map(|one| id(one).to_owned()).to_vec();

    let scene = scene(&server);
    scene.muster(["check"]).exits(0).says("people: ok");
    scene.muster(["sync"]).exits(0).says("238 resources, 3 entitlements, 5 grants").stderr_is_empty();
    Truth::of(&server, &users, &groups).is_published(&scene);

    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!((&line["added"], &line["changed"], &line["removed"]), (&json!(0), &json!(0), &json!(0)), "{line}");

    // Somebody leaves, somebody moves, somebody comes; a group goes, and one is in itself.
    server.delete("/Users", id(&dov));
    users.retain(|one| one != id(&dov));
    server.delete("/Groups", id(&nobody));
    groups.retain(|one| one != id(&nobody));
    let mut moved = ben.clone();
    moved["displayName"] = json!("Ben Keel-Anker");
    moved["active"] = json!(false);
    moved[ENTERPRISE]["department"] = json!("Harbour");
    server.replace("/Users", &moved);
    let gus = user(&server, json!({"userName": "gus", "displayName": "Gus", "emails": mail("gus@ship.test")}), none);
    users.push(id(&gus).to_owned());
    let mut circle = crew.clone();
    circle["members"] = json!([
        {"value": id(&eva), "type": "User"},
        {"value": id(&gus), "type": "User"},
        {"value": id(&officers), "type": "Group"},
        {"value": id(&crew), "type": "Group"},
    ]);
    server.replace("/Groups", &circle);
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    assert_eq!(line["status"], "published");
    assert_eq!((&line["added"], &line["changed"]), (&json!(3), &json!(1)), "{line}");
    Truth::of(&server, &users, &groups).is_published(&scene);
}

#[test]
fn a_real_server_that_refuses_the_token() {
    let Some(server) = server() else { return };
    let scene = scene(&server).env("REAL_SCIM_TOKEN", "mistyped");
    scene.muster(["sync"]).exits(1).errs("check scim-token").never_says("mistyped");
}
