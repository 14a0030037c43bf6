//! What a run says nothing about. Pure.
//!
//! Rule: a run of a scope removes nothing outside of it. Reason: after a change of access only what it touched is read
//! again, and what was not asked for has not vanished. One exception: with an account that is gone go its grants, for
//! nobody holds them any more.

use super::Draft;
use crate::store::outcome::Scope;

impl Draft {
    /// Takes all that is published outside of a scope for seen. Before anything arrives.
    pub fn see_outside(&mut self, scope: &Scope) {
        let (types, identities) = (&self.types, &self.identities);
        let resources: Vec<u32> = match scope {
            Scope::GrantsOf(_) => self.resources.vanished().collect(),
            Scope::ResourcesOf(of_type) => {
                let is_other = |id: &u32| types.get(identities.get(*id).0) != of_type;
                self.resources.vanished().filter(is_other).collect()
            }
        };
        let entitlements: Vec<u32> = self.entitlements.vanished().collect();
        let grants: Vec<(u32, u32)> = match scope {
            Scope::GrantsOf(resource) => {
                let is_other = |(entitlement, _): &(u32, u32)| {
                    let (of_type, id) = identities.get(self.keys.get(*entitlement).0);
                    id != resource.id || types.get(of_type) != resource.resource_type
                };
                self.grants.vanished().filter(is_other).collect()
            }
            Scope::ResourcesOf(of_type) => {
                self.is_open = true;
                let is_other = |(_, principal): &(u32, u32)| types.get(identities.get(*principal).0) != of_type;
                self.grants.vanished().filter(is_other).collect()
            }
        };
        resources.into_iter().for_each(|id| self.resources.load_unchanged(id));
        entitlements.into_iter().for_each(|id| self.entitlements.load_unchanged(id));
        grants.into_iter().for_each(|(entitlement, principal)| self.grants.load_seen(entitlement, principal));
    }

    /// Decides on the grants that a scope has left open: whoever holds them is gone, or they are as they were. After
    /// everything has arrived.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        self.follows = true;
        let resources = &self.resources;
        let kept: Vec<(u32, u32)> = self.grants.vanished().filter(|(_, who)| !resources.has_vanished(*who)).collect();
        kept.into_iter().for_each(|(entitlement, principal)| self.grants.load_seen(entitlement, principal));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    /// Two teams with a member each, published.
    fn published() -> (Draft, [u32; 3]) {
        let mut draft = Draft::default();
        let (agent, team) = (draft.types.intern("agent").id, draft.types.intern("team").id);
        let [ann, one, two] =
            [(agent, "1"), (team, "1"), (team, "2")].map(|(of, id)| draft.identities.intern(of, id).id);
        for id in [ann, one, two] {
            draft.resources.load_published(id, 5, true);
        }
        for team in [one, two] {
            let member = draft.entitlement(team, "member").id;
            draft.entitlements.load_published(member, 5, true);
            draft.grants.load_published(member, ann);
        }
        (draft, [ann, one, two])
    }

    #[test]
    fn only_what_the_scope_covers_may_vanish() {
        let (mut draft, [ann, one, _]) = published();
        draft.see_outside(&Scope::GrantsOf(ResourceId { resource_type: "team".into(), id: "1".into() }));
        let of_one = draft.entitlement(one, "member").id;
        assert_eq!(draft.grants.vanished().collect::<Vec<_>>(), [(of_one, ann)]);
        assert_eq!((draft.resources.vanished().count(), draft.entitlements.vanished().count()), (0, 0));

        let (mut draft, [ann, ..]) = published();
        draft.see_outside(&Scope::ResourcesOf("agent".into()));
        assert_eq!(draft.resources.vanished().collect::<Vec<_>>(), [ann]);
        draft.settle();
        assert_eq!(
            (draft.grants.vanished().count(), draft.entitlements.vanished().count()),
            (2, 0),
            "hers go with her"
        );

        let (mut draft, [ann, ..]) = published();
        draft.see_outside(&Scope::ResourcesOf("agent".into()));
        draft.take_resource(ann, 5, true, (0, 0));
        draft.settle();
        assert_eq!(draft.grants.vanished().count(), 0, "she is still there");

        let (mut draft, [ann, one, _]) = published();
        let (agent, of_one) = (draft.types.intern("agent").id, draft.entitlement(one, "member").id);
        let unknown = draft.identities.intern(agent, "99").id;
        draft.grants.load_published(of_one, unknown);
        draft.see_outside(&Scope::ResourcesOf("agent".into()));
        draft.take_resource(ann, 5, true, (0, 0));
        draft.settle();
        assert_eq!(draft.grants.vanished().count(), 0, "who was never there has not gone");
    }
}
