//! The tasks that read groups and their members.

use muster_sdk::{Context, Failure, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use crate::api::{Api, Endpoint};
use crate::map::{self, Principal};
use crate::window::Window;
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

/// A group whose members the list left out.
pub(crate) fn one(context: &Context<'_>, api: &Api<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
    let listed = Listed::read(task)?;
    let mut is_untyped = false;
    let found = members_of(api, &listed, |members| {
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
pub(crate) fn untyped(context: &Context<'_>, api: &Api<'_>) -> Result<Vec<Task>, Failure> {
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
