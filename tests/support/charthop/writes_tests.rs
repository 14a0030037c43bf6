//! Writing, against the facts.

use serde_json::{Value, json};

use super::world::{Stage, job_id, person_id};
use super::writable::{End, LogForm, Status, Writing};
use super::{Builder, FakeChartHop};
use crate::fault::{Fault, FaultKind};
use crate::raw::{Raw, send};
use crate::roster::{Member, charthop};

const TODAY: &str = "2026-03-01";
const HEAD: &str = "Work Email,First Name,Last Name,Job Title,Start Date,Manager";
const FLAGS: &str = "skipErrors=false&upsert=true&createGroups=true&disableSyncHireDate=false&disableOverwritePerson=false&importDryRun=false";

/// A head and somebody who reports to her.
fn two() -> Builder {
    let head = Member::new("ada@acme.test", "Ada", "Alm").title("Chief").works("Ops", "Harbour").employee("7");
    let other = Member::new("bo@acme.test", "Bo", "Berg").title("Engineer").manager("ada@acme.test");
    charthop(&[head, other]).writable().today(TODAY)
}

fn ask(fake: &FakeChartHop, method: &str, path: &str, body: &str) -> Raw {
    send(fake.address(), method, path, &[("authorization", &format!("Bearer {}", fake.token()))], body)
}

fn import(fake: &FakeChartHop, query: &str, csv: &str) -> Raw {
    let headers = [
        ("authorization", format!("Bearer {}", fake.token())),
        ("content-type", "multipart/form-data; boundary=frontier".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let head = "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\nContent-Type: text/csv\r\n\r\n";
    let body = format!("{head}{csv}\r\n--frontier--\r\n");
    send(fake.address(), "POST", &format!("/v1/org/acme/import/csv/data?{query}"), &headers, &body)
}

/// Imports, and asks once what came of it.
fn imported(fake: &FakeChartHop, query: &str, csv: &str) -> Value {
    let answer = import(fake, query, csv);
    assert_eq!(answer.status, 200, "{}", answer.text());
    process(fake, &answer)
}

fn process(fake: &FakeChartHop, answer: &Raw) -> Value {
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    ask(fake, "GET", &format!("/v1/org/acme/process/{id}"), "").json()
}

fn flags(changed: &str) -> String {
    let (name, value) = changed.split_once('=').unwrap();
    let flags = FLAGS.split('&').filter(|flag| !flag.starts_with(name)).collect::<Vec<_>>().join("&");
    format!("{flags}&{name}={value}")
}

#[test]
fn only_a_writable_one_can_be_written_and_nothing_but_people() {
    let closed = charthop(&[]).start();
    assert_eq!(import(&closed, FLAGS, "").status, 405);
    assert_eq!(ask(&closed, "GET", "/v1/org/acme/process", "").status, 404);
    assert_eq!(
        closed.strangers().iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>().len(),
        3,
        "the import by its method and by its path, and the processes: {:?}",
        closed.strangers()
    );
    let open = two().start();
    import(&open, FLAGS, HEAD);
    ask(&open, "GET", "/v1/org/acme/process", "");
    assert_eq!(open.strangers(), Vec::<String>::new());
    assert_eq!(ask(&open, "DELETE", &format!("/v2/org/acme/person/{}", person_id(1)), "").status, 405);
    assert_eq!(ask(&open, "POST", "/v2/org/acme/job", "{}").status, 405);
    assert_eq!(open.strangers().len(), 3, "{:?}", open.strangers());
}

#[test]
fn an_import_needs_its_six_flags_and_a_file_that_begins_with_the_address() {
    let fake = two().start();
    for flag in FLAGS.split('&') {
        let others = FLAGS.split('&').filter(|other| *other != flag).collect::<Vec<_>>().join("&");
        assert_eq!(import(&fake, &others, HEAD).status, 400, "without {flag}");
    }
    assert_eq!(import(&fake, FLAGS, "First Name,Work Email\n").status, 400);
    assert_eq!(import(&fake, &format!("{FLAGS}&scenarioId=nowhere"), HEAD).status, 400);
    assert_eq!(fake.processes().len(), 0);
}

#[test]
fn people_are_hired_in_the_order_of_the_file_and_a_second_time_changes_nothing() {
    let fake = two().start();
    let csv = format!(
        "{HEAD},Department,Location,Employment,Employee ID\n\
         cy@acme.test,Cy,\"Dahl, \"\"Jr\"\"\",Lead,2/3/2024,ada@acme.test,Ops,New York,FULL,=1+2\n\
         di@acme.test,Di,Ek,Engineer,4/1/2026,CY@acme.test,Ops,Harbour,CONTRACT,009\n"
    );
    let source = format!("{FLAGS}&importSource=mark-1");
    let done = imported(&fake, &source, &csv);
    assert_eq!((&done["status"], &done["options"]["importSource"]), (&json!("DONE"), &json!("mark-1")));
    let world = fake.world();
    let cy = world.by_email("cy@acme.test").unwrap();
    assert_eq!((cy.last.as_str(), cy.employee.as_deref(), cy.manager), ("Dahl, \"Jr\"", Some("=1+2"), Some(1)));
    assert_eq!((cy.start.as_deref(), cy.location.as_deref()), (Some("2024-02-03"), Some("New York")));
    let di = world.by_email("di@acme.test").unwrap();
    assert_eq!((di.manager, di.stage, di.employee.as_deref()), (Some(cy.number), Stage::Starting, Some("009")));
    let row =
        ask(&fake, "GET", &format!("/v2/org/acme/person?fields=manager.contact.workEmail&ids={}", person_id(4)), "");
    assert_eq!(row.json()["data"][0]["manager.contact.workEmail"], "cy@acme.test");
    let applied = fake.applied();
    assert_eq!(applied.iter().map(|one| one.what).collect::<Vec<_>>(), ["group", "hire", "hire"]);
    imported(&fake, &source, &csv);
    assert_eq!((fake.applied(), fake.world().count(Stage::Current)), (applied, 3));
    assert_eq!(fake.processes().len(), 2);
}

#[test]
fn somebody_new_needs_five_columns_and_a_manager_who_is_known() {
    let row = "cy@acme.test,Cy,Dahl,Lead,2/3/2024,ada@acme.test";
    let table = [
        (HEAD.replace(",Manager", ""), row.replace(",ada@acme.test", ""), "Manager is required"),
        (HEAD.to_owned(), row.replace(",Dahl,", ",,"), "Last Name is required"),
        (HEAD.to_owned(), row.replace("2/3/2024", "2024-02-03"), "is not M/D/YYYY"),
        (HEAD.to_owned(), row.replace("ada@", "nobody@"), "Manager nobody@acme.test not found"),
        (HEAD.to_owned(), row.replace("cy@acme.test", "cy"), "is no address"),
        (format!("{HEAD},Employment"), format!("{row},full-time"), "is unknown"),
    ];
    for (head, row, wanted) in table {
        let fake = two().start();
        let done = imported(&fake, FLAGS, &format!("{head}\n{row}\n"));
        assert_eq!(done["status"], "ERROR");
        let message = done["logDataList"][1]["message"].as_str().unwrap();
        assert!(message.contains(wanted) && message.contains("Row 1"), "{message}");
        assert_eq!(fake.applied(), []);
    }
    let fake = two().start();
    let done = imported(&fake, FLAGS, &format!("{HEAD}\n{}\n", row.replace("ada@acme.test", "")));
    assert_eq!(done["status"], "DONE", "a head has no manager");
}

#[test]
fn flags_hold_rows_back() {
    let fake = two().start();
    let new = format!("{HEAD}\ncy@acme.test,Cy,Dahl,Lead,2/3/2024,ada@acme.test\n");
    assert_eq!(imported(&fake, &flags("upsert=false"), &new)["status"], "ERROR");
    let group = "Work Email,Department\nbo@acme.test,Moon\n";
    assert_eq!(imported(&fake, &flags("createGroups=false"), group)["status"], "ERROR");
    assert_eq!(imported(&fake, &flags("importDryRun=true"), &new)["results"]["created"], 1);
    assert_eq!(fake.applied(), [], "a dry run");
    let names = "Work Email,First Name,Employee ID,Job Title\nada@acme.test,Eve,8,Boss\nbo@acme.test,Rob,9,Boss\n";
    imported(&fake, &flags("disableOverwritePerson=true"), names);
    let world = fake.world();
    let (ada, bo) = (world.person(1).unwrap(), world.person(2).unwrap());
    assert_eq!((ada.first.as_str(), ada.employee.as_deref(), ada.title.as_deref()), ("Ada", Some("7"), Some("Boss")));
    assert_eq!((bo.first.as_str(), bo.employee.as_deref()), ("Bo", Some("9")), "what is empty is filled");
    imported(&fake, &flags("disableSyncHireDate=true"), "Work Email,Start Date\nbo@acme.test,1/1/2021\n");
    assert_eq!(fake.world().person(2).unwrap().start.as_deref(), Some("2020-02-03"));
}

#[test]
fn an_empty_cell_blanks_only_where_that_is_the_habit() {
    for (blanks, wanted) in [(false, Some("Engineer")), (true, None)] {
        let fake = two().writing(|writing| writing.empty_cells_blank = blanks).start();
        imported(&fake, FLAGS, "Work Email,Job Title,Location\nbo@acme.test,,Harbour\n");
        assert_eq!(fake.world().person(2).unwrap().title.as_deref(), wanted);
    }
}

#[test]
fn a_change_of_a_later_day_is_not_seen_and_not_made_twice() {
    let fake = two().start();
    let later = "Work Email,Job Title,date\nbo@acme.test,Lead,4/1/2026\n";
    imported(&fake, FLAGS, later);
    imported(&fake, FLAGS, later);
    assert_eq!(fake.world().person(2).unwrap().title.as_deref(), Some("Engineer"));
    assert_eq!((fake.world().scheduled.len(), fake.applied().len()), (1, 1));
    imported(&fake, &format!("{FLAGS}&defaultChangeDate=2026-02-28"), "Work Email,Job Title\nbo@acme.test,Lead\n");
    assert_eq!(fake.world().person(2).unwrap().title.as_deref(), Some("Lead"));
}

#[test]
fn rows_fail_alone_or_all_together_and_the_log_says_which() {
    let csv = "Work Email,Job Title\nada@acme.test,A\nbo@acme.test,B\n";
    let failing = |writing: &mut Writing| drop(writing.failing_rows.insert(2, "too long".to_owned()));
    let fake = two().writing(failing).start();
    assert_eq!(imported(&fake, FLAGS, csv)["status"], "ERROR");
    assert_eq!((fake.applied(), fake.rows_failed()), (vec![], 1));
    let table = [
        (LogForm::Data, "Row 2: too long", json!({"row": 2, "workEmail": "bo@acme.test"})),
        (LogForm::Address, "Row 2 (bo@acme.test): too long", Value::Null),
        (LogForm::SheetRow, "Row 3: too long", Value::Null),
    ];
    for (form, message, data) in table {
        fake.rewrite(|writing| writing.log_form = form);
        let done = imported(&fake, &flags("skipErrors=true"), csv);
        assert_eq!(done["status"], "DONE_WITH_ERRORS");
        let entry = &done["logDataList"][1];
        assert_eq!((&entry["level"], &entry["message"], &entry["data"]), (&json!("ERROR"), &json!(message), &data));
    }
    assert_eq!((fake.applied().len(), fake.rows_failed()), (1, 4));
    fake.rewrite(|writing| *writing = Writing::default());
    fake.rewrite(|writing| drop(writing.failing_emails.insert("ada@acme.test".to_owned(), "no".to_owned())));
    assert_eq!(imported(&fake, &flags("skipErrors=true"), csv)["logDataList"][1]["data"]["row"], 1);
}

#[test]
fn a_process_is_asked_for_until_it_ends_and_the_list_has_the_newest_first() {
    let fake = two().writing(|writing| writing.polls = 2).start();
    let first = import(&fake, &format!("{FLAGS}&importSource=one"), "Work Email,Job Title\nbo@acme.test,B\n");
    assert_eq!((first.status, &first.json()["status"]), (200, &json!("PENDING")));
    let statuses: Vec<Value> = (0..4).map(|_| process(&fake, &first)["status"].clone()).collect();
    assert_eq!(statuses, ["RUNNING", "RUNNING", "DONE", "DONE"]);
    import(&fake, &format!("{FLAGS}&importSource=two"), "Work Email,Job Title\nbo@acme.test,C\n");
    let sources = |query: &str| -> (Vec<Value>, Value) {
        let list = ask(&fake, "GET", &format!("/v1/org/acme/process?{query}"), "").json();
        let rows = list["data"].as_array().unwrap();
        (rows.iter().map(|row| row["options"]["importSource"].clone()).collect(), list["next"].clone())
    };
    assert_eq!(sources("limit=10"), (vec![json!("two"), json!("one")], Value::Null));
    assert_eq!(sources("statuses=PENDING,RUNNING").0, [json!("two")]);
    let (page, next) = sources("limit=1");
    assert_eq!(page, [json!("two")]);
    assert_eq!(sources(&format!("limit=1&from={}", next.as_str().unwrap())).0, [json!("one")]);
    fake.rewrite(|writing| writing.sources_hidden = true);
    assert_eq!(sources("limit=1").0, [Value::Null]);
    assert_eq!(ask(&fake, "GET", "/v1/org/acme/process/nothing", "").status, 404);
}

#[test]
fn a_process_ends_as_it_is_told() {
    let ends = vec![End::Error("out of memory".to_owned()), End::Silent("some rows failed".to_owned())];
    let fake = two().writing(|writing| writing.ends = ends).start();
    let csv = "Work Email,Job Title\nada@acme.test,A\nbo@acme.test,B\n";
    let done = imported(&fake, FLAGS, csv);
    assert_eq!((&done["status"], &done["message"]), (&json!("ERROR"), &json!("out of memory")));
    let done = imported(&fake, FLAGS, csv);
    assert_eq!((&done["status"], &done["message"]), (&json!("DONE_WITH_ERRORS"), &json!("some rows failed")));
    assert_eq!(fake.applied().len(), 1, "every other row");
    assert_eq!((imported(&fake, FLAGS, csv)["status"].clone(), fake.ends_bent()), (json!("DONE"), 2));
    assert_eq!(fake.processes()[2].status, Status::Done);
}

#[test]
fn a_scenario_is_a_copy_that_lists_show_when_they_are_asked_for_it() {
    let fake = two().writing(|writing| writing.scenarios = ["s1".to_owned()].into()).start();
    imported(&fake, &format!("{FLAGS}&scenarioId=s1"), "Work Email,Job Title\nbo@acme.test,B\n");
    let title = |query: &str| {
        let list = ask(&fake, "GET", &format!("/v2/org/acme/person?fields=title{query}"), "").json();
        list["data"][1]["title"].clone()
    };
    assert_eq!((title(""), title("&scenarioId=s1")), (json!("Engineer"), json!("B")));
    assert_eq!(ask(&fake, "GET", "/v2/org/acme/person?scenarioId=s2", "").status, 400);
    assert_eq!(fake.applied()[0].scenario.as_deref(), Some("s1"));
    assert_eq!(fake.scenario("s1").person(2).unwrap().title.as_deref(), Some("B"));
}

#[test]
fn a_change_is_made_where_no_equal_one_exists() {
    let fake = two().start();
    let sync = |of: &str, body: Value| {
        let answer = ask(&fake, "POST", &format!("/v1/org/acme/change/sync/{of}"), &body.to_string());
        (answer.status, answer.json()["id"].clone())
    };
    let update = json!({"jobId": job_id(2), "type": "UPDATE", "date": "2026-02-01", "update": {"title": "Lead", "employment": "PART"}});
    let (status, id) = sync("UPDATE", update.clone());
    assert_eq!(status, 200);
    assert_eq!(sync("UPDATE", update), (200, id), "the same change");
    assert_eq!(fake.applied().len(), 2);
    let group = fake.world().group_named(super::world::DEPARTMENT, "Ops").unwrap().to_owned();
    sync("UPDATE", json!({"personId": person_id(2), "date": "2026-02-01", "update": {"addGroupIds": [group]}}));
    assert_eq!(fake.world().person(2).unwrap().department.as_deref(), Some("Ops"));

    let depart = |date: &str| json!({"jobId": job_id(2), "personId": person_id(2), "type": "DEPART", "date": date});
    sync("DEPART", depart("2026-09-01"));
    let bo = fake.world().person(2).unwrap();
    assert_eq!((bo.end.as_deref(), bo.stage), (Some("2026-09-01"), Stage::Current), "shown at once");
    sync("DEPART", depart("2026-02-01"));
    sync("DEPART", depart("2026-02-01"));
    sync("BACKFILL", json!({"jobId": job_id(2), "date": "2026-02-01"}));
    assert_eq!((fake.world().person(2).unwrap().stage, fake.world().open_jobs.len()), (Stage::Former, 1));
    let twice: Vec<(&str, String)> = fake.applied_twice().into_iter().map(|twice| (twice.what, twice.who)).collect();
    assert_eq!(twice, [("change", person_id(2)), ("change", person_id(2))], "applied once, and asked for twice");

    for (of, body, wanted) in [
        ("DEPART", depart("2/1/2026"), 400),
        ("DEPART", json!({"jobId": job_id(9), "date": "2026-02-01"}), 404),
        ("DEPART", json!({"personId": job_id(1), "date": "2026-02-01"}), 404),
        ("DEPART", json!({"jobId": job_id(1), "personId": person_id(2), "date": "2026-02-01"}), 400),
        ("UPDATE", depart("2026-02-01"), 400),
        ("UPDATE", json!({"jobId": job_id(1), "date": "2026-02-01", "update": {"salary": "1"}}), 400),
        ("MOVE", json!({"jobId": job_id(1), "date": "2026-02-01"}), 400),
    ] {
        assert_eq!(sync(of, body.clone()).0, wanted, "{of} {body}");
    }
}

#[test]
fn a_person_is_patched_flat_or_nested() {
    let fake = two().start();
    let patch =
        |id: String, body: Value| ask(&fake, "PATCH", &format!("/v2/org/acme/person/{id}"), &body.to_string()).status;
    assert_eq!(patch(person_id(2), json!({"name": {"last": "Bergh"}, "contact.workEmail": "bo.bergh@acme.test"})), 204);
    let bo = fake.world().by_email("bo.bergh@acme.test").unwrap();
    assert_eq!((bo.number, bo.last.as_str(), fake.applied().len()), (2, "Bergh", 2));
    assert_eq!(patch(person_id(2), json!({"contact": {"workEmail": "ADA@acme.test"}})), 400, "hers");
    assert_eq!(patch(person_id(2), json!({"shoeSize": "43"})), 400);
    assert_eq!(patch(person_id(9), json!({"name.first": "X"})), 404);
    assert_eq!(fake.strangers(), Vec::<String>::new());
}

#[test]
fn a_write_that_is_taken_a_second_time_is_noticed_though_it_changes_nothing() {
    let fake = two().start();
    let marked = |source: &str| format!("{FLAGS}&importSource={source}");
    let title = "Work Email,Job Title\nbo@acme.test,B\n";
    import(&fake, &marked("one"), title);
    import(&fake, &marked("two"), title);
    import(&fake, &marked("two"), "Work Email,Job Title\nbo@acme.test,C\n");
    import(&fake, &marked("one").replace("DryRun=false", "DryRun=true"), title);
    assert_eq!((fake.applied_twice(), fake.taken().len()), (vec![], 3));
    import(&fake, &marked("one").replace("createGroups=true", "createGroups=false"), title);
    let patch = json!({"name.first": "Bob"}).to_string();
    for person in [2, 1, 2, 9] {
        ask(&fake, "PATCH", &format!("/v2/org/acme/person/{}", person_id(person)), &patch);
    }
    let twice: Vec<(&str, String)> = fake.applied_twice().into_iter().map(|twice| (twice.what, twice.who)).collect();
    assert!(twice.contains(&("import", "one".to_owned())) && twice.contains(&("patch", person_id(2))), "{twice:?}");
    assert_eq!(twice.iter().filter(|(what, _)| ["import", "patch"].contains(what)).count(), 2, "{twice:?}");
}

#[test]
fn a_write_may_be_accepted_and_its_answer_lost() {
    let fake = two().writing(|writing| writing.accepts = true).start();
    assert_eq!(import(&fake, FLAGS, "Work Email,Job Title\nbo@acme.test,B\n").status, 202);
    let lost = fake.inject(Fault::new("POST", "/v1/org/*/import/csv/data", FaultKind::LostAnswer).times(1));
    let answer = import(&fake, FLAGS, "Work Email,Job Title\nbo@acme.test,C\n");
    assert_eq!((answer.status, answer.head.as_str()), (0, ""), "no byte of it");
    lost.assert_fired(1);
    assert_eq!(fake.world().person(2).unwrap().title.as_deref(), Some("C"));
}
