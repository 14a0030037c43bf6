//! Who can be hired. A hire stands and falls with its manager, who may be one as well, so chains are decided from
//! their upper end; managers come before those who report to them.

use super::chart::Manager;
use super::facts::{Facts, Fate, Skips};
use super::field::Field;
use super::options::ChangeKind;
use super::plan::Hire;
use std::collections::BTreeMap;

/// What a target has to be told of somebody new, and how it is called: the columns that ChartHop's import demands
/// (its page about adding people; the manager is judged apart).
const NEEDED: [(Field, &str); 5] = [
    (Field::Email, "email for work"),
    (Field::GivenName, "first name"),
    (Field::FamilyName, "last name"),
    (Field::Title, "title"),
    (Field::StartDate, "first day"),
];

/// Whether somebody is hired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Open,
    No,
    /// With so many hires above.
    Yes(usize),
}

/// The decisions on everybody of a source.
#[derive(Debug)]
pub(super) struct Hiring(Vec<Decision>);

impl Hiring {
    /// Decides on everybody who is new.
    pub(super) fn new(facts: &Facts<'_>, skips: &mut Skips) -> Hiring {
        let count = facts.pair.source.len();
        let mut hiring = Hiring(vec![Decision::Open; count]);
        if !facts.options.wants(ChangeKind::Hires) {
            return Hiring(vec![Decision::No; count]);
        }
        let mut chain = Vec::new();
        for start in 0..count {
            let mut at = start;
            // Up to somebody who is decided on. Those in a circle need no manager to be decided, so this ends.
            while facts.fate(at) == Fate::New && hiring.of(at) == Decision::Open {
                chain.push(at);
                match facts.chart.manager(at) {
                    Manager::At(manager) if facts.chart.circle_of(at).is_none() => at = manager,
                    _ => break,
                }
            }
            while let Some(at) = chain.pop() {
                let decision = match hiring.judge(facts, at) {
                    Ok(above) => Decision::Yes(above),
                    Err(why) => {
                        skips.add(at, why);
                        Decision::No
                    }
                };
                if let Some(open) = hiring.0.get_mut(at) {
                    *open = decision;
                }
            }
        }
        hiring
    }

    fn of(&self, at: usize) -> Decision {
        self.0.get(at).copied().unwrap_or(Decision::No)
    }

    pub(super) fn is_hired(&self, at: usize) -> bool {
        matches!(self.of(at), Decision::Yes(_))
    }

    /// How many hires are above this one; else why it is none.
    fn judge(&self, facts: &Facts<'_>, at: usize) -> Result<usize, String> {
        let missing: Vec<&str> =
            NEEDED.into_iter().filter(|(field, _)| facts.wanted(at, *field).is_none()).map(|(_, word)| word).collect();
        if !missing.is_empty() {
            return Err(format!("has no {}, and nobody is hired without", missing.join(", no ")));
        }
        if facts.is_history(facts.source(at).start_date) {
            let days = facts.options.history_days.unwrap_or_default();
            return Err(format!("started more than {days} days ago (--history-days)"));
        }
        let about = |why: String| match facts.chart.circle_of(at) {
            Some(_) => why,
            None => format!("the manager cannot be set: {why}"),
        };
        match (facts.boss_of(at, &|at| self.is_hired(at)).map_err(about)?, facts.chart.manager(at)) {
            (None, _) => match (&facts.options.org_head, facts.head) {
                (Some(name), head) if head != Some(at) => {
                    Err(format!("has no manager, and is not the org head {name}"))
                }
                _ => Ok(0),
            },
            (Some(_), Manager::At(manager)) => match self.of(manager) {
                Decision::Yes(above) => Ok(above + 1),
                _ => Ok(0),
            },
            (Some(_), _) => Ok(0),
        }
    }

    /// All hires in their order.
    pub(super) fn hires(&self, facts: &Facts<'_>) -> Vec<Hire> {
        let mut all: Vec<(usize, &str, usize)> = Vec::new();
        for (at, decision) in self.0.iter().enumerate() {
            if let Decision::Yes(above) = decision {
                all.push((*above, facts.text(facts.source(at).address), at));
            }
        }
        all.sort_unstable();
        all.into_iter().map(|(_, _, at)| self.hire(facts, at)).collect()
    }

    fn hire(&self, facts: &Facts<'_>, at: usize) -> Hire {
        let value = |field: Field| match field {
            Field::Manager => {
                facts.boss_of(at, &|at| self.is_hired(at)).ok().flatten().map(|boss| boss.address.to_string())
            }
            field => facts.wanted(at, field).map(str::to_owned),
        };
        let fields: BTreeMap<Field, String> =
            Field::ALL.into_iter().filter_map(|field| Some((field, value(field)?))).collect();
        let whole = [Field::GivenName, Field::FamilyName].iter().filter_map(|field| fields.get(field));
        let whole = || whole.cloned().collect::<Vec<_>>().join(" ");
        let person = facts.source(at);
        Hire {
            email: fields.get(&Field::Email).cloned().unwrap_or_default(),
            name: facts.pair.texts.owned(person.name).unwrap_or_else(whole),
            fields,
        }
    }
}
