//! The draft of a run in memory: what was published before, what has arrived, and what each record that arrives means.
//! Pure: it decides, `rows` writes.

mod holders;
mod integrity;
mod intern;
mod scope;
mod sighting;
mod slots;

pub use integrity::Finding;
pub use sighting::Sighting;
pub use slots::{Tally, Verdict};

use holders::{Arrived, Holders};
use integrity::Report;
use intern::{EntitlementKeys, Identities, Interned, Words};
use slots::{Slots, Taken};
use std::collections::{BTreeSet, HashMap};

/// The draft.
#[derive(Debug, Default)]
pub struct Draft {
    /// Resource types.
    pub types: Words,
    /// Slugs of entitlements.
    pub slugs: Words,
    /// Keys of resources, and of whatever is pointed at.
    pub identities: Identities,
    /// Keys of entitlements.
    pub keys: EntitlementKeys,
    /// What is published and what this run emitted of each kind.
    pub resources: Slots,
    /// Likewise.
    pub entitlements: Slots,
    /// Likewise.
    pub grants: Holders,
    /// Of the resources this run emitted: what they belong to, and who their manager is; 0 is nobody.
    links: HashMap<u32, (u32, u32)>,
    contradicted_resources: BTreeSet<u32>,
    contradicted_entitlements: BTreeSet<u32>,
    /// A scope has left grants open; see [`Draft::settle`].
    is_open: bool,
    /// Grants have gone with the accounts that held them, and not by themselves.
    pub follows: bool,
    /// What the task in hand found as it was published: it writes no row of it.
    pub sighting: Sighting,
}

impl Draft {
    /// The number of an entitlement.
    pub fn entitlement(&mut self, resource: u32, slug: &str) -> Interned {
        let slug = self.slugs.intern(slug).id;
        self.keys.intern(resource, slug)
    }

    /// A resource arrived; `links` are what it belongs to and who its manager is, 0 where there is none.
    pub fn take_resource(&mut self, id: u32, hash: u128, enabled: bool, links: (u32, u32)) -> Verdict {
        let taken = self.resources.take(id, hash, enabled);
        if taken.counts {
            self.link(id, links);
        }
        note(id, taken, &mut self.sighting.resources, &mut self.sighting.contradicted_resources);
        if taken.conflict {
            self.contradicted_resources.insert(id);
        }
        taken.verdict
    }

    /// What a resource that counts points at.
    pub fn link(&mut self, id: u32, links: (u32, u32)) {
        match links {
            (0, 0) if self.links.is_empty() => {}
            (0, 0) => drop(self.links.remove(&id)),
            links => drop(self.links.insert(id, links)),
        }
    }

    /// An entitlement arrived.
    pub fn take_entitlement(&mut self, id: u32, hash: u128) -> Verdict {
        let taken = self.entitlements.take(id, hash, true);
        note(id, taken, &mut self.sighting.entitlements, &mut self.sighting.contradicted_entitlements);
        if taken.conflict {
            self.contradicted_entitlements.insert(id);
        }
        taken.verdict
    }

    /// A grant arrived: whether a row has to be written.
    pub fn take_grant(&mut self, entitlement: u32, principal: u32) -> bool {
        let arrived = self.grants.take(entitlement, principal);
        if arrived == Arrived::Unchanged {
            self.sighting.grants.push((entitlement, principal));
        }
        arrived == Arrived::New
    }

    /// Takes in what a task of an earlier attempt saw.
    pub fn load_sighting(&mut self, sighting: &Sighting) {
        sighting.resources.iter().for_each(|id| self.resources.load_unchanged(*id));
        sighting.entitlements.iter().for_each(|id| self.entitlements.load_unchanged(*id));
        sighting.grants.iter().for_each(|(entitlement, principal)| self.grants.load_seen(*entitlement, *principal));
        self.contradicted_resources.extend(&sighting.contradicted_resources);
        self.contradicted_entitlements.extend(&sighting.contradicted_entitlements);
    }

    /// What the run means for each resource type, in the order the types were first seen.
    pub fn resource_tallies(&self) -> Vec<(String, Tally)> {
        let mut tallies: Vec<(String, Tally)> = self.types.iter().map(|t| (t.to_owned(), Tally::default())).collect();
        for (at, of_type) in self.identities.types().enumerate() {
            if let Some((_, tally)) = tallies.get_mut(intern::index(of_type)) {
                self.resources.tally(intern::number(at), tally);
            }
        }
        tallies
    }

    /// The integrity report: the first findings of each kind, and how many there are.
    pub fn findings(&self) -> (Vec<Finding>, Vec<(&'static str, u64)>) {
        let mut report = Report::default();
        for (entitlement, principal) in self.grants.seen() {
            let grant = || format!("{}:{}", self.entitlement_name(entitlement), self.name_of(principal));
            if !self.resources.is_seen(principal) {
                report.add("dangling-grant", grant());
            }
            if !self.entitlements.is_seen(entitlement) {
                report.add("grant-without-entitlement", grant());
            }
        }
        for id in self.entitlements.seen() {
            if !self.resources.is_seen(self.keys.get(id).0) {
                report.add("entitlement-without-resource", self.entitlement_name(id));
            }
        }
        for (from, (parent, manager)) in &self.links {
            for (to, kind) in [(*parent, "missing-parent"), (*manager, "missing-manager")] {
                if to != 0 && !self.resources.is_seen(to) {
                    report.add(kind, format!("{} points at {}", self.name_of(*from), self.name_of(to)));
                }
            }
        }
        self.contradicted_resources.iter().for_each(|id| report.add("conflicting-record", self.name_of(*id)));
        self.contradicted_entitlements
            .iter()
            .for_each(|id| report.add("conflicting-record", self.entitlement_name(*id)));
        report.finish()
    }

    fn name_of(&self, id: u32) -> String {
        let (of_type, vendor) = self.identities.get(id);
        format!("{}:{vendor}", self.types.get(of_type))
    }

    fn entitlement_name(&self, id: u32) -> String {
        let (resource, slug) = self.keys.get(id);
        format!("{}:{}", self.name_of(resource), self.slugs.get(slug))
    }
}

/// Remembers what leaves no row behind.
fn note(id: u32, taken: Taken, unchanged: &mut Vec<u32>, contradicted: &mut Vec<u32>) {
    if matches!(taken.verdict, Verdict::Unchanged | Verdict::Restore) {
        unchanged.push(id);
    }
    if taken.conflict {
        contradicted.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_at_nothing_is_found() {
        let mut draft = Draft::default();
        let (agent, team) = (draft.types.intern("agent").id, draft.types.intern("team").id);
        let (ann, gone) = (draft.identities.intern(agent, "1").id, draft.identities.intern(agent, "9").id);
        let support = draft.identities.intern(team, "3").id;
        draft.take_resource(support, 1, false, (0, 0));
        draft.take_resource(ann, 7, true, (0, gone));
        // Another task said otherwise, and what it said counts: the team does not exist.
        let nowhere = draft.identities.intern(team, "8").id;
        draft.take_resource(ann, 6, true, (nowhere, 0));
        // And a third one's content does not count, nor what it points at.
        draft.take_resource(ann, 9, true, (gone, gone));
        let member = draft.entitlement(support, "member").id;
        draft.take_entitlement(member, 1);
        draft.take_grant(member, ann);
        draft.take_grant(member, gone);
        let lost = draft.entitlement(gone, "owner").id;
        draft.take_entitlement(lost, 1);
        let never = draft.entitlement(support, "never").id;
        draft.take_grant(never, ann);
        let (list, counts) = draft.findings();
        let shown: Vec<String> = list.iter().map(|f| format!("{} {}", f.kind, f.subject)).collect();
        assert_eq!(
            shown,
            [
                "conflicting-record agent:1",
                "dangling-grant team:3:member:agent:9",
                "entitlement-without-resource agent:9:owner",
                "grant-without-entitlement team:3:never:agent:1",
                "missing-parent agent:1 points at team:8",
            ]
        );
        assert_eq!(counts.len(), 5);
    }

    #[test]
    fn what_a_task_saw_unchanged_is_taken_in_by_the_attempt_that_goes_on() {
        let published = || {
            let mut draft = Draft::default();
            let agent = draft.types.intern("agent").id;
            for (id, hash) in [("1", 5), ("2", 5), ("3", 5)] {
                let id = draft.identities.intern(agent, id).id;
                draft.resources.load_published(id, hash, true);
            }
            draft.grants.load_published(1, 1);
            draft
        };
        let mut first = published();
        first.take_resource(1, 5, true, (0, 0));
        first.take_resource(2, 6, true, (0, 0));
        first.take_resource(2, 5, true, (0, 0));
        first.take_grant(1, 1);
        let mut then = published();
        then.load_sighting(&first.sighting);
        assert_eq!(then.resources.sum(), first.resources.sum());
        assert_eq!(then.grants.tally(), first.grants.tally());
        assert_eq!(then.findings(), first.findings());
        assert_eq!(then.resources.vanished().collect::<Vec<_>>(), [3]);
    }
}
