//! The data of a fake SCIM server, in the order of its lists.

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    /// As `type` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub kind: Kind,
}

/// A user; what is `None` or empty is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub user_name: String,
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    /// Address, type and whether it is the primary one.
    pub emails: Vec<(String, &'static str, bool)>,
    pub inactive: bool,
    pub external_id: Option<String>,
    pub title: Option<String>,
    pub user_type: Option<String>,
    pub department: Option<String>,
    pub employee_number: Option<String>,
    pub cost_center: Option<String>,
    pub manager: Option<String>,
}

impl User {
    /// An active user with an address for work.
    pub fn new(id: &str, user_name: &str, display_name: &str) -> Self {
        User {
            id: id.to_owned(),
            user_name: user_name.to_owned(),
            display_name: Some(display_name.to_owned()),
            emails: vec![(format!("{user_name}@example.test"), "work", true)],
            ..User::default()
        }
    }

    /// Who cannot sign in.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.inactive = true;
        self
    }

    /// With a title, a department and a number.
    #[must_use]
    pub fn job(mut self, title: &str, department: &str, number: &str) -> Self {
        self.title = Some(title.to_owned());
        self.department = Some(department.to_owned());
        self.employee_number = Some(number.to_owned());
        self.user_type = Some("Employee".to_owned());
        self
    }

    /// With a manager.
    #[must_use]
    pub fn manager(mut self, id: &str) -> Self {
        self.manager = Some(id.to_owned());
        self
    }
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub members: Vec<Member>,
}

impl Group {
    /// A group of these users.
    pub fn new(id: &str, name: &str, users: &[&str]) -> Self {
        let group = Group { id: id.to_owned(), name: name.to_owned(), members: Vec::new() };
        users.iter().fold(group, |group, user| group.with(Kind::User, user))
    }

    /// With a group in it.
    #[must_use]
    pub fn nesting(self, group: &str) -> Self {
        self.with(Kind::Group, group)
    }

    fn with(mut self, kind: Kind, id: &str) -> Self {
        self.members.push(Member { id: id.to_owned(), kind });
        self
    }
}

/// The data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
}

impl World {
    /// The user of that id.
    pub fn user(&mut self, id: &str) -> &mut User {
        self.users.iter_mut().find(|user| user.id == id).expect("a user of that id")
    }

    /// The group of that id.
    pub fn group(&mut self, id: &str) -> &mut Group {
        self.groups.iter_mut().find(|group| group.id == id).expect("a group of that id")
    }

    /// A user leaves, and the groups, too.
    pub fn remove_user(&mut self, id: &str) {
        self.users.retain(|user| user.id != id);
        self.groups.iter_mut().for_each(|group| group.members.retain(|member| member.id != id));
    }

    /// A group is dissolved.
    pub fn remove_group(&mut self, id: &str) {
        self.groups.retain(|group| group.id != id);
        self.groups.iter_mut().for_each(|group| group.members.retain(|member| member.id != id));
    }
}
