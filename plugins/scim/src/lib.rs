//! Muster connector for SCIM 2.0 (RFC 7643, RFC 7644): users, groups and who is in them.
//!
//! | task | reads | emits | names |
//! | --- | --- | --- | --- |
//! | (none) | | | `users`, and `groups` unless the operator says that there are none |
//! | `users`, a window | a page of the list | a resource each | the other pages |
//! | `groups`, a window | a page of the list | a resource, the entitlement `member` and the grants that are certain, each | the other pages; `group` for each whose members the list leaves out; `untyped` |
//! | `group`, an id and where it was listed | one group | the grants that are certain | `untyped` |
//! | `untyped` | all groups, once | the grants whose principal's type only the list of groups tells | |
//!
//! A window is a part of a list: an index and its end, the first page's total and what it was, see `window.rs`.
//! - The first page of a list tells its total. Then all other pages are named at once, each with that total. A page
//!   that says another total means that the list moved: the page names the list's beginning once more, marked as
//!   the second reading, and pages that say the same are merged. The union of both readings counts (R10).
//! - A page that holds less than its share asks for the rest. The last page is open: it goes on where the list grew.
//! - Without a total, pages follow one another to an empty page, or to one that comes twice.
//! - A cursor (RFC 9865) in an answer is followed, in place of indexes.
//! - An empty page within the total, and a server that ignores `startIndex`, fail the task: no half list is published.
//!
//! A member whose type nobody says (no `type`, no `$ref`) is a user unless the list of groups has the id. No page of
//! groups knows the others, so all pages name the same task `untyped`, which reads all groups in one call. On such a
//! server it takes one more request for each page of groups, and as many as there are groups where lists leave
//! members out.

mod api;
mod map;
#[cfg(test)]
mod tests;
mod window;
mod wire;

use muster_sdk::{
    Account, Connector, Context, Credential, Description, Failure, Kind, ResourceType, Route, Setting, SettingKind,
    Task,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

use crate::api::{Api, Endpoint};
use crate::map::Principal;
use crate::window::Window;
use crate::wire::{Attributes, Group, Member};

/// The connector.
pub struct Scim;

muster_sdk::connector!(Scim);

impl Connector for Scim {
    fn describe() -> Description {
        /// Where every route and credential points to.
        const ORIGIN: &str = "{scim-base-url}";
        let description = Description::new(
            "scim",
            env!("CARGO_PKG_VERSION"),
            "SCIM 2.0",
            "Reads the users and groups of any SCIM 2.0 server, and who is in which group.",
        )
        .documentation("https://www.rfc-editor.org/rfc/rfc7644")
        .resource_type(ResourceType::new(map::USER, Kind::User, "Users", "Everybody the server has an account for."))
        .resource_type(ResourceType::new(map::GROUP, Kind::Group, "Groups", "Sets of users and of other groups."))
        .setting(
            Setting::new(
                api::BASE_URL,
                SettingKind::Url,
                "Base URL",
                "The origin of the SCIM server, as https://api.example.com; what follows it goes into scim-path.",
            )
            .required(),
        )
        .setting(Setting::new(
            api::PATH,
            SettingKind::Path,
            "Path",
            "What follows the origin in the server's SCIM address, often /scim/v2. Leave it out where nothing does.",
        ))
        .setting(Setting::new(
            api::TOKEN,
            SettingKind::Secret,
            "Bearer token",
            "The token the vendor gives for SCIM. Either this, or a user name and a password.",
        ))
        .setting(Setting::new(
            api::USERNAME,
            SettingKind::Text,
            "User name",
            "For servers that want HTTP Basic in place of a token.",
        ))
        .setting(Setting::new(
            api::PASSWORD,
            SettingKind::Secret,
            "Password",
            "The password that belongs to the user name.",
        ))
        .setting(
            Setting::new(api::GROUPS, SettingKind::Flag, "Groups", "Write false for a server that has users only.")
                .default_value("true"),
        )
        .credential(Credential::bearer("bearer-token", ORIGIN, "{scim-token}"))
        .credential(Credential::basic("basic", ORIGIN, "{scim-username}", "{scim-password}"));
        // With the operator's path, and without one.
        ["/{scim-path}", ""]
            .into_iter()
            .flat_map(|root| {
                ["ServiceProviderConfig", "Users", "Groups", "Groups/*"].map(|rest| format!("{root}/{rest}"))
            })
            .fold(description, |description, path| description.route(Route::read(ORIGIN, path)))
    }

    fn check(context: &Context<'_>) -> Result<Account, Failure> {
        let api = Api::new(context)?;
        let described = match api.describes_itself()? {
            true => "describes itself",
            false => "does not describe itself",
        };
        // Only this proves the credential: the description may be open to all.
        let users = match api.count_users()? {
            Some(total) => format!("{total} users"),
            None => "no total of its users".to_owned(),
        };
        context.info(format!("the SCIM server {described} and says {users}"));
        let (_, address) = api.root.split_once("://").unwrap_or_default();
        Ok(Account::new(address, "SCIM 2.0"))
    }

    fn start(context: &Context<'_>) -> Result<Vec<Task>, Failure> {
        let mut tasks = vec![Task::new("users", "")];
        if context.setting(api::GROUPS).as_deref() != Some("false") {
            tasks.push(Task::new("groups", ""));
        }
        Ok(tasks)
    }

    fn sync(context: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
        let api = Api::new(context)?;
        match task.kind.as_str() {
            "users" => users(context, &api, &Window::read(task)?),
            "groups" => groups(context, &api, &Window::read(task)?),
            "group" => group(context, &api, &Listed::read(task)?),
            "untyped" => untyped(context, &api),
            other => Err(Failure::Unexpected(format!("this connector has no task {other}"))),
        }
    }
}

fn users(context: &Context<'_>, api: &Api<'_>, window: &Window) -> Result<Vec<Task>, Failure> {
    let answer = api.fetch(Endpoint::Users, window)?;
    let page = api.read(Endpoint::Users, window, &answer, |user: Attributes| {
        let user = map::user(&user)?;
        let id = user.id.id.clone();
        context.emit(user)?;
        Ok(id)
    })?;
    Ok(window.after(&page)?.iter().map(|next| next.task("users")).collect())
}

/// A group that a page listed without members.
#[derive(Serialize, Deserialize)]
struct Listed {
    id: String,
    /// Where the page begins: it is read again where the group cannot be found.
    from: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Listed {
    fn new(id: String, window: &Window) -> Self {
        Listed { id, from: window.from(), cursor: window.cursor().map(str::to_owned) }
    }

    fn read(task: &Task) -> Result<Self, Failure> {
        serde_json::from_str(&task.payload)
            .map_err(|error| Failure::Unexpected(format!("the task {} cannot be read: {error}", task.kind)))
    }

    fn task(&self) -> Task {
        // Numbers and texts cannot fail to serialize.
        Task::new("group", serde_json::to_string(self).unwrap_or_default())
    }
}

fn groups(context: &Context<'_>, api: &Api<'_>, window: &Window) -> Result<Vec<Task>, Failure> {
    let mut tasks = Vec::new();
    let mut is_untyped = false;
    let answer = api.fetch(Endpoint::Groups, window)?;
    let page = api.read(Endpoint::Groups, window, &answer, |group: Group<'_>| {
        let id = map::group_id(&group)?;
        context.emit(map::group(&id, &group))?;
        context.emit(map::membership(&id, &group))?;
        match &group.members {
            Some(members) => is_untyped |= grant_certain(context, &id, members)?,
            None => tasks.push(Listed::new(id.clone(), window).task()),
        }
        Ok(id)
    })?;
    tasks.extend(window.after(&page)?.iter().map(|next| next.task("groups")));
    tasks.extend(is_untyped.then(untyped_task));
    Ok(tasks)
}

fn group(context: &Context<'_>, api: &Api<'_>, listed: &Listed) -> Result<Vec<Task>, Failure> {
    let mut is_untyped = false;
    let found = members_of(api, listed, |members| {
        is_untyped = grant_certain(context, &listed.id, members)?;
        Ok(())
    })?;
    if !found {
        let id = &listed.id;
        context.warn(format!("the group {id} was deleted during the run: it has no members any more"));
    }
    Ok(is_untyped.then(untyped_task).into_iter().collect())
}

/// Hands over the members of one group. False where it was deleted since it was listed.
fn members_of(
    api: &Api<'_>,
    listed: &Listed,
    mut take: impl FnMut(&[Member<'_>]) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    if let Some(answer) = api.group(&listed.id)?
        // Without the attribute a group has no members: here nothing is left out.
        && api.read_group(&listed.id, &answer, |group| take(group.members.as_deref().unwrap_or_default()))?
    {
        return Ok(true);
    }
    // "Not found" alone proves nothing: taken for a group without members, a fault would look like everybody leaving
    // it. Only a page that no longer lists it proves that the group was deleted after it was listed.
    let window = Window::at(listed.from, listed.cursor.clone());
    let mut is_listed = false;
    let answer = api.fetch(Endpoint::Groups, &window)?;
    api.read(Endpoint::Groups, &window, &answer, |group: Group<'_>| {
        let id = map::group_id(&group)?;
        is_listed |= id == listed.id;
        Ok(id)
    })?;
    match is_listed {
        true => Err(Failure::Unexpected(format!(
            "the server lists the group {} and says that it could not be found",
            listed.id
        ))),
        false => Ok(false),
    }
}

/// Emits the grants of the members whose type is told. True where there are others.
fn grant_certain(context: &Context<'_>, group: &str, members: &[Member<'_>]) -> Result<bool, Failure> {
    let mut is_untyped = false;
    for member in members {
        match map::principal(group, member)? {
            Principal::User(id) => context.emit(map::grant(group, map::USER, id))?,
            Principal::Group(id) => context.emit(map::grant(group, map::GROUP, id))?,
            Principal::Untyped(_) => is_untyped = true,
        }
    }
    Ok(is_untyped)
}

fn untyped_task() -> Task {
    Task::new("untyped", "")
}

/// Reads all groups, to tell the members that are groups from those that are users.
fn untyped(context: &Context<'_>, api: &Api<'_>) -> Result<Vec<Task>, Failure> {
    let mut all = Untyped::default();
    let mut seen = BTreeSet::new();
    let mut windows = VecDeque::from([Window::default()]);
    while let Some(window) = windows.pop_front() {
        // What the host does for tasks: equal ones are merged. A cursor that loops ends here, too.
        if !seen.insert(window.task("groups").payload) {
            continue;
        }
        let mut left_out = Vec::new();
        let answer = api.fetch(Endpoint::Groups, &window)?;
        let page = api.read(Endpoint::Groups, &window, &answer, |group: Group<'_>| {
            let id = map::group_id(&group)?;
            match &group.members {
                Some(members) => all.add(&id, members)?,
                None => left_out.push(Listed::new(id.clone(), &window)),
            }
            all.groups.insert(id.clone());
            Ok(id)
        })?;
        for listed in left_out {
            members_of(api, &listed, |members| all.add(&listed.id, members))?;
        }
        windows.extend(window.after(&page)?);
    }
    for (group, member) in all.members {
        let resource_type = if all.groups.contains(&member) { map::GROUP } else { map::USER };
        context.emit(map::grant(&group, resource_type, member))?;
    }
    Ok(Vec::new())
}

/// Groups, and the members whose type nobody says.
#[derive(Default)]
struct Untyped {
    groups: BTreeSet<String>,
    /// Group and member.
    members: Vec<(std::rc::Rc<str>, String)>,
}

impl Untyped {
    fn add(&mut self, group: &str, members: &[Member<'_>]) -> Result<(), Failure> {
        let shared = std::rc::Rc::<str>::from(group);
        for member in members {
            if let Principal::Untyped(id) = map::principal(group, member)? {
                self.members.push((std::rc::Rc::clone(&shared), id));
            }
        }
        Ok(())
    }
}
