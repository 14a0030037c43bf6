//! A store as the conformance suite sees it.

use super::Ledger;
use super::queries::AsOf;
use crate::packed::{Item, Key};
use std::path::PathBuf;

/// A store that is held to the sentences.
pub(super) trait Subject {
    /// What a run needs of it.
    type Ledger: Ledger;
    /// An empty one.
    fn new() -> Self;
    /// Its writing side.
    fn ledger(&self) -> &Self::Ledger;
    /// The process dies and another one opens the store.
    fn die(&mut self);
    /// What stands in the connection's snapshot, as sorted text.
    fn rows(&self, as_of: AsOf) -> Vec<String>;
    /// The file, where there is one.
    fn path(&self) -> Option<PathBuf>;
}

/// A record as a line of text, and what the plain store has to know of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: String,
    /// The resource's type, `entitlements` or `grants`.
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) hash: u128,
    pub(super) enabled: bool,
    /// The finding where it is not there, and its key.
    pub(super) points_at: Vec<(&'static str, String)>,
}

pub(super) fn row_of(item: &Item) -> Row {
    let text = |key: &Key| format!("{}:{}", key.resource_type, key.id);
    match item {
        Item::Resource(r) => {
            let content = r.content();
            let status = content.user.map_or("-", |u| u.status);
            let mut points_at = Vec::new();
            points_at.extend(r.parent.map(|p| ("missing-parent", text(&p))));
            points_at.extend(r.manager.map(|m| ("missing-manager", text(&m))));
            Row {
                key: text(&r.key),
                kind: r.key.resource_type.to_owned(),
                text: format!("{} {} {status}", text(&r.key), content.name),
                hash: r.hash,
                enabled: r.enabled,
                points_at,
            }
        }
        Item::Entitlement(e) => {
            let key = format!("{}:{}", text(&e.resource), e.slug);
            let points_at = vec![("entitlement-without-resource", text(&e.resource))];
            let line = format!("{key} {}", e.content().name);
            Row { key, kind: "entitlements".to_owned(), text: line, hash: e.hash, enabled: false, points_at }
        }
        Item::Grant(g) => {
            let entitlement = format!("{}:{}", text(&g.resource), g.slug);
            let key = format!("{entitlement}:{}", text(&g.principal));
            let points_at = vec![("dangling-grant", text(&g.principal)), ("grant-without-entitlement", entitlement)];
            Row { text: key.clone(), key, kind: "grants".to_owned(), hash: 1, enabled: false, points_at }
        }
    }
}
