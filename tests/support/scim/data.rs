//! Data sets: a small company, companies of any size, names that are hard to print.

use super::world::{Group, User, World};

/// A small company.
pub(super) fn demo() -> World {
    let mut ann = User::new("u1", "ann", "Ann Tidewater").job("Captain", "Bridge", "1001");
    ann.given_name = Some("Ann".to_owned());
    ann.family_name = Some("Tidewater".to_owned());
    ann.emails.insert(0, ("ann@home.test".to_owned(), "home", false));
    ann.external_id = Some("ext-1".to_owned());
    ann.cost_center = Some("cc-7".to_owned());
    let mut nameless = User::new("u6", "robot-6", "");
    nameless.display_name = None;
    nameless.emails.clear();
    World {
        users: vec![
            ann,
            User::new("u2", "ben", "Ben Keel").job("First Mate", "Bridge", "1002").manager("u1"),
            User::new("u3", "cleo", "Cleo Mast").job("Engineer", "Engine", "1003").manager("u2"),
            User::new("u4", "dov", "Dov Anker").inactive(),
            User::new("u5", "ева", "Ева Парус"),
            nameless,
            User::new("u7", "fay", "Fay Rudder").manager("u2"),
        ],
        groups: vec![
            Group::new("g1", "Everybody", &["u1", "u2", "u3", "u4", "u5", "u6", "u7"]),
            Group::new("g2", "Officers", &["u1", "u2"]).nesting("g3"),
            // Each is in the other.
            Group::new("g3", "Engineers", &["u3"]).nesting("g4"),
            Group::new("g4", "Night watch", &["u7"]).nesting("g3"),
            Group::new("g5", "Nobody", &[]),
        ],
    }
}

/// A company of this size, the same each time.
pub(super) fn generated(users: usize, groups: usize, members: usize) -> World {
    let id = |number: usize| format!("u{number:06}");
    let people = (1..=users).map(|number| {
        let mut user = User::new(&id(number), &format!("user{number}"), &format!("User Number {number}"));
        user.inactive = number % 17 == 0;
        user.department = Some(format!("Department {}", number % 40));
        user.manager = (number > 1).then(|| id(number / 8 + 1));
        user
    });
    let teams = (1..=groups).map(|number| {
        let first = number * 31;
        let ids: Vec<String> = (0..members.min(users)).map(|member| id((first + member) % users + 1)).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = Group::new(&format!("g{number:05}"), &format!("Group {number}"), &ids);
        // Every tenth one is in the next one.
        if number % 10 == 0 && number < groups { group.nesting(&format!("g{:05}", number + 1)) } else { group }
    });
    World { users: people.collect(), groups: teams.collect() }
}

/// Users from `odd-0` and groups from `team-0` on.
pub(super) fn add_odd_names(world: &mut World) {
    let long = "Long ".repeat(51);
    let names = [
        "Zoë Müller-Łukasz",
        "李小龍",
        "مريم العلي",
        "שירה כהן",
        "👩\u{200d}🚀 Astronaut",
        "O'Brien \"Bobby\" \\ <b>Tables</b> & Co",
        "bidi \u{202e}gnp.exe\u{2066}",
        "zero\u{200b}width\u{feff}",
        long.trim_end(),
    ];
    for (number, name) in names.into_iter().enumerate() {
        let id = format!("odd-{number}");
        world.users.push(User::new(&id, &format!("odd{number}"), name));
        world.groups.push(Group::new(&format!("team-{number}"), name, &[&id]));
    }
}
