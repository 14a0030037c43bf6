//! What a store has to keep, as sentences: each holds for every store there is. A second one joins with a [`Subject`] and a
//! line at the end.

use super::outcome::tests::new_run;
use super::plain::Plain;
use super::queries::AsOf;
use super::real::Real;
use super::subject::Subject;
use super::{Begun, Close, Closed, Done, FollowUp, Ledger, NewRun, Scope, Status, StoreError, TaskState, Tried};
use crate::model::{Entitlement, Grant, Kind, Record, Resource, ResourceId, Status as Account, Task};
use crate::packed::tests::{agent, packed};

/// What a test does to a store.
struct Scene<S>(S);

impl<S: Subject> Scene<S> {
    fn new() -> Scene<S> {
        Scene(S::new())
    }

    async fn begin_as(&self, change: impl FnOnce(&mut NewRun)) -> Begun {
        let mut new = new_run("support");
        change(&mut new);
        self.0.ledger().begin(new).await.expect("begun")
    }

    /// Begins a run that is none of those before.
    async fn begin(&self) -> i64 {
        self.begin_as(|new| new.resume.never = Some("the test says so".into())).await.run
    }

    async fn task(&self, run: i64, task: u32, records: Vec<Record>, follow_ups: &[(u32, &str)]) {
        let follow_ups = follow_ups
            .iter()
            .map(|(id, kind)| FollowUp { id: *id, task: Task { kind: (*kind).into(), payload: String::new() } })
            .collect();
        let done = Done { task, tries: 1, records: packed(&records), follow_ups, share: None };
        self.0.ledger().commit(run, done).await.expect("taken");
    }

    async fn close(&self, run: i64, status: Status) -> Closed {
        let close = Close {
            status,
            ended: "2026-11-22T01:00:01Z".into(),
            max_removals_percent: 30,
            report: serde_json::json!({"requests": 7}),
        };
        self.0.ledger().close(run, close).await.expect("closed")
    }

    async fn sync(&self, records: Vec<Record>) -> (i64, Closed) {
        let run = self.begin().await;
        self.task(run, 0, records, &[]).await;
        (run, self.close(run, Status::Published).await)
    }

    fn now(&self) -> Vec<String> {
        self.0.rows(AsOf::Now)
    }

    /// Rows of the tables with history; 0 where there are none.
    fn rows_of_content(&self) -> i64 {
        ["resource", "entitlement", "grant_row"].iter().map(|t| self.count(&format!("SELECT count(*) FROM {t}"))).sum()
    }

    fn count(&self, sql: &str) -> i64 {
        let Some(path) = self.0.path() else { return 0 };
        let conn = rusqlite::Connection::open(path).expect("open");
        conn.query_row(sql, [], |r| r.get(0)).expect(sql)
    }
}

fn person(id: &str, name: &str) -> Record {
    Record::Resource(Box::new(agent(id, name)))
}

fn crowd(n: usize) -> Vec<Record> {
    (0..n).map(|i| person(&i.to_string(), &format!("agent {i}"))).collect()
}

fn disabled(id: &str) -> Record {
    let mut agent: Resource = agent(id, &format!("agent {id}"));
    agent.user.as_mut().expect("user").status = Account::Disabled;
    Record::Resource(Box::new(agent))
}

/// Somebody who belongs to a team and has a manager.
fn report(id: &str, team: &str, manager: &str) -> Record {
    let mut agent: Resource = agent(id, &format!("agent {id}"));
    agent.parent = Some(ResourceId { resource_type: "team".into(), id: team.into() });
    let manager = Some(ResourceId { resource_type: "agent".into(), id: manager.into() });
    let employment = crate::model::Employment { manager, ..Default::default() };
    agent.user.as_mut().expect("user").employment = Some(Box::new(employment));
    Record::Resource(Box::new(agent))
}

fn team(id: &str, members: &[&str]) -> Vec<Record> {
    let key = ResourceId { resource_type: "team".into(), id: id.into() };
    let mut out = vec![
        Record::Resource(Box::new(Resource {
            id: key.clone(),
            kind: Kind::Group,
            name: format!("team {id}"),
            user: None,
            ..agent("", "")
        })),
        Record::Entitlement(Entitlement {
            resource: key.clone(),
            slug: "member".into(),
            name: "member".into(),
            description: String::new(),
            purpose: "assignment",
            grantable_to: vec!["agent".into()],
        }),
    ];
    out.extend(members.iter().map(|m| {
        let principal = ResourceId { resource_type: "agent".into(), id: (*m).into() };
        Record::Grant(Grant { resource: key.clone(), slug: "member".into(), principal })
    }));
    out
}

async fn a_draft_is_seen_by_nobody_until_it_is_published<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync(vec![person("1", "Ann")]).await;
    let run = scene.begin().await;
    scene.task(run, 0, vec![person("1", "Anne"), person("2", "Ben")], &[]).await;
    assert_eq!(scene.now(), ["agent:1 Ann enabled"]);
    scene.close(run, Status::Published).await;
    assert_eq!(scene.now(), ["agent:1 Anne enabled", "agent:2 Ben enabled"]);
}

async fn an_unchanged_second_run_writes_no_row_of_content<S: Subject>() {
    let scene = Scene::<S>::new();
    let all = || [crowd(20), team("t", &["1", "2", "99"])].concat();
    let (_, first) = scene.sync(all()).await;
    assert_eq!((first.added, first.resources, first.grants), (25, 21, 3));
    let before = (scene.now(), scene.rows_of_content());
    let mut shuffled = all();
    shuffled.reverse();
    let (_, second) = scene.sync(shuffled).await;
    assert_eq!((second.added, second.changed, second.removed), (0, 0, 0));
    assert_eq!((scene.now(), scene.rows_of_content()), before);
    assert_eq!(scene.count("SELECT count(*) FROM task") + scene.count("SELECT count(*) FROM sighting"), 0);
}

async fn history_shows_what_was_true_after_each_run<S: Subject>() {
    let scene = Scene::<S>::new();
    let (one, _) = scene.sync(vec![person("1", "Ann"), person("2", "Ben")]).await;
    let (two, closed) = scene.sync(vec![person("1", "Anne"), person("3", "Cid")]).await;
    assert_eq!((closed.added, closed.changed, closed.removed), (1, 1, 1));
    assert_eq!(scene.0.rows(AsOf::Run(one)), ["agent:1 Ann enabled", "agent:2 Ben enabled"]);
    assert_eq!(scene.0.rows(AsOf::Run(two)), ["agent:1 Anne enabled", "agent:3 Cid enabled"]);
    assert_eq!(scene.0.rows(AsOf::Date("2026-11-22".into())), scene.now());
    assert!(scene.0.rows(AsOf::Date("2026-11-21".into())).is_empty());
}

async fn who_comes_back_is_there_once<S: Subject>() {
    let scene = Scene::<S>::new();
    let with = || [crowd(2), team("t", &["0", "1"])].concat();
    scene.sync(with()).await;
    let before = scene.now();
    scene.sync([crowd(1), team("t", &["0"])].concat()).await;
    let (_, closed) = scene.sync(with()).await;
    assert_eq!((closed.added, closed.removed), (2, 0));
    assert_eq!(scene.now(), before);
}

async fn the_guard_holds_a_mass_removal_until_it_is_accepted<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync(crowd(40)).await;
    let (run, closed) = scene.sync(crowd(20)).await;
    assert_eq!(closed.status, Status::Held);
    assert!(closed.objections.iter().any(|o| o.contains("20 of 40 of agent")), "{:?}", closed.objections);
    assert_eq!(scene.now().len(), 40);
    let accepted = scene.0.ledger().accept(run).await.expect("accepted");
    assert_eq!((accepted.status, accepted.resources), (Status::Published, 20));
    assert_eq!(scene.now().len(), 20);
    assert!(matches!(scene.0.ledger().accept(run).await, Err(StoreError::NotAcceptable { .. })), "only once");
}

async fn a_held_run_is_replaced_by_the_next_one<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync(crowd(40)).await;
    let (held, _) = scene.sync(crowd(20)).await;
    let begun = scene.begin_as(|_| ()).await;
    assert!(begun.run != held && begun.resumed.is_none() && begun.abandoned.is_none(), "{begun:?}");
    scene.task(begun.run, 0, crowd(40), &[]).await;
    let closed = scene.close(begun.run, Status::Published).await;
    assert_eq!((closed.status, closed.added, closed.removed), (Status::Published, 0, 0));
    assert_eq!(scene.now().len(), 40);
    assert!(matches!(scene.0.ledger().accept(held).await, Err(StoreError::NotAcceptable { .. })));
}

async fn accounts_that_are_disabled_count_as_removed_for_the_guard<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync(crowd(20)).await;
    let (_, closed) = scene.sync((0..20).map(|i| disabled(&i.to_string())).collect()).await;
    assert_eq!(closed.status, Status::Held);
}

async fn accepting_an_incomplete_run_removes_nothing<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync(vec![person("1", "Ann"), person("2", "Ben")]).await;
    let run = scene.begin().await;
    scene.task(run, 0, vec![person("1", "Anne"), person("3", "Cid")], &[]).await;
    let closed = scene.close(run, Status::Incomplete).await;
    assert_eq!((closed.status, closed.removed), (Status::Incomplete, 0));
    assert_eq!(scene.now(), ["agent:1 Ann enabled", "agent:2 Ben enabled"]);
    scene.0.ledger().accept(run).await.expect("accepted");
    assert_eq!(scene.now(), ["agent:1 Anne enabled", "agent:2 Ben enabled", "agent:3 Cid enabled"]);
    assert!(scene.begin_as(|_| ()).await.resumed.is_none(), "it is finished");
}

async fn a_run_whose_check_failed_leaves_nothing<S: Subject>() {
    let scene = Scene::<S>::new();
    let run = scene.begin().await;
    assert_eq!(scene.close(run, Status::Failed).await.status, Status::Failed);
    let begun = scene.begin_as(|_| ()).await;
    assert!(begun.run != run && begun.resumed.is_none() && begun.abandoned.is_none(), "{begun:?}");
    assert!(matches!(scene.0.ledger().accept(run).await, Err(StoreError::NotAcceptable { .. })));
}

async fn two_contents_of_one_id_give_the_same_row_in_either_order_and_are_reported<S: Subject>() {
    let mut published = Vec::new();
    for order in [["Ann", "Zoe"], ["Zoe", "Ann"]] {
        let scene = Scene::<S>::new();
        let run = scene.begin().await;
        scene.task(run, 0, vec![person("1", order[0])], &[(1, "page")]).await;
        scene.task(run, 1, vec![person("1", order[1]), person("1", order[0])], &[]).await;
        let closed = scene.close(run, Status::Published).await;
        assert_eq!(closed.findings, [("conflicting-record".to_owned(), 1)]);
        published.push(scene.now());
    }
    assert_eq!(published[0], published[1]);
    assert_eq!(published[0].len(), 1);
}

async fn what_points_at_nobody_is_kept_and_reported<S: Subject>() {
    let scene = Scene::<S>::new();
    let records = [crowd(1), team("t", &["0", "77"]), vec![report("5", "t", "0"), report("6", "gone", "88")]].concat();
    let (_, closed) = scene.sync(records).await;
    let found: Vec<(&str, u64)> = closed.findings.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    assert_eq!(found, [("dangling-grant", 1), ("missing-manager", 1), ("missing-parent", 1)]);
    assert!(scene.now().contains(&"team:t:member:agent:77".to_owned()));
}

async fn an_unknown_run_cannot_be_accepted<S: Subject>() {
    let scene = Scene::<S>::new();
    let (run, _) = scene.sync(crowd(1)).await;
    assert!(matches!(scene.0.ledger().accept(run + 1).await, Err(StoreError::NoRun(_))));
    assert!(matches!(scene.0.ledger().accept(run).await, Err(StoreError::NotAcceptable { .. })));
}

/// The run of the tests below: three tasks over a published snapshot, some of it unchanged, some changed, some gone, with
/// conflicts and people who belong to teams. Dies where it is told to; the answer is how it was closed, and the snapshot.
async fn interrupted<S: Subject>(deaths: &[usize]) -> (Closed, Vec<String>) {
    let mut scene = Scene::<S>::new();
    let before = [crowd(8), team("a", &["0", "1", "2"]), vec![report("20", "a", "0"), report("21", "a", "1")]].concat();
    scene.sync(before).await;
    let pages: [Vec<Record>; 3] = [
        [crowd(4), vec![report("20", "a", "0"), person("5", "Zoe")]].concat(),
        [team("a", &["0", "1", "99"]), vec![person("6", "Ann"), person("5", "agent 5"), person("1", "agent one")]]
            .concat(),
        vec![person("9", "new"), report("22", "nowhere", "9"), person("5", "Zed"), person("7", "agent 7")],
    ];
    let mut begun = scene.begin_as(|new| new.resume.never = Some("first".into())).await;
    for (task, records) in pages.into_iter().enumerate() {
        if deaths.contains(&task) {
            scene.0.die();
            let again = scene.begin_as(|_| ()).await;
            assert_eq!(again.run, begun.run, "the same run goes on");
            let resumed = again.resumed.as_ref().expect("resumed");
            assert_eq!(resumed.started, "2026-11-22T01:00:00Z");
            let done: Vec<bool> = resumed.tasks.iter().map(|t| t.done).collect();
            let known = if task == 0 { 1 } else { 3 };
            assert_eq!(done, (0..known).map(|t| t < task).collect::<Vec<_>>());
            begun = again;
        }
        let follow_ups: &[(u32, &str)] = if task == 0 { &[(1, "a"), (2, "b")] } else { &[] };
        scene.task(begun.run, u32::try_from(task).expect("small"), records, follow_ups).await;
    }
    if deaths.contains(&3) {
        scene.0.die();
        begun = scene.begin_as(|_| ()).await;
        assert!(begun.resumed.as_ref().is_some_and(|r| r.tasks.iter().all(|t| t.done)), "only the end is missing");
    }
    let closed = scene.close(begun.run, Status::Published).await;
    (closed, scene.now())
}

async fn a_run_that_was_interrupted_goes_on_and_ends_as_if_it_had_not_been<S: Subject>() {
    let (whole, rows) = interrupted::<S>(&[]).await;
    assert!(whole.added > 0 && whole.changed > 0 && whole.removed > 0 && whole.findings.len() > 2, "{whole:?}");
    for deaths in [&[0][..], &[1], &[2], &[3], &[1, 2], &[0, 1, 2, 3]] {
        let (closed, now) = interrupted::<S>(deaths).await;
        assert_eq!(now, rows, "{deaths:?}");
        assert_eq!(format!("{closed:?}"), format!("{whole:?}"), "{deaths:?}");
    }
}

/// What an attempt has seen unchanged is no removal for the one that goes on; what nobody has seen is.
async fn the_guard_judges_a_run_that_was_interrupted_as_a_whole<S: Subject>() {
    for (last, status) in [(40, Status::Published), (24, Status::Held)] {
        for dies_before in [0, 1, 2] {
            let mut scene = Scene::<S>::new();
            scene.sync(crowd(40)).await;
            let run = scene.begin().await;
            for (task, page) in [(0, 0..12), (1, 12..last)] {
                if task == dies_before {
                    scene.0.die();
                    assert_eq!(scene.begin_as(|_| ()).await.run, run);
                }
                let follow_ups: &[(u32, &str)] = if task == 0 { &[(1, "a")] } else { &[] };
                scene.task(run, task, crowd(last)[page].to_vec(), follow_ups).await;
            }
            if dies_before == 2 {
                scene.0.die();
                assert_eq!(scene.begin_as(|_| ()).await.run, run);
            }
            let closed = scene.close(run, Status::Published).await;
            assert_eq!((closed.status, closed.removed), (status, 40 - last as u64), "dies before task {dies_before}");
            assert_eq!(scene.now().len(), 40, "nobody is gone before somebody accepts it");
        }
    }
}

async fn an_incomplete_run_does_again_only_what_failed<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync(crowd(3)).await;
    let run = scene.begin().await;
    scene.task(run, 0, crowd(2), &[(1, "a"), (2, "b")]).await;
    scene.task(run, 2, vec![person("7", "seven")], &[]).await;
    let failure = Tried { task: 1, tries: 1, state: TaskState::Failed, reason: "forbidden", message: "no".into() };
    scene.0.ledger().tried(run, failure).await.expect("told");
    assert_eq!(scene.close(run, Status::Incomplete).await.status, Status::Incomplete);
    let again = scene.begin_as(|_| ()).await;
    let resumed = again.resumed.expect("resumed");
    let open: Vec<u32> = resumed.tasks.iter().filter(|t| !t.done).map(|t| t.id).collect();
    assert_eq!((again.run, open, resumed.attempts), (run, vec![1], 2));
    assert_eq!(resumed.report.pointer("/run/requests"), Some(&serde_json::json!(7)), "what it reported is told");
    scene.task(run, 1, vec![person("2", "agent 2")], &[]).await;
    let closed = scene.close(run, Status::Published).await;
    assert_eq!((closed.status, closed.added, closed.removed), (Status::Published, 1, 0));
}

async fn a_run_that_may_not_go_on_leaves_nothing_behind<S: Subject>() {
    let mut scene = Scene::<S>::new();
    scene.sync(vec![person("1", "Ann"), person("2", "Ben")]).await;
    let before = (scene.now(), scene.rows_of_content());
    let lost = scene.begin().await;
    scene.task(lost, 0, vec![person("1", "Anne"), person("3", "Cid")], &[(1, "a")]).await;
    scene.0.die();
    let begun = scene.begin_as(|new| new.settings = "other".into()).await;
    assert!(begun.run > lost && begun.resumed.is_none());
    let (run, why) = begun.abandoned.expect("said");
    assert!(run == lost && why.contains("settings"), "{why}");
    assert_eq!((scene.now(), scene.rows_of_content()), before);
    assert!(matches!(scene.0.ledger().accept(lost).await, Err(StoreError::NotAcceptable { .. })));
}

async fn a_run_of_a_scope_leaves_everything_else_as_it_was<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync([crowd(12), team("a", &["0", "1"]), team("b", &["0"])].concat()).await;
    let of = |scope| move |new: &mut NewRun| new.scope = Some(scope);
    let before = scene.now();
    let team_a = ResourceId { resource_type: "team".into(), id: "a".into() };
    let run = scene.begin_as(of(Scope::GrantsOf(team_a))).await.run;
    let grant = |member| team("a", &[member]).split_off(2);
    scene.task(run, 0, grant("2"), &[]).await;
    let closed = scene.close(run, Status::Published).await;
    assert_eq!((closed.status, closed.added, closed.changed, closed.removed), (Status::Published, 1, 0, 2));
    assert_eq!((closed.resources, closed.entitlements, closed.grants, closed.findings), (14, 2, 2, vec![]));
    let gone = |row: &&String| !row.starts_with("team:a:member:");
    let mut wanted: Vec<String> = before.iter().filter(gone).cloned().collect();
    wanted.push("team:a:member:agent:2".into());
    wanted.sort();
    assert_eq!(scene.now(), wanted);

    // All people of a type are judged by the guard, as in a whole run.
    let run = scene.begin_as(of(Scope::ResourcesOf("agent".into()))).await.run;
    scene.task(run, 0, vec![person("0", "agent 0")], &[]).await;
    let closed = scene.close(run, Status::Published).await;
    assert_eq!((closed.status, closed.removed), (Status::Held, 12));
    assert_eq!(scene.now(), wanted);
}

async fn with_an_account_go_its_grants_and_nobody_elses<S: Subject>() {
    let scene = Scene::<S>::new();
    scene.sync([crowd(12), team("a", &["0", "1", "99"]), team("b", &["1"])].concat()).await;
    let mut wanted = scene.now();
    wanted.retain(|row| !row.starts_with("agent:1 ") && !row.ends_with(":agent:1"));
    let run = scene.begin_as(|new| new.scope = Some(Scope::ResourcesOf("agent".into()))).await.run;
    let mut left = crowd(12);
    left.retain(|record| !matches!(record, Record::Resource(r) if r.id.id == "1"));
    scene.task(run, 0, left, &[]).await;
    let closed = scene.close(run, Status::Published).await;
    assert_eq!((closed.status, closed.removed, closed.grants), (Status::Published, 3, 2));
    assert_eq!(closed.findings, [("dangling-grant".to_owned(), 1)], "nobody was ever number 99");
    assert_eq!(scene.now(), wanted);

    // The one who has all there are may go, too.
    let scene = Scene::<S>::new();
    scene.sync([crowd(4), team("a", &["0"]), team("b", &["0"]), team("c", &["0"])].concat()).await;
    let run = scene.begin_as(|new| new.scope = Some(Scope::ResourcesOf("agent".into()))).await.run;
    scene.task(run, 0, crowd(4).split_off(1), &[]).await;
    let closed = scene.close(run, Status::Published).await;
    assert_eq!((closed.status, closed.removed, closed.grants), (Status::Published, 4, 0));
}

async fn a_scope_is_not_read_beside_a_draft_of_everything<S: Subject>() {
    let mut scene = Scene::<S>::new();
    scene.sync(vec![person("1", "Ann")]).await;
    let draft = scene.begin().await;
    scene.task(draft, 0, vec![person("1", "Anne")], &[]).await;
    scene.0.die();
    let mut new = new_run("support");
    new.scope = Some(Scope::ResourcesOf("agent".into()));
    let refused = scene.0.ledger().begin(new).await.expect_err("refused");
    assert!(matches!(refused, StoreError::Unfinished { run, .. } if run == draft), "{refused}");
    assert!(scene.begin_as(|_| ()).await.resumed.is_some(), "the draft is still there");
}

async fn connections_do_not_see_each_other<S: Subject>() {
    let scene = Scene::<S>::new();
    let other = scene.begin_as(|new| new.connection = "other".into()).await.run;
    let run = scene.begin().await;
    scene.task(other, 0, vec![person("1", "Someone else")], &[]).await;
    scene.task(run, 0, vec![person("1", "Ann")], &[]).await;
    scene.close(other, Status::Published).await;
    assert!(scene.now().is_empty());
    scene.close(run, Status::Published).await;
    assert_eq!(scene.now(), ["agent:1 Ann enabled"]);
}

/// The process dies after it has closed what was gone and before it published; the next attempt ends incomplete.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_attempt_closed_is_not_removed_by_accepting_an_incomplete_one() {
    let mut scene = Scene::<Real>::new();
    scene.sync([crowd(2), team("a", &["0", "1"])].concat()).await;
    let run = scene.begin().await;
    scene.task(run, 0, vec![person("0", "other")], &[]).await;
    scene.0.die();
    for table in ["resource", "entitlement", "grant_row"] {
        let conn = rusqlite::Connection::open(scene.0.file()).expect("open");
        conn.execute(&format!("UPDATE {table} SET valid_to = {run} WHERE valid_to IS NULL AND valid_from < {run}"), [])
            .expect("closed");
    }
    assert!(scene.begin_as(|_| ()).await.resumed.is_some());
    scene.close(run, Status::Incomplete).await;
    scene.0.ledger().accept(run).await.expect("accepted");
    let now = scene.now();
    assert_eq!(now.len(), 6, "{now:?}");
    assert!(now.contains(&"agent:0 other enabled".to_owned()) && now.contains(&"agent:1 agent 1 enabled".to_owned()));
}

/// Every sentence, for one store.
macro_rules! hold {
    ($name:ident, $subject:ty: $($sentence:ident)*) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $sentence() {
                super::$sentence::<$subject>().await;
            })*
        }
    };
}

macro_rules! hold_all {
    ($($name:ident: $subject:ty),*) => {
        $(hold! { $name, $subject:
            a_draft_is_seen_by_nobody_until_it_is_published
            an_unchanged_second_run_writes_no_row_of_content
            history_shows_what_was_true_after_each_run
            who_comes_back_is_there_once
            the_guard_holds_a_mass_removal_until_it_is_accepted
            a_held_run_is_replaced_by_the_next_one
            accounts_that_are_disabled_count_as_removed_for_the_guard
            accepting_an_incomplete_run_removes_nothing
            a_run_whose_check_failed_leaves_nothing
            two_contents_of_one_id_give_the_same_row_in_either_order_and_are_reported
            what_points_at_nobody_is_kept_and_reported
            an_unknown_run_cannot_be_accepted
            a_run_that_was_interrupted_goes_on_and_ends_as_if_it_had_not_been
            the_guard_judges_a_run_that_was_interrupted_as_a_whole
            an_incomplete_run_does_again_only_what_failed
            a_run_that_may_not_go_on_leaves_nothing_behind
            a_run_of_a_scope_leaves_everything_else_as_it_was
            with_an_account_go_its_grants_and_nobody_elses
            a_scope_is_not_read_beside_a_draft_of_everything
            connections_do_not_see_each_other
        })*
    };
}

hold_all! { sqlite: super::Real, plain: super::Plain }
