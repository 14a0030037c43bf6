//! A store with a past, for tests: states are written as rows by a plain model, not by the writer.

use super::file;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// People by id, with a name and a title; teams by id, with who is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) people: BTreeMap<String, (String, Option<String>)>,
    pub(super) teams: BTreeMap<String, BTreeSet<String>>,
}

impl State {
    pub(super) fn person(mut self, id: &str, name: &str) -> State {
        self.people.insert(id.to_owned(), (name.to_owned(), None));
        self
    }

    pub(super) fn titled(mut self, id: &str, title: &str) -> State {
        self.people.get_mut(id).expect("a person").1 = Some(title.to_owned());
        self
    }

    pub(super) fn team(mut self, id: &str, members: &[&str]) -> State {
        self.teams.insert(id.to_owned(), members.iter().map(|m| (*m).to_owned()).collect());
        self
    }

    pub(super) fn without(mut self, person: &str) -> State {
        self.people.remove(person);
        self
    }

    /// Rows by table: a key and its content.
    fn rows(&self) -> BTreeMap<(&'static str, Vec<String>), Vec<Option<String>>> {
        let mut out = BTreeMap::new();
        for (id, (name, title)) in &self.people {
            let job = title.as_ref().map(|t| format!(r#"{{"employee_id":null,"title":"{t}"}}"#));
            out.insert(("resource", vec!["agent".into(), id.clone()]), vec![Some(name.clone()), job]);
        }
        for (id, members) in &self.teams {
            out.insert(("resource", vec!["team".into(), id.clone()]), vec![Some(format!("team {id}")), None]);
            out.insert(("entitlement", vec!["team".into(), id.clone()]), vec![Some(format!("team {id}"))]);
            for member in members {
                out.insert(("grant", vec!["team".into(), id.clone(), member.clone()]), vec![]);
            }
        }
        out
    }

    /// What `diff` has to say: kind, change and id of every row that differs, in no order.
    pub(super) fn differences(&self, newer: &State) -> BTreeSet<(String, String, String)> {
        let (old, new) = (self.rows(), newer.rows());
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        keys.into_iter()
            .filter_map(|key| {
                let change = match (old.get(key), new.get(key)) {
                    (None, _) => "added",
                    (_, None) => "removed",
                    (Some(a), Some(b)) if a != b => "changed",
                    _ => return None,
                };
                let id = match (key.0, key.1.as_slice()) {
                    ("resource", [of_type, id]) => format!("{of_type}:{id}"),
                    ("entitlement", [of_type, id]) => format!("{of_type}:{id}:member"),
                    (_, [of_type, id, who]) => format!("{of_type}:{id}:member:agent:{who}"),
                    other => panic!("{other:?}"),
                };
                Some((key.0.to_owned(), change.to_owned(), id))
            })
            .collect()
    }
}

/// The store.
pub(super) struct Past {
    dir: tempfile::TempDir,
    pub(super) conn: Connection,
    published: BTreeMap<String, State>,
    days: i64,
}

impl Past {
    pub(super) fn new() -> Past {
        let dir = tempfile::tempdir().expect("folder");
        let conn = file::open_for_writing(&dir.path().join("muster.db")).expect("store");
        Past { dir, conn, published: BTreeMap::new(), days: 0 }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("muster.db")
    }

    fn connection(&self, name: &str) -> i64 {
        self.conn.execute("INSERT OR IGNORE INTO connection (name) VALUES (?)", [name]).expect("connection");
        self.number("SELECT id FROM connection WHERE name = ?", &[&name])
    }

    pub(super) fn number(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> i64 {
        self.conn.query_row(sql, values, |r| r.get(0)).expect(sql)
    }

    /// A run that began on the next day, at midnight.
    pub(super) fn run(&mut self, name: &str, status: &str, draft: bool) -> i64 {
        let connection = self.connection(name);
        let day = jiff::civil::date(2026, 1, 1).saturating_add(jiff::Span::new().days(self.days));
        self.days += 1;
        let sql = "INSERT INTO run (connection, status, started, ended, connector, version, digest, draft) \
                   VALUES (?, ?, ?, ?, 'demo', '1', 'd', ?)";
        let (started, ended) = (format!("{day}T00:00:00Z"), format!("{day}T00:00:05Z"));
        self.conn.execute(sql, params![connection, status, started, ended, draft]).expect("run");
        self.conn.last_insert_rowid()
    }

    /// A run that is published.
    pub(super) fn publish(&mut self, name: &str, state: &State) -> i64 {
        let run = self.run(name, "published", false);
        let before = self.published.insert(name.to_owned(), state.clone()).unwrap_or_default();
        self.write(name, run, &before, state, true);
        self.conn.execute("UPDATE connection SET published = ? WHERE name = ?", params![run, name]).expect("publish");
        run
    }

    /// A run with a draft that nobody accepted.
    pub(super) fn draft(&mut self, name: &str, status: &str, state: &State) -> i64 {
        let run = self.run(name, status, true);
        let before = self.published.get(name).cloned().unwrap_or_default();
        self.write(name, run, &before, state, status == "held");
        run
    }

    fn write(&self, name: &str, run: i64, before: &State, after: &State, complete: bool) {
        let connection = self.connection(name);
        let (old, new) = (before.rows(), after.rows());
        for (key, content) in &new {
            if old.get(key) != Some(content) {
                self.close(connection, run, key);
                self.insert(connection, run, key, content);
            }
        }
        for key in old.keys().filter(|key| complete && !new.contains_key(*key)) {
            self.close(connection, run, key);
        }
    }

    fn close(&self, connection: i64, run: i64, (table, key): &(&'static str, Vec<String>)) {
        let numbers = self.key(connection, table, key);
        let (table, keys) = match *table {
            "grant" => ("grant_row", "entitlement = ?3 AND principal = ?4"),
            table => (table, "id = ?3 AND ?3 = ?4"),
        };
        let sql = format!("UPDATE {table} SET valid_to = ?1 WHERE connection = ?2 AND {keys} AND valid_to IS NULL");
        self.conn.execute(&sql, params![run, connection, numbers.0, numbers.1]).expect("closed");
    }

    fn insert(
        &self,
        connection: i64,
        run: i64,
        (table, key): &(&'static str, Vec<String>),
        content: &[Option<String>],
    ) {
        let (one, two) = self.key(connection, table, key);
        let hash = format!("{content:?}");
        let at = |n: usize| content.get(n).cloned().flatten();
        let done = match *table {
            "resource" => self.conn.execute(
                "INSERT INTO resource (connection, id, valid_from, hash, name, kind, employment) \
                 VALUES (?, ?, ?, CAST(? AS BLOB), ?, 'user', ?)",
                params![connection, one, run, hash, at(0), at(1)],
            ),
            "entitlement" => self.conn.execute(
                "INSERT INTO entitlement VALUES (?, ?, ?, NULL, CAST(? AS BLOB), ?, '', 'assignment', '[\"agent\"]')",
                params![connection, one, run, hash, at(0)],
            ),
            _ => self.conn.execute("INSERT INTO grant_row VALUES (?, ?, ?, ?, NULL)", [connection, one, two, run]),
        };
        done.expect("a row");
    }

    /// The numbers of a key: of what has one number, it twice.
    fn key(&self, connection: i64, table: &str, key: &[String]) -> (i64, i64) {
        let resource = self.identity(connection, &key[0], &key[1]);
        if table == "resource" {
            return (resource, resource);
        }
        let sql = "INSERT OR IGNORE INTO entitlement_key SELECT ?1, (SELECT coalesce(max(id), 0) + 1 FROM entitlement_key \
                   WHERE connection = ?1), ?2, 'member'";
        self.conn.execute(sql, [connection, resource]).expect("a key");
        let sql = "SELECT id FROM entitlement_key WHERE connection = ? AND resource = ?";
        let entitlement = self.number(sql, &[&connection, &resource]);
        match key.get(2) {
            Some(who) => (entitlement, self.identity(connection, "agent", who)),
            None => (entitlement, entitlement),
        }
    }

    fn identity(&self, connection: i64, of_type: &str, id: &str) -> i64 {
        let number = "(SELECT coalesce(max(id), 0) + 1 FROM resource_type WHERE connection = ?1)";
        let sql = format!(
            "INSERT INTO resource_type SELECT ?1, {number}, ?2 WHERE NOT EXISTS \
             (SELECT 1 FROM resource_type WHERE connection = ?1 AND name = ?2)"
        );
        self.conn.execute(&sql, params![connection, of_type]).expect("a type");
        let sql = "SELECT id FROM resource_type WHERE connection = ? AND name = ?";
        let of_type = self.number(sql, &[&connection, &of_type]);
        let sql = "INSERT OR IGNORE INTO identity SELECT ?1, (SELECT coalesce(max(id), 0) + 1 FROM identity \
                   WHERE connection = ?1), ?2, ?3";
        self.conn.execute(sql, params![connection, of_type, id]).expect("an id");
        self.number(
            "SELECT id FROM identity WHERE connection = ? AND type = ? AND vendor_id = ?",
            &[&connection, &of_type, &id],
        )
    }
}

/// Numbers that look random and are the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    /// A state near another one.
    pub(super) fn next(&mut self, state: &State) -> State {
        let mut state = state.clone();
        for _ in 0..self.below(5) {
            let who = (self.below(12)).to_string();
            match self.below(5) {
                0 => state = state.without(&who),
                1 | 2 => state = state.person(&who, ["Ann", "Ben", "Cid"][self.below(3) as usize]),
                3 => {
                    let title = ["cook", "baker"][self.below(2) as usize];
                    state = state.person(&who, "Dee").titled(&who, title);
                }
                _ => {
                    let team = self.below(3).to_string();
                    match self.below(4) {
                        0 => drop(state.teams.remove(&team)),
                        _ => {
                            let members = state.teams.entry(team).or_default();
                            if !members.remove(&who) {
                                members.insert(who);
                            }
                        }
                    }
                }
            }
        }
        state
    }
}
