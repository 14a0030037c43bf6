//! The steps, against scripted answers of ChartHop.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use muster_sdk::request::Method;
use muster_sdk::roster::{Departure, FieldChange, Person, Update};
use muster_sdk::testing::{Reply, Script, told};
use muster_sdk::{Employment, ResourceId, User};

use super::*;

const AT_PERSON: &str = "?fields=id%2CjobId%2Cname.first%2Cname.last%2Ccontact.workEmail%2Ccontact.employee%2Ctitle%2C\
                         employment%2CstartDateOrg%2CendDateOrg";

fn charthop() -> Script<Charthop> {
    Script::new().setting("charthop-base-url", "https://hop.test").setting("charthop-org-id", "acme")
}

fn options() -> RosterOptions {
    RosterOptions {
        dry_run: false,
        scenario: None,
        overwrite: true,
        create_groups: true,
        skip_errors: true,
        mark: "m1".to_owned(),
    }
}

fn hire(email: &str, manager: Option<&str>) -> RosterChange {
    let employment = Employment {
        employee_id: None,
        title: Some("Head, \"all\"".to_owned()),
        department: Some("=Ops".to_owned()),
        location: None,
        employment_type: Some("full-time".to_owned()),
        manager: None,
        manager_email: None,
        start_date: Some("2024-02-03".to_owned()),
        end_date: None,
    };
    let user = User {
        given_name: Some("Ada".to_owned()),
        family_name: Some("Alm".to_owned()),
        employment: Some(employment),
        ..User::enabled().with_email(Some(email.to_owned()))
    };
    RosterChange::Hire(Person { name: "Ada Alm".to_owned(), user, manager: manager.map(str::to_owned) })
}

fn update(id: &str, email: &str, fields: &[(&str, &str)]) -> RosterChange {
    let change = |(field, value): &(&str, &str)| FieldChange { field: (*field).to_owned(), value: (*value).to_owned() };
    RosterChange::Update(Update {
        id: ResourceId::new("person", id),
        email: (!email.is_empty()).then(|| email.to_owned()),
        fields: fields.iter().map(change).collect(),
        effective: None,
    })
}

fn depart(id: &str, backfill: bool) -> RosterChange {
    let id = ResourceId::new("person", id);
    RosterChange::Depart(Departure { id, email: None, date: "2026-01-31".to_owned(), backfill })
}

/// Where an import is posted.
fn at_import(upsert: bool, stage: usize, rest: &str) -> String {
    format!(
        "/v1/org/acme/import/csv/data?skipErrors=true&upsert={upsert}&createGroups=true&disableSyncHireDate=false&\
         disableOverwritePerson=false&importDryRun=false&importSource=m1-{stage}{rest}"
    )
}

fn process(status: &str) -> Reply {
    Reply::json(200, format!(r#"{{"id":"p1","status":"{status}","options":{{"importSource":"m1-0"}}}}"#))
}

fn at_person(id: &str) -> String {
    format!("/v2/org/acme/person/{id}{AT_PERSON}")
}

fn person(id: &str) -> Reply {
    let json = format!(r#"{{"id":"{id}","jobId":"j{id}","title":"Old","contact.workEmail":"{id}@x.test"}}"#);
    Reply::json(200, json)
}

/// What was posted last, without the form around it.
fn posted(script: &Script<Charthop>) -> String {
    all_posted(script).pop().unwrap()
}

/// Every file that was posted.
fn all_posted(script: &Script<Charthop>) -> Vec<String> {
    let requests = script.requests().into_iter().filter(|request| request.method == Method::Post);
    let texts = requests.map(|request| String::from_utf8(request.body.unwrap()).unwrap());
    let file = |text: String| Some(text.split("\r\n\r\n").nth(1)?.rsplit_once("\r\n--")?.0.to_owned());
    texts.filter_map(file).collect()
}

fn results(outcomes: &[Outcome]) -> Vec<(u32, ResultOf)> {
    outcomes.iter().map(|outcome| (outcome.index, outcome.result.clone())).collect()
}

#[test]
fn people_are_hired_by_one_file_whose_process_is_waited_for() {
    let changes = [hire("ada@x.test", None), hire("bo@x.test", Some("ada@x.test"))];
    let script = charthop()
        .answer(Method::Post, &at_import(true, 0, ""), process("PENDING"))
        .get("/v1/org/acme/process/p1", process("PENDING"))
        .get("/v1/org/acme/process/p1", process("RUNNING"))
        .get("/v1/org/acme/process/p1", process("DONE"));
    let outcomes = script.roster(&changes, &options()).unwrap();
    assert_eq!(results(&outcomes), [(0, ResultOf::Applied), (1, ResultOf::Applied)]);
    assert_eq!(
        posted(&script),
        "Work Email,First Name,Last Name,Job Title,Start Date,Manager,Department,Employment\n\
         ada@x.test,Ada,Alm,\"Head, \"\"all\"\"\",2/3/2024,,=Ops,FULL\n\
         bo@x.test,Ada,Alm,\"Head, \"\"all\"\"\",2/3/2024,ada@x.test,=Ops,FULL\n"
    );
}

#[test]
fn a_file_whose_answer_was_lost_is_found_by_its_mark_and_not_posted_again() {
    let changes = [hire("ada@x.test", None)];
    let list = r#"{"data":[{"id":"p0","options":{}},{"id":"p1","status":"DONE","options":{"importSource":"m1-0"}}]}"#;
    let script = charthop()
        .get("/v1/org/acme/process?limit=100", Reply::json(200, list))
        .get("/v1/org/acme/process/p1", process("DONE"));
    let progress = script.step(None, true, &changes, &options()).unwrap();
    let progress = script.step(progress.next.as_ref(), false, &changes, &options()).unwrap();
    assert_eq!((results(&progress.outcomes), progress.next), (vec![(0, ResultOf::Applied)], None));
}

#[test]
fn where_processes_hide_their_mark_only_those_who_are_not_there_are_posted() {
    let changes = [hire("Ada@x.test", None), hire("bo@x.test", None)];
    let at_busy = "/v1/org/acme/process?statuses=PENDING%2CRUNNING&limit=100";
    let script = charthop()
        .get("/v1/org/acme/process?limit=100", Reply::json(200, r#"{"data":[{"id":"p1","status":"RUNNING"}]}"#))
        .get(at_busy, Reply::json(200, r#"{"data":[{"id":"p1","status":"RUNNING"}]}"#))
        .get("/v1/org/acme/process?limit=100", Reply::json(200, r#"{"data":[{"id":"p1","status":"DONE"}]}"#))
        .get(at_busy, Reply::json(200, r#"{"data":[]}"#))
        .get(
            "/v2/org/acme/person?fields=id%2Ccontact.workEmail%2CstartDateOrg%2CendDateOrg&limit=1000&includeAll=true",
            Reply::json(200, r#"{"data":[{"id":"1","contact.workEmail":"ada@X.test"},{"id":"2"}]}"#),
        )
        .answer(Method::Post, &at_import(true, 0, ""), process("PENDING"))
        .get("/v1/org/acme/process/p1", process("DONE"));
    let waits = script.step(None, true, &changes, &options()).unwrap_err();
    assert_eq!(told(waits), "not-ready: 1", "what is at work may be ours");
    let progress = script.step(None, true, &changes, &options()).unwrap();
    assert_eq!(posted(&script).lines().count(), 2, "{}", posted(&script));
    let progress = script.step(progress.next.as_ref(), false, &changes, &options()).unwrap();
    assert_eq!(results(&progress.outcomes), [(0, ResultOf::Applied), (1, ResultOf::Applied)]);
}

/// Where nobody says which process was ours, and Ada is there by now. Bo has left, and Cy has come back.
fn lost() -> Script<Charthop> {
    let people = r#"{"data":[{"id":"1","contact.workEmail":"ada@x.test"},
        {"id":"2","contact.workEmail":"bo@x.test","startDateOrg":"2020-01-01","endDateOrg":"2025-01-01"},
        {"id":"3","contact.workEmail":"cy@x.test","startDateOrg":"2025-06-01","endDateOrg":"2025-01-01"}]}"#;
    charthop()
        .get("/v1/org/acme/process?limit=100", Reply::json(200, r#"{"data":[]}"#))
        .get("/v1/org/acme/process?statuses=PENDING%2CRUNNING&limit=100", Reply::json(200, r#"{"data":[]}"#))
        .get(
            "/v2/org/acme/person?fields=id%2Ccontact.workEmail%2CstartDateOrg%2CendDateOrg&limit=1000&includeAll=true",
            Reply::json(200, people),
        )
}

#[test]
fn who_has_left_is_posted_again_and_who_is_there_is_not_forgotten() {
    let changes = [hire("ada@x.test", None), hire("bo@x.test", None), hire("cy@x.test", None)];
    let table = [(Reply::json(400, r#"{"message":"no"}"#), None), (Reply::empty(202), Some(ResultOf::Accepted))];
    for (answer, wanted) in table {
        let script = lost().answer(Method::Post, &at_import(true, 0, ""), answer);
        let told = results(&script.step(None, true, &changes, &options()).unwrap().outcomes);
        assert!(posted(&script).lines().nth(1).unwrap().starts_with("bo@x.test,"), "{}", posted(&script));
        assert_eq!(posted(&script).lines().count(), 2);
        assert_eq!(told[..2], [(0, ResultOf::Applied), (2, ResultOf::Applied)]);
        match wanted {
            Some(wanted) => assert_eq!(told[2..], [(1, wanted)]),
            None => assert!(matches!(&told[2..], [(1, ResultOf::Refused(_))]), "{told:?}"),
        }
    }
}

fn placed(email: &str, manager: Option<&str>, location: Option<&str>) -> RosterChange {
    let mut hire = hire(email, manager);
    if let RosterChange::Hire(person) = &mut hire {
        person.user.employment.as_mut().unwrap().location = location.map(str::to_owned);
    }
    hire
}

#[test]
fn no_cell_of_a_hire_is_empty_but_the_managers_and_managers_come_first() {
    let changes = [
        placed("a@x.test", None, None),
        placed("b@x.test", Some("a@x.test"), Some("Bonn")),
        placed("c@x.test", Some("A@x.test"), None),
        placed("d@x.test", Some("b@x.test"), None),
        placed("e@x.test", Some("b@x.test"), Some("Bonn")),
    ];
    let made = plan(&changes, &options());
    let rows: Vec<&[usize]> = made.stages.iter().map(Stage::places).collect();
    assert_eq!(rows, [&[0, 2][..], &[1, 4], &[3]]);
    for stage in &made.stages {
        let Stage::Import(file) = stage else { panic!("{stage:?}") };
        for place in &file.rows {
            let cells = plan::cells(&changes[*place], &file.columns, &made.addresses, &HashSet::new());
            let empty = file.columns.iter().zip(&cells).filter(|(_, cell)| cell.is_empty());
            assert!(empty.clone().all(|(field, _)| field.name == "manager" && *place == 0), "{place}: {cells:?}");
        }
    }
}

#[test]
fn what_was_written_in_part_is_not_told_as_refused() {
    let changes = [update("a", "a@x.test", &[("title", "Lead"), ("given_name", "Ann")])];
    let script = charthop()
        .get(&at_person("a"), person("a"))
        .answer(Method::Patch, "/v2/org/acme/person/a", Reply::empty(204))
        .answer(Method::Post, "/v1/org/acme/change/sync/UPDATE", Reply::json(400, r#"{"message":"no"}"#));
    let outcomes = results(&script.roster(&changes, &options()).unwrap());
    let why = "the person was changed, the job was not: POST /v1/org/acme/change/sync/UPDATE answered 400: no";
    assert_eq!(outcomes, [(0, ResultOf::Unclear(why.to_owned()))]);
    let jobless = Reply::json(200, r#"{"id":"a"}"#);
    let outcomes = results(&charthop().get(&at_person("a"), jobless).roster(&changes, &options()).unwrap());
    assert_eq!(
        outcomes,
        [(0, ResultOf::Refused("the person a has no job in ChartHop".to_owned()))],
        "nothing is written"
    );
}

#[test]
fn updates_go_into_a_file_for_each_set_of_columns_and_no_cell_is_empty() {
    let changes = [
        update("a", "a@x.test", &[("department", "Ops")]),
        update("b", "b@x.test", &[("title", "Lead"), ("manager", "a@x.test")]),
        update("c", "c@x.test", &[("department", "Law")]),
    ];
    let day = "&defaultChangeDate=2026-01-02";
    let script = charthop()
        .answer(Method::Post, &at_import(false, 0, day), process("PENDING"))
        .get("/v1/org/acme/process/p1", process("DONE"))
        .answer(Method::Post, &at_import(false, 1, day), process("PENDING"))
        .get("/v1/org/acme/process/p1", process("DONE"));
    let outcomes = script.roster(&changes, &options()).unwrap();
    assert_eq!(results(&outcomes), [(0, ResultOf::Applied), (2, ResultOf::Applied), (1, ResultOf::Applied)]);
    assert_eq!(posted(&script), "Work Email,Manager,Job Title\nb@x.test,a@x.test,Lead\n");
}

#[test]
fn a_few_updates_of_a_persons_own_fields_are_written_one_by_one() {
    let changes = [
        update("a", "a@x.test", &[("title", "Lead"), ("given_name", "Ann")]),
        update("b", "", &[("title", "Old")]),
        update("c", "c@x.test", &[("employment_type", "intern")]),
        update("d", "d@x.test", &[("title", "Lead")]),
    ];
    let script = charthop()
        .get(&at_person("a"), person("a"))
        .answer(Method::Patch, "/v2/org/acme/person/a", Reply::empty(204))
        .answer(Method::Post, "/v1/org/acme/change/sync/UPDATE", Reply::json(200, "{}"))
        .get(&at_person("b"), person("b"))
        .get(&at_person("c"), person("c"))
        .answer(Method::Post, "/v1/org/acme/change/sync/UPDATE", Reply::json(202, "{}"))
        .get(&at_person("d"), Reply::json(404, "{}"));
    let outcomes = results(&script.roster(&changes, &options()).unwrap());
    assert_eq!(outcomes[..3], [(0, ResultOf::Applied), (1, ResultOf::AlreadySo), (2, ResultOf::Accepted)]);
    assert_eq!(outcomes[3].1, ResultOf::Refused("ChartHop has nobody with the id d".to_owned()));
    let bodies: Vec<String> = script
        .requests()
        .iter()
        .filter_map(|request| request.body.clone())
        .map(|b| String::from_utf8(b).unwrap())
        .collect();
    assert_eq!(bodies[0], r#"{"name.first":"Ann"}"#);
    let wanted = r#"{"date":"2026-01-02","jobId":"ja","personId":"a","type":"UPDATE","update":{"title":"Lead"}}"#;
    assert_eq!(bodies[1], wanted);
}

#[test]
fn a_new_address_is_written_first_and_who_is_refused_it_is_in_no_file() {
    let changes = [
        update("a", "a@x.test", &[("email", "new@x.test"), ("department", "Ops")]),
        update("b", "b@x.test", &[("email", "taken@x.test"), ("department", "Ops")]),
    ];
    let script = charthop()
        .get(&at_person("a"), person("a"))
        .answer(Method::Patch, "/v2/org/acme/person/a", Reply::empty(204))
        .get(&at_person("b"), person("b"))
        .answer(Method::Patch, "/v2/org/acme/person/b", Reply::json(400, r#"{"message":"taken"}"#))
        .answer(Method::Post, &at_import(false, 1, "&defaultChangeDate=2026-01-02"), process("PENDING"))
        .get("/v1/org/acme/process/p1", process("DONE"));
    let outcomes = results(&script.roster(&changes, &options()).unwrap());
    let why = "PATCH /v2/org/acme/person/b answered 400: taken";
    assert_eq!(outcomes, [(1, ResultOf::Refused(why.to_owned())), (0, ResultOf::Applied)]);
    assert_eq!(posted(&script), "Work Email,Department\nnew@x.test,Ops\n");
}

#[test]
fn a_new_address_of_one_update_counts_for_every_other_one_of_the_same_person() {
    let changes = [
        update("a", "a@x.test", &[("email", "new@x.test"), ("title", "Lead")]),
        update("b", "b@x.test", &[("email", "taken@x.test")]),
        update("a", "a@x.test", &[("department", "Ops")]),
        update("b", "b@x.test", &[("department", "Ops")]),
        update("b", "b@x.test", &[("title", "Lead")]),
    ];
    let script = charthop()
        .get(&at_person("a"), person("a"))
        .answer(Method::Patch, "/v2/org/acme/person/a", Reply::empty(204))
        .get(&at_person("b"), person("b"))
        .answer(Method::Patch, "/v2/org/acme/person/b", Reply::json(400, r#"{"message":"taken"}"#))
        .answer(Method::Post, &at_import(false, 1, "&defaultChangeDate=2026-01-02"), process("PENDING"))
        .get("/v1/org/acme/process/p1", process("DONE"))
        .get(&at_person("a"), person("a"))
        .answer(Method::Post, "/v1/org/acme/change/sync/UPDATE", Reply::json(200, "{}"));
    let outcomes = results(&script.roster(&changes, &options()).unwrap());
    let why = ResultOf::Refused("PATCH /v2/org/acme/person/b answered 400: taken".to_owned());
    let told = [(1, why.clone()), (3, why.clone()), (4, why), (2, ResultOf::Applied), (0, ResultOf::Applied)];
    assert_eq!(outcomes, told);
    let files: Vec<String> = script
        .requests()
        .iter()
        .filter_map(|request| String::from_utf8(request.body.clone()?).ok())
        .filter(|body| body.contains("Work Email"))
        .collect();
    assert!(
        matches!(files.as_slice(), [file] if file.contains("Work Email,Department\nnew@x.test,Ops\n\r\n")),
        "{files:?}"
    );
}

#[test]
fn a_new_address_comes_before_a_hire_below_it_in_a_small_apply_too() {
    let changes = [update("a", "a@x.test", &[("email", "new@x.test")]), hire("bo@x.test", Some("new@x.test"))];
    let kinds: Vec<&str> = plan(&changes, &options())
        .stages
        .iter()
        .map(|stage| match stage {
            Stage::Emails(_) => "emails",
            Stage::Import(_) => "import",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["emails", "import"]);
}

#[test]
fn who_leaves_leaves_once_and_the_place_may_stay_open() {
    let gone = Reply::json(200, r#"{"id":"b","jobId":"jb","endDateOrg":"2026-01-31"}"#);
    let script = charthop()
        .get(&at_person("a"), person("a"))
        .answer(Method::Post, "/v1/org/acme/change/sync/DEPART", Reply::json(200, "{}"))
        .answer(Method::Post, "/v1/org/acme/change/sync/BACKFILL", Reply::json(200, "{}"))
        .get(&at_person("b"), gone);
    let outcomes = script.roster(&[depart("a", true), depart("b", false)], &options()).unwrap();
    assert_eq!(results(&outcomes), [(0, ResultOf::Applied), (1, ResultOf::AlreadySo)]);
}

#[test]
fn what_an_earlier_call_wrote_is_not_written_again_and_counts_as_applied() {
    let changes = [update("a", "a@x.test", &[("title", "Old")])];
    let script = charthop().get(&at_person("a"), person("a"));
    let progress = script.step(None, true, &changes, &options()).unwrap();
    assert_eq!((results(&progress.outcomes), progress.next), (vec![(0, ResultOf::Applied)], None));
}

#[test]
fn a_dry_run_imports_dry_and_only_looks_at_the_rest() {
    let changes = [update("a", "a@x.test", &[("email", "new@x.test"), ("title", "Lead")]), depart("b", true)];
    let at = at_import(false, 1, "-dry&scenarioId=s%201&defaultChangeDate=2026-01-02")
        .replace("DryRun=false", "DryRun=true");
    let in_scenario = |id: &str| format!("{}&scenarioId=s%201", at_person(id));
    let script = charthop()
        .get(&in_scenario("a"), person("a"))
        .answer(Method::Post, &at, process("PENDING"))
        .get("/v1/org/acme/process/p1", process("DONE"))
        .get(&in_scenario("b"), person("b"));
    let options = RosterOptions { dry_run: true, scenario: Some("s 1".to_owned()), ..options() };
    let outcomes = script.roster(&changes, &options).unwrap();
    assert_eq!(results(&outcomes), [(0, ResultOf::Applied), (1, ResultOf::Applied)]);
    assert_eq!(posted(&script), "Work Email,Job Title\na@x.test,Lead\n", "by the address of now");
}

#[test]
fn a_dry_run_names_nobody_by_what_only_the_plan_would_make_so() {
    let changes = [
        update("m", "m@x.test", &[("email", "new@x.test")]),
        placed("a@x.test", Some("new@x.test"), None),
        placed("b@x.test", Some("a@x.test"), Some("Bonn")),
        placed("c@x.test", Some("b@x.test"), Some("Bonn")),
        update("d", "d@x.test", &[("manager", "b@x.test"), ("department", "Ops")]),
        update("e", "e@x.test", &[("manager", "a@x.test")]),
        update("f", "f@x.test", &[("manager", "NEW@x.test")]),
        update("g", "", &[("email", "first@x.test"), ("department", "Ops")]),
    ];
    let (mut script, mut stage) = (charthop(), 0);
    for person_id in ["m", "g", "e", "g"] {
        script = script.get(&at_person(person_id), person(person_id));
    }
    for (hires, day) in
        [(true, ""), (true, ""), (false, "&defaultChangeDate=2026-01-02"), (false, "&defaultChangeDate=2026-01-02")]
    {
        stage += 1;
        let at = at_import(hires, stage, &format!("-dry{day}")).replace("DryRun=false", "DryRun=true");
        script = script.answer(Method::Post, &at, process("PENDING")).get("/v1/org/acme/process/p1", process("DONE"));
    }
    let outcomes = script.roster(&changes, &RosterOptions { dry_run: true, ..options() }).unwrap();
    let wanted: Vec<_> = [0, 1, 2, 3, 4, 6, 5, 7].map(|place| (place, ResultOf::Applied)).into();
    assert_eq!(results(&outcomes), wanted);
    let (first, job) = (
        "Work Email,First Name,Last Name,Job Title,Start Date,Manager,Department",
        "Ada,Alm,\"Head, \"\"all\"\"\",2/3/2024",
    );
    assert_eq!(
        all_posted(&script),
        [
            format!("{first},Employment\na@x.test,{job},m@x.test,=Ops,FULL\n"),
            // In place of somebody whom another file hires: the next above. Whom the same file hires is there by then.
            format!(
                "{first},Location,Employment\nb@x.test,{job},m@x.test,=Ops,Bonn,FULL\nc@x.test,{job},b@x.test,=Ops,Bonn,FULL\n"
            ),
            "Work Email,Department\nd@x.test,Ops\n".to_owned(),
            "Work Email,Manager\nf@x.test,m@x.test\n".to_owned(),
        ]
    );
    let real = plan(&changes, &options());
    let sizes: Vec<usize> = real.stages.iter().map(|stage| stage.places().len()).collect();
    assert_eq!(sizes, [2, 1, 2, 1, 1, 2], "for real everything is written: {real:?}");
}

#[test]
fn what_cannot_be_written_is_refused_and_the_rest_goes_on_or_not() {
    let mut nameless = hire("bo@x.test", None);
    if let RosterChange::Hire(person) = &mut nameless {
        person.user.family_name = None;
    }
    let changes = [
        update("a", "a@x.test", &[("pay", "1")]),
        nameless,
        update("c", "", &[("department", "Ops")]),
        update("d", "d@x.test", &[("title", "Lead")]),
    ];
    let script = charthop().get(&at_person("d"), Reply::json(404, "{}"));
    let outcomes = results(&script.roster(&changes, &options()).unwrap());
    let words = [
        "ChartHop has no field pay that can be written",
        "ChartHop imports nobody without a family name",
        "this person has no work address in ChartHop, by which an import would find them",
        "ChartHop has nobody with the id d",
    ];
    let wanted: Vec<_> = (0..).zip(words.map(|words| ResultOf::Refused(words.to_owned()))).collect();
    assert_eq!(outcomes, wanted);
    let strict = RosterOptions { skip_errors: false, ..options() };
    let outcomes = results(&charthop().roster(&changes, &strict).unwrap());
    assert_eq!(outcomes[3], (3, ResultOf::Refused(NOT_TRIED.to_owned())));
}

#[test]
fn a_refused_file_is_an_outcome_and_a_refused_token_ends_the_step() {
    let changes = [hire("ada@x.test", None)];
    let script = charthop().answer(Method::Post, &at_import(true, 0, ""), Reply::json(400, r#"{"message":"no"}"#));
    let outcomes = results(&script.roster(&changes, &options()).unwrap());
    assert!(matches!(&outcomes[0].1, ResultOf::Refused(why) if why.ends_with("answered 400: no")), "{outcomes:?}");
    let script = charthop().answer(Method::Post, &at_import(true, 0, ""), Reply::json(403, "{}"));
    let failure = told(script.roster(&changes, &options()).unwrap_err());
    assert!(failure.starts_with("forbidden: ") && failure.contains("the right to change the people"), "{failure}");
    let script = charthop().answer(Method::Post, &at_import(true, 0, ""), Reply::empty(202));
    assert_eq!(results(&script.roster(&changes, &options()).unwrap()), [(0, ResultOf::Accepted)]);
}

#[test]
fn ten_thousand_hires_are_one_file_and_the_same_ones_each_time() {
    let changes: Vec<RosterChange> = (0..10_001).map(|number| hire(&format!("p{number}@x.test"), None)).collect();
    let made = plan(&changes, &options());
    let rows: Vec<usize> = made.stages.iter().map(|stage| stage.places().len()).collect();
    assert_eq!(rows, [10_000, 1]);
    assert_eq!(made, plan(&changes, &options()));
    let long = "x".repeat(1 << 20);
    let changes: Vec<RosterChange> =
        (0..30).map(|number| update(&number.to_string(), "a@x.test", &[("title", &long)])).collect();
    let rows: Vec<usize> = plan(&changes, &options()).stages.iter().map(|stage| stage.places().len()).collect();
    assert_eq!(rows, [5, 5, 5, 5, 5, 5], "below 6 MiB");
}
