//! Packed records as they are read: texts where they lie, content only where somebody asks for it.

/// The key of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Its type.
    pub resource_type: &'a str,
    /// The vendor's own id.
    pub id: &'a str,
}

/// One record, as it lies there.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A resource.
    Resource(ResourceItem<'a>),
    /// An entitlement.
    Entitlement(EntitlementItem<'a>),
    /// A grant.
    Grant(GrantItem<'a>),
}

/// A resource.
#[derive(Clone, Copy, Debug)]
pub struct ResourceItem<'a> {
    /// Its key.
    pub key: Key<'a>,
    /// Of its content; never 0, which means absent.
    pub hash: u128,
    /// Whether it is an account that can be used.
    pub enabled: bool,
    /// What it belongs to.
    pub parent: Option<Key<'a>>,
    /// Who the person reports to.
    pub manager: Option<Key<'a>>,
    pub(super) is_user: bool,
    pub(super) content: &'a [u8],
}

/// What a resource is beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceContent<'a> {
    /// For people.
    pub name: &'a str,
    /// Label of the kind.
    pub kind: &'a str,
    /// JSON.
    pub profile: &'a str,
    /// Only of users.
    pub user: Option<UserContent<'a>>,
}

/// What a user is beside that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserContent<'a> {
    /// Label of the status.
    pub status: &'a str,
    /// Why.
    pub status_detail: Option<&'a str>,
    /// Address for work.
    pub email: Option<&'a str>,
    /// Name to sign in with.
    pub login: Option<&'a str>,
    /// First name.
    pub given_name: Option<&'a str>,
    /// Last name.
    pub family_name: Option<&'a str>,
    /// Sorted.
    pub other_emails: Vec<&'a str>,
    /// JSON.
    pub employment: Option<&'a str>,
}

/// An entitlement.
#[derive(Clone, Copy, Debug)]
pub struct EntitlementItem<'a> {
    /// Of what.
    pub resource: Key<'a>,
    /// Unique within it.
    pub slug: &'a str,
    /// Of its content; never 0.
    pub hash: u128,
    pub(super) content: &'a [u8],
}

/// What an entitlement is beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntitlementContent<'a> {
    /// For people.
    pub name: &'a str,
    /// For people.
    pub description: &'a str,
    /// `assignment` or `permission`.
    pub purpose: &'a str,
    /// Sorted.
    pub grantable_to: Vec<&'a str>,
}

/// A grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantItem<'a> {
    /// Of what.
    pub resource: Key<'a>,
    /// The entitlement's slug.
    pub slug: &'a str,
    /// Who has it.
    pub principal: Key<'a>,
    /// The same number for grants of one task that name the same entitlement one after the other.
    pub head: u32,
}

impl<'a> ResourceItem<'a> {
    /// What it is beside its key; empty where the bytes are none of ours, which cannot be.
    pub fn content(&self) -> ResourceContent<'a> {
        self.read().unwrap_or_default()
    }

    fn read(&self) -> Option<ResourceContent<'a>> {
        let mut c = Cursor(self.content);
        let (name, kind) = (c.text()??, c.text()??);
        // The parent, which stands before the content, too.
        let _ = (c.text()?, c.text()?);
        let profile = c.text()??;
        // Of what is no user the next record's bytes follow.
        let user = if self.is_user { Some(c.user()?) } else { None };
        Some(ResourceContent { name, kind, profile, user })
    }
}

impl<'a> EntitlementItem<'a> {
    /// What it is beside its key; empty where the bytes are none of ours, which cannot be.
    pub fn content(&self) -> EntitlementContent<'a> {
        let mut c = Cursor(self.content);
        let mut read = || {
            Some(EntitlementContent {
                name: c.text()??,
                description: c.text()??,
                purpose: c.text()??,
                grantable_to: c.list()?,
            })
        };
        read().unwrap_or_default()
    }
}

/// Reads on from where it is.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn str(&mut self, n: usize) -> Option<&'a str> {
        std::str::from_utf8(self.take(n)?).ok()
    }

    pub(super) fn short_bytes(&mut self) -> Option<&'a [u8]> {
        let n = usize::from(*self.take(1)?.first()?);
        self.take(n)
    }

    pub(super) fn id_bytes(&mut self) -> Option<&'a [u8]> {
        let n = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(n))
    }

    pub(super) fn short(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.short_bytes()?).ok()
    }

    pub(super) fn key(&mut self) -> Option<Key<'a>> {
        let resource_type = self.short()?;
        Some(Key { resource_type, id: std::str::from_utf8(self.id_bytes()?).ok()? })
    }

    pub(super) fn hash(&mut self) -> Option<u128> {
        Some(u128::from_le_bytes(self.take(16)?.try_into().ok()?))
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
    }

    /// A part that may be absent.
    fn text(&mut self) -> Option<Option<&'a str>> {
        match self.number()? {
            0 => Some(None),
            n => self.str(n - 1).map(Some),
        }
    }

    fn list(&mut self) -> Option<Vec<&'a str>> {
        let n = self.number()?;
        (0..n).map(|_| self.text()?).collect()
    }

    fn user(&mut self) -> Option<UserContent<'a>> {
        Some(UserContent {
            status: self.text()??,
            status_detail: self.text()?,
            email: self.text()?,
            login: self.text()?,
            given_name: self.text()?,
            family_name: self.text()?,
            other_emails: self.list()?,
            employment: self.text()?,
        })
    }
}
