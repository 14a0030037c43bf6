//! The tasks that read groups and their members.

use muster_sdk::{Context, Failure, Task};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::api::{Api, Endpoint, Found, is_segment};
use crate::map::{self, Principal};
use crate::window::{Page, Walk, Window};
use crate::wire::{Group, Member};

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

/// A page of the list.
pub(crate) fn page(context: &Context<'_>, api: &Api<'_>, window: &Window) -> Result<Vec<Task>, Failure> {
    let mut tasks = Vec::new();
    let mut is_untyped = false;
    let Some(answer) = api.fetch(Endpoint::Groups, window)? else { return Ok(tasks) };
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

/// A group whose members the list left out.
pub(crate) fn one(context: &Context<'_>, api: &Api<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
    let listed = Listed::read(task)?;
    let mut is_untyped = false;
    let fate = members_of(api, &listed, |members| {
        is_untyped = grant_certain(context, &listed.id, members)?;
        Ok(())
    })?;
    let id = &listed.id;
    match fate {
        Fate::Read => {}
        Fate::Silent(name) => context.warn(format!(
            "the group {name} ({id}) is taken to have no members: its id fits into no path, and the server leaves its \
             members out even where they are asked for by name, as it may only for groups that have none"
        )),
        Fate::Deleted => {
            context.warn(format!("the group {id} was deleted during the run: it has no members any more"));
        }
    }
    Ok(is_untyped.then(untyped_task).into_iter().collect())
}

/// What became of a group that a page listed without members.
enum Fate {
    /// Its members were handed over.
    Read,
    /// The group of this name has no members, or they are left out wherever they could be.
    Silent(String),
    /// It was deleted since it was listed.
    Deleted,
}

/// Hands over the members of one group.
fn members_of(
    api: &Api<'_>,
    listed: &Listed,
    mut take: impl FnMut(&[Member<'_>]) -> Result<(), Failure>,
) -> Result<Fate, Failure> {
    let id = &listed.id;
    let found = if is_segment(id) {
        // Without the attribute a group has no members: here nothing is left out.
        if api.group(id, |group| take(group.members.as_deref().unwrap_or_default()))? {
            return Ok(Fate::Read);
        }
        None
    } else {
        let mut fate = Fate::Read;
        let found = api.find_group(id, |group| match &group.members {
            Some(members) => take(members),
            None => {
                fate = Fate::Silent(map::group_name(id, &group).to_owned());
                Ok(())
            }
        })?;
        match found {
            Found::Group => return Ok(fate),
            Found::NoFilter(why) => {
                return Err(Failure::Unexpected(format!(
                    "{why}: the members of the group {id} can be asked for by a filter only, since no path can hold its id"
                )));
            }
            Found::Nothing => Some(found),
        }
    };
    // "Not found" alone proves nothing: taken for a group without members, a fault would look like everybody leaving
    // it. Nor does the page that listed it: where another group went, this one may stand on the page before.
    let (mut is_there, _) = look(api, &Window::at(listed.from, listed.cursor.clone()), id)?;
    if !is_there {
        is_there = match found.map_or_else(|| api.find_group(id, |_| Ok(())), Ok)? {
            Found::Group => true,
            Found::Nothing => false,
            Found::NoFilter(_) => is_listed(api, id)?,
        };
    }
    match is_there {
        true => {
            Err(Failure::Unexpected(format!("the server lists the group {id} and says that it could not be found")))
        }
        false => Ok(Fate::Deleted),
    }
}

/// Whether the group is on this page, and what the page was, where there is one.
fn look(api: &Api<'_>, window: &Window, id: &str) -> Result<(bool, Option<Page>), Failure> {
    let Some(answer) = api.fetch(Endpoint::Groups, window)? else { return Ok((false, None)) };
    let mut is_there = false;
    let page = api.read(Endpoint::Groups, window, &answer, |group: Group<'_>| {
        let other = map::group_id(&group)?;
        is_there |= other == id;
        Ok(other)
    })?;
    Ok((is_there, Some(page)))
}

/// Whether the group is on any page.
fn is_listed(api: &Api<'_>, id: &str) -> Result<bool, Failure> {
    let mut walk = Walk::new();
    while let Some(window) = walk.next() {
        match look(api, &window, id)? {
            (true, _) => return Ok(true),
            (false, Some(page)) => walk.add(window.after(&page)?),
            (false, None) => {}
        }
    }
    Ok(false)
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
pub(crate) fn untyped(context: &Context<'_>, api: &Api<'_>) -> Result<Vec<Task>, Failure> {
    let mut all = Untyped::default();
    let mut walk = Walk::new();
    while let Some(window) = walk.next() {
        let mut left_out = Vec::new();
        let Some(answer) = api.fetch(Endpoint::Groups, &window)? else { continue };
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
        walk.add(window.after(&page)?);
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
    members: Vec<(Rc<str>, String)>,
}

impl Untyped {
    fn add(&mut self, group: &str, members: &[Member<'_>]) -> Result<(), Failure> {
        let shared = Rc::<str>::from(group);
        for member in members {
            if let Principal::Untyped(id) = map::principal(group, member)? {
                self.members.push((Rc::clone(&shared), id));
            }
        }
        Ok(())
    }
}
