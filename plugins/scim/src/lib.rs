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
//! - A full first page whose total is its size is followed by the next page: some servers say the size as the total.
//! - A cursor (RFC 9865) in an answer is followed, in place of indexes; how many records came so far goes with it.
//! - An empty page within the total, cursors that end before it, and a server that ignores `startIndex`, fail the task:
//!   no half list is published.
//!
//! A member whose type nobody says (no `type`, no `$ref`) is a user unless the list of groups has the id. No page of
//! groups knows the others, so all pages name the same task `untyped`, which reads all groups in one call. On such a
//! server it takes one more request for each page of groups, and as many as there are groups where lists leave
//! members out.

mod api;
mod groups;
mod list;
mod map;
#[cfg(test)]
mod tests;
mod window;
mod wire;

use muster_sdk::{
    Account, Connector, Context, Credential, Description, Failure, Kind, ResourceType, Route, Setting, SettingKind,
    Task,
};

use crate::api::{Api, Endpoint};
use crate::window::Window;
use crate::wire::Attributes;

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
            "groups" => groups::page(context, &api, &Window::read(task)?),
            "group" => groups::one(context, &api, task),
            "untyped" => groups::untyped(context, &api),
            other => Err(Failure::Unexpected(format!("this connector has no task {other}"))),
        }
    }
}

fn users(context: &Context<'_>, api: &Api<'_>, window: &Window) -> Result<Vec<Task>, Failure> {
    let Some(answer) = api.fetch(Endpoint::Users, window)? else { return Ok(Vec::new()) };
    let page = api.read(Endpoint::Users, window, &answer, |user: Attributes| {
        let user = map::user(&user)?;
        let id = user.id.id.clone();
        context.emit(user)?;
        Ok(id)
    })?;
    Ok(window.after(&page)?.iter().map(|next| next.task("users")).collect())
}
