//! Data sets: the demo's account, accounts of any size, names that are hard to print.

use super::Builder;
use super::world::{Agent, CustomRole, Role, Team, World};

/// SplitMix64: small, seeded, and the same on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// The demo's account.
pub(super) fn demo() -> World {
    let mut world = World::empty("Lighthouse Supplies");
    let mail = |name: &str| format!("{}@lighthouse.test", name.to_lowercase().replace(' ', "."));
    let person = |id: u64, name: &str| Agent::new(id, name, &mail(name));
    let mut google = person(5, "Emeka Obi");
    google.provider = "google_oauth2".to_owned();
    google.availability = "online".to_owned();
    for agent in [
        person(1, "Ada Marlowe").role(Role::Administrator),
        person(2, "Bruno Castell").attribute("employee_id", "LS-1042"),
        person(3, "Chiara Neri").display_name("Chiara"),
        person(4, "Dagný Hólm").attribute("employee_id", "LS-1077").attribute("site", "Harbour"),
        google,
        person(7, "Farid Qassem").role(Role::Administrator),
        person(8, "Greta Lindqvist"),
        person(11, "Hana Mori").pending(),
        // Left last week; the night shift still lists him.
        person(6, "Ivo Tanner").left(),
    ] {
        world.add_agent(agent);
    }
    world.add_team(Team::new(1, "support", &[1, 2, 3, 4, 11]).description("First line, all channels"));
    world.add_team(Team::new(2, "billing", &[3, 7]).description("Invoices and refunds"));
    world.add_team(Team::new(4, "night shift", &[5, 6, 8]));
    world.custom_roles.push(custom_role());
    world
}

fn custom_role() -> CustomRole {
    CustomRole {
        id: 1,
        name: "Team lead".to_owned(),
        description: Some("Sees every conversation and the reports".to_owned()),
        permissions: ["conversation_manage", "report_manage"].map(str::to_owned).to_vec(),
        created_at: "2026-03-02T09:00:00.000Z".to_owned(),
        updated_at: "2026-03-02T09:00:00.000Z".to_owned(),
    }
}

const FIRST: [&str; 16] = [
    "Alma", "Boris", "Clara", "Dario", "Edda", "Felix", "Gina", "Hugo", "Iris", "Jonas", "Kira", "Leon", "Mina",
    "Noel", "Olga", "Paul",
];
const LAST: [&str; 16] = [
    "Abend", "Bach", "Carli", "Dorn", "Eklund", "Fabre", "Grau", "Hansen", "Ito", "Jansen", "Kovac", "Lund", "Moreau",
    "Novak", "Okafor", "Petit",
];

/// An account of the size that the builder was told.
pub(super) fn generated(size: &Builder) -> World {
    let mut random = Random::new(size.seed);
    let mut world = World::empty("Example Account");
    world.custom_roles.push(custom_role());
    for id in 1..=size.agents {
        let first = FIRST[random.below(FIRST.len())];
        let last = LAST[random.below(LAST.len())];
        let email = format!("{}.{}.{id}@example.test", first.to_lowercase(), last.to_lowercase());
        let mut agent = Agent::new(id, &format!("{first} {last}"), &email);
        agent.confirmed = id <= size.agents.saturating_sub(size.pending);
        agent.availability = ["offline", "online", "busy"][random.below(3)].to_owned();
        if id % 50 == 1 {
            agent.role = Some(Role::Administrator);
        }
        if id % 4 == 0 {
            agent = agent.attribute("crm_id", id.to_string());
        }
        if id % 7 == 0 {
            agent.display_name = Some(first.to_owned());
        }
        if size.enterprise && id % 5 == 0 {
            agent.custom_role_id = Some(1);
        }
        world.add_agent(agent);
    }
    for id in 1..=size.teams {
        let mut team = Team::new(id, &format!("team {id}"), &[]);
        let offset = random.next();
        for member in 0..size.members_per_team.min(size.agents) {
            team.members.insert((offset % size.agents + member) % size.agents + 1);
        }
        if id % 3 == 0 {
            team = team.description(&format!("The people of team {id}"));
        }
        world.add_team(team);
    }
    world
}

/// Agents from number 900,001 on and teams from number 9,001 on.
pub(super) fn add_odd_names(world: &mut World) {
    let long = "Long ".repeat(51);
    let names = [
        "Zoë Müller-Łukasz",
        "李小龍",
        "مريم العلي",
        "👩\u{200d}🚀 Astronaut",
        "O'Brien \"Bobby\" \\ <b>Tables</b> & Co",
        "Esc\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}",
        "bidi \u{202e}gnp.exe\u{2066}",
        "tab\tnew\nline\r\u{2028}end",
        "  blank around  ",
        "zero\u{200b}width\u{feff}",
        long.trim_end(),
        "",
    ];
    let mut ids = Vec::new();
    for (id, name) in (900_001..).zip(names) {
        let mut agent = Agent::new(id, name, &format!("odd.{id}@example.test"));
        if name.is_empty() {
            agent = agent.display_name("Only a display name");
        }
        world.add_agent(agent);
        ids.push(id);
    }
    let names = ["команда поддержки", "ops\u{1b}]0;title\u{7}", "left\u{202e}thgir", "a:b/c?d#e%20f", "\t"];
    for (id, name) in (9_001..).zip(names) {
        world.add_team(Team::new(id, name, &ids));
    }
}
