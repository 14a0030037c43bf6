//! The store from outside: runs go in, rows come out.

use super::queries::{AsOf, Filter, Reader};
use super::record::{prepare, tests::agent};
use super::{Close, Closed, NewRun, Status, Store, StoreError, WriterThread};
use crate::model::{Entitlement, Grant, Kind, Record, Resource, ResourceId, Status as Account};
use std::path::PathBuf;

struct Scene {
    dir: tempfile::TempDir,
    // In this order: the writer ends when its last sender is gone.
    store: Option<Store>,
    thread: Option<WriterThread>,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().expect("folder");
        let mut scene = Scene { dir, store: None, thread: None };
        scene.open();
        scene
    }

    fn open(&mut self) {
        let (thread, store) = Store::open(&self.path(), &tokio::runtime::Handle::current()).expect("store");
        (self.store, self.thread) = (Some(store), Some(thread));
    }

    /// The process dies: nobody closes a run that has begun.
    fn die(&mut self) {
        drop(self.store.take());
        drop(self.thread.take());
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("muster.db")
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    async fn begin(&self) -> i64 {
        let new = NewRun {
            connection: "support".into(),
            started: "2026-11-22T00:00:00Z".into(),
            connector: "demo".into(),
            version: "1.0.0".into(),
            digest: "d".into(),
        };
        self.store().begin(new).await.expect("begun").run
    }

    async fn records(&self, run: i64, records: Vec<Record>) {
        let mut scratch = Vec::new();
        let prepared = records.into_iter().map(|r| prepare(r, &mut scratch)).collect();
        self.store().records(run, prepared).await.expect("taken");
    }

    async fn close(&self, run: i64, status: Status) -> Closed {
        self.close_keeping(run, status, true).await
    }

    async fn close_keeping(&self, run: i64, status: Status, keep: bool) -> Closed {
        let close = Close {
            status,
            keep,
            ended: "2026-11-22T00:00:01Z".into(),
            max_removals_percent: 30,
            report: serde_json::json!({}),
        };
        self.store().close(run, close).await.expect("closed")
    }

    async fn sync(&self, records: Vec<Record>) -> (i64, Closed) {
        let run = self.begin().await;
        self.records(run, records).await;
        (run, self.close(run, Status::Published).await)
    }

    fn names(&self, as_of: AsOf) -> Vec<String> {
        let reader = Reader::open(&self.path()).expect("reader");
        let filter = Filter { connection: None, resource_type: None, as_of };
        let mut names = Vec::new();
        reader
            .resources::<StoreError>(&filter, &mut |row| {
                names.push(row.name);
                Ok(())
            })
            .expect("rows");
        names.sort();
        names
    }

    fn count(&self, sql: &str) -> i64 {
        let conn = rusqlite::Connection::open(self.path()).expect("open");
        conn.query_row(sql, [], |r| r.get(0)).expect(sql)
    }

    fn rows_of_content(&self) -> i64 {
        ["resource", "entitlement", "grant_row"].iter().map(|t| self.count(&format!("SELECT count(*) FROM {t}"))).sum()
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

fn team(id: &str, members: &[&str]) -> Vec<Record> {
    let key = ResourceId { resource_type: "team".into(), id: id.into() };
    let mut out = vec![
        Record::Resource(Box::new(Resource {
            id: key.clone(),
            kind: Kind::Group,
            name: format!("team {id}"),
            parent: None,
            user: None,
            profile: "{}".into(),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_seen_by_nobody_until_it_is_published() {
    let scene = Scene::new();
    scene.sync(vec![person("1", "Ann")]).await;
    let run = scene.begin().await;
    scene.records(run, vec![person("1", "Anne"), person("2", "Ben")]).await;
    assert_eq!(scene.names(AsOf::Now), ["Ann"]);
    scene.close(run, Status::Published).await;
    assert_eq!(scene.names(AsOf::Now), ["Anne", "Ben"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_second_run_writes_no_row_of_content() {
    let scene = Scene::new();
    let all = || [crowd(20), team("t", &["1", "2", "99"])].concat();
    let (_, first) = scene.sync(all()).await;
    assert_eq!((first.added, first.resources, first.grants), (25, 21, 3));
    let before = scene.rows_of_content();
    let mut shuffled = all();
    shuffled.reverse();
    let (_, second) = scene.sync(shuffled).await;
    assert_eq!((second.added, second.changed, second.removed), (0, 0, 0));
    assert_eq!(scene.rows_of_content(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_shows_what_was_true_after_each_run() {
    let scene = Scene::new();
    let (one, _) = scene.sync(vec![person("1", "Ann"), person("2", "Ben")]).await;
    let (two, closed) = scene.sync(vec![person("1", "Anne"), person("3", "Cid")]).await;
    assert_eq!((closed.added, closed.changed, closed.removed), (1, 1, 1));
    assert_eq!(scene.names(AsOf::Run(one)), ["Ann", "Ben"]);
    assert_eq!(scene.names(AsOf::Run(two)), ["Anne", "Cid"]);
    assert_eq!(scene.names(AsOf::Date("2026-11-22".into())), ["Anne", "Cid"]);
    assert!(scene.names(AsOf::Date("2026-11-21".into())).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_there_once() {
    let scene = Scene::new();
    let with = || [crowd(2), team("t", &["0", "1"])].concat();
    scene.sync(with()).await;
    scene.sync([crowd(1), team("t", &["0"])].concat()).await;
    let (_, closed) = scene.sync(with()).await;
    assert_eq!((closed.added, closed.removed), (2, 0));
    assert_eq!(scene.count("SELECT count(*) FROM resources"), 3);
    assert_eq!(scene.count("SELECT count(*) FROM grants"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_holds_a_mass_removal_until_it_is_accepted() {
    let scene = Scene::new();
    scene.sync(crowd(40)).await;
    let (run, closed) = scene.sync(crowd(20)).await;
    assert_eq!(closed.status, Status::Held);
    assert!(closed.objections.iter().any(|o| o.contains("20 of 40 of agent")), "{:?}", closed.objections);
    assert_eq!(scene.names(AsOf::Now).len(), 40);
    let accepted = scene.store().accept(run).await.expect("accepted");
    assert_eq!((accepted.status, accepted.resources), (Status::Published, 20));
    assert_eq!(scene.names(AsOf::Now).len(), 20);
    assert!(matches!(scene.store().accept(run).await, Err(StoreError::NotAcceptable { .. })), "only once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_run_is_replaced_by_the_next_one() {
    let scene = Scene::new();
    scene.sync(crowd(40)).await;
    let (held, _) = scene.sync(crowd(20)).await;
    let (_, closed) = scene.sync(crowd(40)).await;
    assert_eq!((closed.status, closed.added, closed.removed), (Status::Published, 0, 0));
    assert_eq!(scene.names(AsOf::Now).len(), 40);
    assert!(matches!(scene.store().accept(held).await, Err(StoreError::NotAcceptable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_disabled_count_as_removed_for_the_guard() {
    let scene = Scene::new();
    scene.sync(crowd(20)).await;
    let (_, closed) = scene.sync((0..20).map(|i| disabled(&i.to_string())).collect()).await;
    assert_eq!(closed.status, Status::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_an_incomplete_run_removes_nothing() {
    let scene = Scene::new();
    scene.sync(vec![person("1", "Ann"), person("2", "Ben")]).await;
    let run = scene.begin().await;
    scene.records(run, vec![person("1", "Anne"), person("3", "Cid")]).await;
    let closed = scene.close(run, Status::Incomplete).await;
    assert_eq!((closed.status, closed.removed), (Status::Incomplete, 0));
    assert_eq!(scene.names(AsOf::Now), ["Ann", "Ben"]);
    scene.store().accept(run).await.expect("accepted");
    assert_eq!(scene.names(AsOf::Now), ["Anne", "Ben", "Cid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_never_ended_is_discarded_by_the_next_one() {
    let mut scene = Scene::new();
    scene.sync(vec![person("1", "Ann")]).await;
    let lost = scene.begin().await;
    scene.records(lost, vec![person("1", "Anne"), person("2", "Ben")]).await;
    scene.die();
    scene.open();
    assert_eq!(scene.names(AsOf::Now), ["Ann"]);
    let (_, closed) = scene.sync(vec![person("1", "Ann")]).await;
    assert_eq!((closed.added, closed.changed, closed.removed), (0, 0, 0));
    assert_eq!(
        scene.count(&format!("SELECT count(*) FROM resource WHERE valid_from = {lost} OR valid_to = {lost}")),
        0
    );
    assert_eq!(scene.count(&format!("SELECT status = 'incomplete' FROM run WHERE run = {lost}")), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contents_of_one_id_give_the_same_row_in_either_order_and_are_reported() {
    let mut published = Vec::new();
    for order in [["Ann", "Zoe"], ["Zoe", "Ann"]] {
        let scene = Scene::new();
        let (_, closed) = scene.sync(order.iter().map(|n| person("1", n)).collect()).await;
        assert_eq!(closed.findings, [("conflicting-record".to_owned(), 1)]);
        published.push(scene.names(AsOf::Now));
    }
    assert_eq!(published[0], published[1]);
    assert_eq!(published[0].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_points_at_nobody_is_kept_and_reported() {
    let scene = Scene::new();
    let (run, closed) = scene.sync([crowd(1), team("t", &["0", "77"])].concat()).await;
    assert_eq!(closed.findings, [("dangling-grant".to_owned(), 1)]);
    assert_eq!(scene.count("SELECT count(*) FROM grants"), 2);
    let detail = Reader::open(&scene.path()).expect("reader").run(run).expect("run");
    assert_eq!(detail.findings.len(), 1);
    assert_eq!(detail.findings[0].subject, "team:t:member:agent:77");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_run_cannot_be_accepted() {
    let scene = Scene::new();
    let (run, _) = scene.sync(crowd(1)).await;
    assert!(matches!(scene.store().accept(run + 1).await, Err(StoreError::NoRun(_))));
    assert!(matches!(scene.store().accept(run).await, Err(StoreError::NotAcceptable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_may_hold_half_a_task_cannot_be_accepted() {
    let scene = Scene::new();
    scene.sync(vec![person("1", "Ann")]).await;
    let run = scene.begin().await;
    scene.records(run, vec![person("2", "Ben")]).await;
    scene.close_keeping(run, Status::Incomplete, false).await;
    assert!(matches!(scene.store().accept(run).await, Err(StoreError::NotAcceptable { .. })));
    assert_eq!(scene.names(AsOf::Now), ["Ann"]);
}
