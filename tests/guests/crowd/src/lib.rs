//! Muster connector for a made-up directory of very many people: users, groups and who is in them.
//!
//! | task | reads | emits | names |
//! | --- | --- | --- | --- |
//! | (none) | | | `users` and `groups`, the first page each |
//! | `users`, a page | a page of users | a resource each | on the first page, all others |
//! | `groups`, a page | a page of groups | a resource and the entitlement `member` each | on the first page, all others; every page of `members` of each group |
//! | `members`, a group's id and a page | a page of its members | a grant each | |
//!
//! Pages are numbered and tell the total, so all of a list are named at once. What a list that moves means, is in
//! `page.rs`.

mod api;
mod map;
mod page;
#[cfg(test)]
mod tests;

use muster_sdk::{
    Account, Connector, Context, Credential, Description, Failure, Kind, ResourceType, Route, Setting, SettingKind,
    Task,
};

use crate::api::Api;
use crate::page::Page;

/// The connector.
pub struct Crowd;

muster_sdk::connector!(Crowd);

impl Connector for Crowd {
    fn describe() -> Description {
        /// Where every route and the credential point to.
        const ORIGIN: &str = "{crowd-base-url}";
        let summary = "Reads the users of a directory, its groups and who is in them.";
        Description::new("crowd", env!("CARGO_PKG_VERSION"), "Crowd", summary)
            .resource_type(ResourceType::new(map::USER, Kind::User, "Users", "Everybody in the directory."))
            .resource_type(ResourceType::new(map::GROUP, Kind::Group, "Groups", "Sets of users."))
            .setting(
                Setting::new(api::BASE_URL, SettingKind::Url, "Base URL", "The origin of the directory.").required(),
            )
            .setting(Setting::new("crowd-token", SettingKind::Secret, "Token", "Lets in who has it.").required())
            .credential(Credential::bearer("token", ORIGIN, "{crowd-token}"))
            .route(Route::read(ORIGIN, "/account"))
            .route(Route::read(ORIGIN, "/users"))
            .route(Route::read(ORIGIN, "/groups"))
            .route(Route::read(ORIGIN, "/groups/*/members"))
    }

    fn check(context: &Context<'_>) -> Result<Account, Failure> {
        Api::new(context)?.account()
    }

    fn start(_: &Context<'_>) -> Result<Vec<Task>, Failure> {
        Ok(vec![Task::new("users", Page::FIRST), Task::new("groups", Page::FIRST)])
    }

    fn sync(context: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
        let api = Api::new(context)?;
        match task.kind.as_str() {
            "users" => users(context, &api, task.payload.parse()?),
            "groups" => groups(context, &api, task.payload.parse()?),
            "members" => {
                let (group, page) = task.payload.split_once(' ').unwrap_or((&task.payload, ""));
                members(context, &api, group, page.parse()?)
            }
            other => Err(Failure::Unexpected(format!("this connector has no task {other}"))),
        }
    }
}

fn users(context: &Context<'_>, api: &Api<'_>, page: Page) -> Result<Vec<Task>, Failure> {
    let answer = api.page("/users", page)?;
    let users = answer.read::<api::User<'_>>()?;
    context.emit_all(users.items.iter().map(map::user))?;
    Ok(page.others(users.total).map(|page| Task::new("users", page)).collect())
}

fn groups(context: &Context<'_>, api: &Api<'_>, page: Page) -> Result<Vec<Task>, Failure> {
    let answer = api.page("/groups", page)?;
    let groups = answer.read::<api::Group<'_>>()?;
    context.emit_all(groups.items.iter().map(map::group))?;
    context.emit_all(groups.items.iter().map(map::membership))?;
    let mut tasks: Vec<Task> = page.others(groups.total).map(|page| Task::new("groups", page)).collect();
    for group in &groups.items {
        tasks.extend(Page::all_of(group.members).map(|page| member_page(group.id, page)));
    }
    Ok(tasks)
}

fn members(context: &Context<'_>, api: &Api<'_>, group: &str, page: Page) -> Result<Vec<Task>, Failure> {
    let answer = api.page(&format!("/groups/{group}/members"), page)?;
    let members = answer.read::<api::Member>()?;
    context.emit_all(members.items.iter().map(|member| map::grant(group, member)))?;
    Ok(page.others(members.total).map(|page| member_page(group, page)).collect())
}

fn member_page(group: impl std::fmt::Display, page: Page) -> Task {
    Task::new("members", format_args!("{group} {page}"))
}
