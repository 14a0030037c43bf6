//! Short ways to make records, tasks and accounts.

use crate::{Account, Details, Entitlement, Grant, Item, Purpose, Resource, ResourceId, Status, Task, User};

impl ResourceId {
    /// A type of the manifest and the vendor's own id.
    pub fn new(resource_type: impl Into<String>, id: impl ToString) -> Self {
        ResourceId { resource_type: resource_type.into(), id: id.to_string() }
    }
}

impl Resource {
    /// Somebody who can hold access.
    pub fn user(id: ResourceId, name: impl Into<String>, user: User) -> Self {
        Resource::of(id, name.into(), Details::User(user))
    }

    /// A set of principals.
    pub fn group(id: ResourceId, name: impl Into<String>) -> Self {
        Resource::of(id, name.into(), Details::Group)
    }

    /// Anything else.
    pub fn other(id: ResourceId, name: impl Into<String>) -> Self {
        Resource::of(id, name.into(), Details::Other)
    }

    /// The resource this one belongs to.
    pub fn with_parent(mut self, parent: ResourceId) -> Self {
        self.parent = Some(parent);
        self
    }

    /// The vendor's own attributes: a value that serializes to one JSON object. Leave out what
    /// changes by itself.
    pub fn with_profile(mut self, profile: &impl serde::Serialize) -> Self {
        // Texts, numbers and raw JSON cannot fail to serialize; a map with keys that are no text
        // can, and shows as an empty profile in the connector's first test.
        self.profile = serde_json::to_string(profile).unwrap_or_default();
        self
    }

    fn of(id: ResourceId, name: String, details: Details) -> Self {
        Resource { id, name, parent: None, details, profile: String::new() }
    }
}

impl User {
    /// A user of whom only the status is known. There is no default: a connector that does not
    /// know whether an account works has to decide what to say.
    pub fn new(status: Status) -> Self {
        User {
            email: None,
            other_emails: Vec::new(),
            login: None,
            given_name: None,
            family_name: None,
            status,
            status_detail: None,
            employment: None,
        }
    }

    /// A user who can sign in.
    pub fn enabled() -> Self {
        User::new(Status::Enabled)
    }

    /// A user who cannot sign in now, and why, in a few words.
    pub fn disabled(detail: impl Into<String>) -> Self {
        User { status_detail: Some(detail.into()), ..User::new(Status::Disabled) }
    }

    /// A person who has left.
    pub fn departed() -> Self {
        User::new(Status::Departed)
    }

    /// The address for work.
    pub fn with_email(mut self, email: Option<String>) -> Self {
        self.email = email;
        self
    }
}

impl Entitlement {
    /// Belonging to a resource: `member`.
    pub fn assignment(resource: ResourceId, slug: impl Into<String>, name: impl Into<String>) -> Self {
        Entitlement::of(resource, slug.into(), name.into(), Purpose::Assignment)
    }

    /// Being allowed something: `publish`.
    pub fn permission(resource: ResourceId, slug: impl Into<String>, name: impl Into<String>) -> Self {
        Entitlement::of(resource, slug.into(), name.into(), Purpose::Permission)
    }

    /// One sentence for people.
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// A resource type that may hold it; may be called again.
    pub fn grantable_to(mut self, resource_type: impl Into<String>) -> Self {
        self.grantable_to.push(resource_type.into());
        self
    }

    fn of(resource: ResourceId, slug: String, name: String, purpose: Purpose) -> Self {
        let (description, grantable_to) = (String::new(), Vec::new());
        Entitlement { resource, slug, name, description, purpose, grantable_to }
    }
}

impl Grant {
    /// A principal has an entitlement, by its slug, of a resource.
    pub fn new(resource: ResourceId, slug: impl Into<String>, principal: ResourceId) -> Self {
        Grant { resource, slug: slug.into(), principal }
    }
}

impl Task {
    /// A kind of the connector's own table and what the call needs to know. Never a secret: it is stored.
    pub fn new(kind: impl Into<String>, payload: impl ToString) -> Self {
        Task { kind: kind.into(), payload: payload.to_string() }
    }
}

impl Account {
    /// The vendor's id and name of the account.
    pub fn new(id: impl ToString, name: impl Into<String>) -> Self {
        Account { id: id.to_string(), name: name.into(), warnings: Vec::new(), session: None }
    }

    /// A sentence for the operator: it works, but.
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Handed to every later call of the run. Never a secret.
    pub fn with_session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }
}

impl From<Resource> for Item {
    fn from(resource: Resource) -> Self {
        Item::Resource(resource)
    }
}

impl From<Entitlement> for Item {
    fn from(entitlement: Entitlement) -> Self {
        Item::Entitlement(entitlement)
    }
}

impl From<Grant> for Item {
    fn from(grant: Grant) -> Self {
        Item::Grant(grant)
    }
}
