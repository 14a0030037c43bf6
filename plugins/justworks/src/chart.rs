//! Who reports to whom: managers found in the roster, the org head, and what is odd about it. Pure.
//!
//! What is odd is reported by name and changes nothing: a roster with a missing manager is still the roster.
//! Only an org head who is not exactly one person is an error, because then a setting is wrong.

use std::collections::HashMap;

use crate::roster::{Member, Reference, Roster};
use crate::settings::ORG_HEAD;
use crate::text::{folded, listed};

/// Names of a circle that are written out.
const CIRCLE_NAMES: usize = 8;

/// The chart over the members of a roster, by their places in it.
#[derive(Debug)]
pub(crate) struct Chart {
    /// The manager of each member.
    pub(crate) managers: Vec<Option<usize>>,
    /// What is odd: at most one sentence of a kind.
    pub(crate) findings: Vec<String>,
}

/// Somebody looked for.
enum Found {
    Nobody,
    One(usize),
    Several(usize),
}

/// The members by what a manager may be called.
struct Index<'r> {
    uuids: HashMap<&'r str, usize>,
    emails: HashMap<String, Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
    /// Who has left, by place.
    left: Vec<bool>,
}

impl<'r> Index<'r> {
    fn new(members: &'r [Member<'_>], today: &str) -> Self {
        let mut index = Index {
            uuids: HashMap::with_capacity(members.len()),
            emails: HashMap::with_capacity(members.len()),
            names: HashMap::with_capacity(members.len()),
            left: members.iter().map(|member| member.has_left(today)).collect(),
        };
        for (place, member) in members.iter().enumerate() {
            index.uuids.insert(&member.uuid, place);
            if let Some(email) = &member.work_email {
                index.emails.entry(email.to_lowercase()).or_default().push(place);
            }
            for name in member.names() {
                index.names.entry(name).or_default().push(place);
            }
        }
        index
    }

    fn find(&self, reference: &Reference<'_>) -> Found {
        match reference {
            Reference::Word(word) => self.by_uuid(word).or_else(|| self.by_email(word)).or_else(|| self.by_name(word)),
            Reference::Keys { uuid, email, name } => uuid
                .as_deref()
                .and_then(|uuid| self.by_uuid(uuid))
                .or_else(|| self.by_email(email.as_deref()?))
                .or_else(|| self.by_name(name.as_deref()?)),
        }
        .unwrap_or(Found::Nobody)
    }

    fn by_uuid(&self, uuid: &str) -> Option<Found> {
        self.uuids.get(uuid).copied().map(Found::One)
    }

    fn by_email(&self, email: &str) -> Option<Found> {
        self.emails.get(&email.to_lowercase()).map(|places| self.one_of(places))
    }

    fn by_name(&self, name: &str) -> Option<Found> {
        self.names.get(&folded(name)).map(|places| self.one_of(places))
    }

    /// Somebody who is there is meant, rather than somebody of that name who has left.
    fn one_of(&self, places: &[usize]) -> Found {
        let mut here = places.iter().copied().filter(|place| self.is_here(*place));
        match (here.next(), here.count(), places) {
            (Some(one), 0, _) | (None, _, &[one]) => Found::One(one),
            _ => Found::Several(places.len()),
        }
    }

    fn is_here(&self, place: usize) -> bool {
        self.left.get(place) == Some(&false)
    }
}

/// Draws the chart.
///
/// # Errors
/// The org head is nobody or several people: a sentence that names the setting.
pub(crate) fn draw(roster: &Roster<'_>, head_name: &str, today: &str) -> Result<Chart, String> {
    let members = roster.members.as_slice();
    let index = Index::new(members, today);
    let head = head(members, &index, head_name)?;
    let label = |place: usize| members.get(place).map(Member::label).unwrap_or_default();
    let (mut managers, mut reports) = (vec![None; members.len()], vec![0_usize; members.len()]);
    let (mut without, mut unknown, mut ambiguous, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, member) in members.iter().enumerate() {
        let here = index.is_here(place);
        match member.manager.as_ref().map(|reference| (reference, index.find(reference))) {
            None if here && place != head => without.push(place),
            Some((reference, Found::Nobody)) if here => unknown.push(format!("{} has {reference}", label(place))),
            Some((reference, Found::Several(count))) if here => {
                ambiguous.push(format!("{} has {reference}, which is {count} people", label(place)));
            }
            // At the top some rosters name the head itself.
            Some((_, Found::One(manager))) if manager == place => {
                if here && place != head {
                    own.push(place);
                }
            }
            Some((_, Found::One(manager))) => {
                if let Some(count) = reports.get_mut(manager).filter(|_| here) {
                    *count += 1;
                }
                if let Some(of) = managers.get_mut(place) {
                    *of = Some(manager);
                }
            }
            None | Some((_, Found::Nobody | Found::Several(_))) => {}
        }
    }
    let leads = |place: &usize| reports.get(*place).copied().unwrap_or(0);
    let (heads, without): (Vec<usize>, Vec<usize>) = without.into_iter().partition(|place| leads(place) > 0);
    let mut circles: Vec<String> = own.into_iter().map(|place| format!("{0} → {0}", label(place))).collect();
    circles.extend(self::circles(&managers).iter().map(|circle| shown(circle, label)));

    let head_label = label(head);
    let mut findings = Vec::new();
    let mut find = |count: usize, sentence: String| {
        if count > 0 {
            findings.push(sentence);
        }
    };
    let second = heads.iter().map(|place| format!("{} leads {}", label(*place), people(leads(place))));
    find(
        heads.len(),
        format!(
            "the roster has more than one head: beside the org head {head_label}, {} and has no manager",
            listed(second)
        ),
    );
    find(
        without.len(),
        format!("no manager is given for {}: {}", people(without.len()), listed(without.iter().map(|p| label(*p)))),
    );
    find(
        unknown.len(),
        format!(
            "the manager of {} is not in the roster and is left empty: {}",
            people(unknown.len()),
            listed(&unknown)
        ),
    );
    find(
        ambiguous.len(),
        format!(
            "the manager of {} is not one person and is left empty: {}",
            people(ambiguous.len()),
            listed(&ambiguous)
        ),
    );
    find(circles.len(), format!("managers go in a circle: {}", listed(&circles)));
    if let Some(above) = managers.get(head).copied().flatten() {
        find(1, format!("the org head {head_label} has a manager, {}: is {ORG_HEAD} the right person?", label(above)));
    }
    find(
        roster.repeated.len(),
        format!("listed more than once, with different content: {}; what is not over counts", listed(&roster.repeated)),
    );
    Ok(Chart { managers, findings })
}

fn people(count: usize) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

/// The one person of the org head's name who has not left.
fn head(members: &[Member<'_>], index: &Index<'_>, name: &str) -> Result<usize, String> {
    let named = index.names.get(&folded(name)).map(Vec::as_slice).unwrap_or_default();
    let here: Vec<usize> = named.iter().copied().filter(|place| index.is_here(*place)).collect();
    let labels = |places: &[usize]| listed(places.iter().filter_map(|place| members.get(*place)).map(Member::label));
    let name = crate::text::quoted(name);
    match (here.as_slice(), named) {
        ([one], _) => Ok(*one),
        ([], []) => Err(format!(
            "nobody in the roster is called {name}: give the org head's name in {ORG_HEAD} as Justworks shows it, first (or preferred) and last"
        )),
        ([], left) => {
            Err(format!("{name} has left ({}): give the name of today's org head in {ORG_HEAD}", labels(left)))
        }
        (several, _) => Err(format!(
            "{} people in the roster are called {name}: {}; {ORG_HEAD} has to be the name of one, so give another form of it (first or preferred name) or tell them apart in Justworks",
            several.len(),
            labels(several)
        )),
    }
}

/// Each circle of managers, from its first place on, in the order of these.
fn circles(managers: &[Option<usize>]) -> Vec<Vec<usize>> {
    /// Not looked at; in the chain of this number; done.
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Chain(usize),
    }
    let mut marks = vec![Mark::New; managers.len()];
    let mut circles = Vec::new();
    for start in 0..managers.len() {
        let mut at = start;
        // Upwards until somebody who was met before: in this chain, that is a circle.
        loop {
            match marks.get_mut(at) {
                Some(mark) if *mark == Mark::New => *mark = Mark::Chain(start),
                Some(mark) if *mark == Mark::Chain(start) => {
                    circles.push(circle(managers, at));
                    break;
                }
                _ => break,
            }
            match managers.get(at).copied().flatten() {
                Some(above) => at = above,
                None => break,
            }
        }
    }
    circles.sort_unstable();
    circles
}

/// The circle that goes through a place, from its smallest place on.
fn circle(managers: &[Option<usize>], through: usize) -> Vec<usize> {
    let mut circle = vec![through];
    let mut at = through;
    while let Some(above) = managers.get(at).copied().flatten().filter(|above| *above != through) {
        circle.push(above);
        at = above;
    }
    let first = circle.iter().enumerate().min_by_key(|(_, place)| **place).map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    circle
}

fn shown(circle: &[usize], label: impl Fn(usize) -> String) -> String {
    let mut names: Vec<String> = circle.iter().take(CIRCLE_NAMES).map(|place| label(*place)).collect();
    if circle.len() > CIRCLE_NAMES {
        names.push(format!("{} more", circle.len() - CIRCLE_NAMES));
    }
    names.extend(circle.first().map(|place| label(*place)));
    names.join(" → ")
}
