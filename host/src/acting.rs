//! Changes at a vendor, as the operator agreed to them, and what came of them. Free of generated and of storage types.

use crate::model::{Grant, ResourceId, Task};

/// An account to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// A resource type of the connector, of the kind `user`.
    pub resource_type: String,
    /// For people.
    pub name: String,
    /// Address for work.
    pub email: String,
    /// The vendor's own word; none: its least.
    pub role: Option<String>,
}

/// One change of access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Give a principal an entitlement.
    Grant(Grant),
    /// Take it away.
    Revoke(Grant),
    /// Invite or create an account.
    CreateUser(NewAccount),
    /// Keep the account, and let nobody use it.
    DisableUser(ResourceId),
    /// Take the account away.
    RemoveUser(ResourceId),
    /// Give a principal another role.
    SetRole(ResourceId, String),
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was made. In a dry run: it would be.
    Applied,
    /// It was so before.
    AlreadySo,
    /// The vendor took it, and has not said that it is done.
    Accepted,
    /// The vendor refused it; its words, already masked.
    Refused(String),
    /// The vendor failed in between and does not say whether it was made; its words, already masked.
    Unclear(String),
}

impl Came {
    /// The stable label, in tables, JSON and the store.
    pub fn label(&self) -> &'static str {
        match self {
            Came::Applied => "applied",
            Came::AlreadySo => "already-so",
            Came::Accepted => "accepted",
            Came::Refused(_) => "refused",
            Came::Unclear(_) => "unclear",
        }
    }

    /// The vendor's words, or nothing.
    pub fn words(&self) -> &str {
        match self {
            Came::Applied | Came::AlreadySo | Came::Accepted => "",
            Came::Refused(words) | Came::Unclear(words) => words,
        }
    }

    /// From a label and the words, as the store has them.
    pub fn of(label: &str, words: &str) -> Option<Came> {
        Some(match label {
            "applied" => Came::Applied,
            "already-so" => Came::AlreadySo,
            "accepted" => Came::Accepted,
            "refused" => Came::Refused(words.to_owned()),
            "unclear" => Came::Unclear(words.to_owned()),
            _ => return None,
        })
    }
}

/// What came of one change of access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What came of it.
    pub came: Came,
    /// The task that reads again what was touched.
    pub reread: Option<Task>,
}

/// A new value of one field, by the contract's name (`title`, `employment_type`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The contract's name.
    pub field: String,
    /// Never empty.
    pub value: String,
}

/// One change of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterChange {
    /// Somebody to add: name, and the contract's fields.
    Hire {
        /// For people.
        name: String,
        /// Address for work.
        email: String,
        /// The contract's fields.
        fields: Vec<FieldChange>,
    },
    /// New values of somebody the target has.
    Update {
        /// The target's resource.
        id: ResourceId,
        /// The address that the target has now.
        email: Option<String>,
        /// What changes.
        fields: Vec<FieldChange>,
    },
    /// Somebody who leaves.
    Depart {
        /// The target's resource.
        id: ResourceId,
        /// The address that the target has now.
        email: Option<String>,
        /// Last day, `YYYY-MM-DD`.
        date: String,
        /// Whether the place stays open.
        backfill: bool,
    },
}

/// How a roster is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterOptions {
    /// The target's own dry run.
    pub dry_run: bool,
    /// A scenario of the target instead of the real data.
    pub scenario: Option<String>,
    /// Whether filled fields of a person may be overwritten.
    pub overwrite: bool,
    /// Whether departments and the like may be created.
    pub create_groups: bool,
    /// Whether the rest goes on where one change is refused.
    pub skip_errors: bool,
    /// Tells this apply from every other.
    pub mark: String,
}

/// Which step of a roster to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// None: the first.
    pub task: Option<Task>,
    /// An earlier call of this step may have written.
    pub again: bool,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// By the change's place in the list.
    pub outcomes: Vec<(usize, Came)>,
    /// None: the work is done.
    pub next: Option<Task>,
}
