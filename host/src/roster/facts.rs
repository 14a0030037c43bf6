//! What is known of everybody of the source before anything is planned: who they are in the target, whether they are
//! left alone, and who reports to whom.

use super::chart::Chart;
use super::matching::{Known, Match, Pair};
use super::options::{ChangeKind, Contractors, Options};
use super::people::Person;
use super::texts::{Text, folded};
use super::word::Shared;
use super::words;
use jiff::civil::Date;
use std::collections::HashSet;
use thiserror::Error;

/// What is to become of somebody of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Left alone.
    Alone,
    /// Is the person at this place of the target.
    Known(usize),
    /// Is to be hired, if nothing stands against it.
    New,
}

/// Why there is no plan at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoPlan {
    /// Nobody has the name of the org head.
    #[error("the org head {name} is nobody of {connection}: it has to be a first and a last name, or the whole name")]
    NoHead {
        /// As it was given.
        name: String,
        /// The source.
        connection: String,
    },
    /// Several people have it.
    #[error("the org head {name} is several people of {connection}: {who}")]
    SeveralHeads {
        /// As it was given.
        name: String,
        /// The source.
        connection: String,
        /// Some of them.
        who: String,
    },
}

/// Why a contractor is left alone.
const CONTRACTOR: &str = "is a contractor (--contractors include takes them)";

/// People who are named in a sentence about several.
const NAMED: usize = 3;

/// Entries of a plan about what is left alone, each with the place of the person.
#[derive(Debug, Default)]
pub(super) struct Skips(pub(super) Vec<(usize, String)>);

impl Skips {
    pub(super) fn add(&mut self, at: usize, reason: impl Into<String>) {
        self.0.push((at, reason.into()));
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) pair: Pair<'a>,
    pub(super) options: &'a Options,
    /// The day of the source's run.
    pub(super) today: &'a str,
    pub(super) head: Option<usize>,
    pub(super) chart: Chart,
    fates: Vec<Fate>,
    /// The words of the plan.
    pub(super) words: Shared<'a>,
}

impl<'a> Facts<'a> {
    /// Finds out.
    pub(super) fn new(
        pair: Pair<'a>,
        options: &'a Options,
        today: &'a str,
        skips: &mut Skips,
        warnings: &mut Vec<String>,
    ) -> Result<Facts<'a>, NoPlan> {
        let head = options.org_head.as_deref().map(|name| find_head(&pair, name)).transpose()?;
        let chart = Chart::new(pair.source, pair.texts, head);
        let known = Known::new(pair.target);
        let alone = left_alone(&pair, options, today, skips, warnings);
        let matches = pair.matches(&known, |at| !alone.contains(&at));
        tell_contractors(&pair, today, &known, &matches, &alone, skips);
        let mut fates = Vec::with_capacity(matches.len());
        for (at, (person, found)) in pair.source.iter().zip(matches).enumerate() {
            let leaving = person.is_leaving(pair.texts, today);
            fates.push(match found {
                _ if alone.contains(&at) => Fate::Alone,
                Match::Unclear(why) => {
                    // Who has left and is not in the target concerns nobody.
                    if !leaving || known.has(person) {
                        skips.add(at, why);
                    }
                    Fate::Alone
                }
                Match::Nobody if leaving => Fate::Alone,
                Match::Nobody => Fate::New,
                Match::Person(there) => match pair.target.get(there) {
                    Some(they) if they.departed && leaving => Fate::Alone,
                    // Targets know people by their address: a hire would be a second person with one employee id.
                    Some(they)
                        if they.departed
                            && options.wants(ChangeKind::Hires)
                            && !person.address.is_none()
                            && they.address != person.address =>
                    {
                        let who = match pair.texts.get(they.email) {
                            "" => "without an address".to_owned(),
                            email => format!("as {email}"),
                        };
                        let name = pair.names[1];
                        skips.add(
                            at,
                            format!(
                                "has left {name} {who}, and is back as another one: change the address there first"
                            ),
                        );
                        Fate::Alone
                    }
                    Some(they) if they.departed => Fate::New,
                    _ => Fate::Known(there),
                },
            });
        }
        Ok(Facts { pair, options, today, head, chart, fates, words: Shared::default() })
    }

    /// The person of the source at this place.
    pub(super) fn source(&self, at: usize) -> Person {
        self.pair.source.get(at).copied().unwrap_or_default()
    }

    /// The person of the target at this place.
    pub(super) fn target(&self, at: usize) -> Person {
        self.pair.target.get(at).copied().unwrap_or_default()
    }

    pub(super) fn fate(&self, at: usize) -> Fate {
        self.fates.get(at).copied().unwrap_or(Fate::Alone)
    }

    /// The text.
    pub(super) fn text(&self, text: Text) -> &'a str {
        self.pair.texts.get(text)
    }

    /// Name and key of somebody of the source.
    pub(super) fn who(&self, at: usize) -> String {
        who(&self.pair, at)
    }

    /// Whether a day lies further back than history is wanted.
    pub(super) fn is_history(&self, day: Text) -> bool {
        let today: Option<Date> = self.today.parse().ok();
        let (Some(days), Some(today)) = (self.options.history_days, today) else { return false };
        let date: Option<Date> = self.text(day).parse().ok();
        let ago = date.and_then(|date| date.until(today).ok()).map_or(0, |span| span.get_days());
        i64::from(ago) > i64::from(days)
    }
}

/// Name and key of somebody of the source.
pub(super) fn who(pair: &Pair<'_>, at: usize) -> String {
    let person = pair.source.get(at).copied().unwrap_or_default();
    format!("{} ({})", pair.texts.get(person.name), pair.texts.get(person.key))
}

/// People of whom nothing is compared and who are not matched, because the operator says so.
fn left_alone(
    pair: &Pair<'_>,
    options: &Options,
    today: &str,
    skips: &mut Skips,
    warnings: &mut Vec<String>,
) -> HashSet<usize> {
    let mut alone = HashSet::new();
    let excluded: HashSet<Text> = options.exclude.iter().filter_map(|id| pair.texts.find(id)).collect();
    let addresses: HashSet<Text> = options.exclude.iter().filter_map(|id| pair.texts.find(&folded(id))).collect();
    let mut found: HashSet<Text> = HashSet::new();
    for (at, person) in pair.source.iter().enumerate() {
        let ids = [person.id, person.key, person.employee_id].into_iter().filter(|id| excluded.contains(id));
        let hits: Vec<Text> = ids.chain([person.address].into_iter().filter(|a| addresses.contains(a))).collect();
        if !hits.is_empty() {
            found.extend(hits);
            alone.insert(at);
            skips.add(at, "is excluded (--exclude)");
            continue;
        }
        let word = words::neutral(pair.texts.get(person.employment_type));
        if options.contractors == Contractors::Exclude && word == Some(words::CONTRACTOR) {
            alone.insert(at);
            if !person.is_leaving(pair.texts, today) {
                skips.add(at, CONTRACTOR);
            }
        }
    }
    let is_found =
        |id: &str| [pair.texts.find(id), pair.texts.find(&folded(id))].iter().flatten().any(|t| found.contains(t));
    let [source, _] = pair.names;
    warnings.extend(
        options.exclude.iter().filter(|id| !is_found(id)).map(|id| format!("--exclude {id} is nobody of {source}")),
    );
    alone
}

/// Tells the contractors who have left and are in the target all the same: others concern nobody, nor does one whose place
/// there is somebody else's by now, perhaps their own as an employee.
fn tell_contractors(
    pair: &Pair<'_>,
    today: &str,
    known: &Known,
    matches: &[Match],
    alone: &HashSet<usize>,
    skips: &mut Skips,
) {
    let taken = |found: &Match| if let Match::Person(there) = found { Some(*there) } else { None };
    let taken: HashSet<usize> = matches.iter().filter_map(taken).collect();
    let told: HashSet<usize> = skips.0.iter().map(|(at, _)| *at).collect();
    for (at, person) in pair.source.iter().enumerate() {
        let is_open = alone.contains(&at) && !told.contains(&at) && person.is_leaving(pair.texts, today);
        if is_open && known.has_beside(person, &taken) {
            skips.add(at, CONTRACTOR);
        }
    }
}

/// Blanks folded, small letters.
fn plain_name(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The one person of this name who has not left.
fn find_head(pair: &Pair<'_>, name: &str) -> Result<usize, NoPlan> {
    let (wanted, texts) = (plain_name(name), pair.texts);
    let is = |p: &Person| {
        plain_name(texts.get(p.name)) == wanted
            || plain_name(&format!("{} {}", texts.get(p.given_name), texts.get(p.family_name))) == wanted
    };
    let all: Vec<usize> =
        (0..).zip(pair.source.iter()).filter(|(_, p)| !p.departed && is(p)).map(|(at, _)| at).collect();
    let [source, _] = pair.names;
    match all.as_slice() {
        [one] => Ok(*one),
        [] => Err(NoPlan::NoHead { name: name.to_owned(), connection: source.to_owned() }),
        several => {
            let mut told: Vec<String> = several.iter().take(NAMED).map(|at| who(pair, *at)).collect();
            if several.len() > NAMED {
                told.push(format!("and {} more", several.len() - NAMED));
            }
            Err(NoPlan::SeveralHeads { name: name.to_owned(), connection: source.to_owned(), who: told.join(", ") })
        }
    }
}
