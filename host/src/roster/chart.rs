//! Who reports to whom in the source, and the circles in it. No recursion: a chain of managers may be as long as the
//! roster.

use super::people::People;
use super::texts::{Text, Texts};
use std::fmt::Write as _;

/// People of a circle that are named; more are counted.
const NAMED: usize = 6;

/// Somebody's manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// The source names none, or the person is the head.
    None,
    /// The person at this place.
    At(usize),
    /// Of this key, and nobody in the roster is.
    Unknown(Text),
}

/// The chart of all people.
#[derive(Debug)]
pub struct Chart {
    managers: Vec<Manager>,
    /// The number of each one's circle.
    in_circle: Vec<Option<usize>>,
    circles: Vec<String>,
}

impl Chart {
    /// The chart of a source; the head never has a manager.
    pub fn new(people: &People, texts: &Texts, head: Option<usize>) -> Chart {
        let manager = |(at, key): (usize, Text)| match (key.is_none() || head == Some(at), people.find(key)) {
            (true, _) => Manager::None,
            (false, Some(manager)) => Manager::At(manager),
            (false, None) => Manager::Unknown(key),
        };
        let managers: Vec<Manager> = (0..).zip(people.iter().map(|p| p.manager)).map(manager).collect();
        let mut chart = Chart { in_circle: vec![None; managers.len()], managers, circles: Vec::new() };
        chart.find_circles(people, texts);
        chart
    }

    /// Follows every chain to where another walk has been. Where a walk meets itself, there is a circle.
    fn find_circles(&mut self, people: &People, texts: &Texts) {
        // The walk that was there first; walks are numbered from 1.
        let mut walked = vec![0usize; self.managers.len()];
        for start in 0..self.managers.len() {
            let mut at = start;
            while let Some(seen) = walked.get_mut(at)
                && *seen == 0
            {
                *seen = start + 1;
                match self.manager(at) {
                    Manager::At(next) => at = next,
                    _ => break,
                }
            }
            let closed = self.manager(at) != Manager::None && walked.get(at) == Some(&(start + 1));
            if closed && self.circle_of(at).is_none() {
                self.close_circle(at, people, texts);
            }
        }
    }

    /// Notes the circle that begins here, if the chain comes back.
    fn close_circle(&mut self, first: usize, people: &People, texts: &Texts) {
        let mut members = vec![first];
        let mut at = first;
        loop {
            match self.manager(at) {
                Manager::At(next) if next == first => break,
                Manager::At(next) => {
                    members.push(next);
                    at = next;
                }
                _ => return,
            }
        }
        // Where it is told from does not depend on who was walked to first.
        let least = members.iter().zip(0..).min_by_key(|(at, _)| **at).map_or(0, |(_, place)| place);
        members.rotate_left(least);
        let name = |at: &usize| people.get(*at).map_or("", |p| texts.get(p.name)).to_owned();
        let mut told = members.iter().take(NAMED).map(name).collect::<Vec<_>>().join(" → ");
        if members.len() > NAMED {
            let _ = write!(told, " → … {} more", members.len() - NAMED);
        }
        let _ = write!(told, " → {}", members.first().map(name).unwrap_or_default());
        for member in members {
            if let Some(of) = self.in_circle.get_mut(member) {
                *of = Some(self.circles.len());
            }
        }
        self.circles.push(format!("their managers form a circle: {told}"));
    }

    /// The manager of the person at this place.
    pub fn manager(&self, at: usize) -> Manager {
        self.managers.get(at).copied().unwrap_or(Manager::None)
    }

    /// What to say of the circle that the person is in.
    pub fn circle_of(&self, at: usize) -> Option<&str> {
        let circle = self.in_circle.get(at).copied().flatten()?;
        self.circles.get(circle).map(String::as_str)
    }

    #[cfg(test)]
    fn circles(&self) -> usize {
        self.circles.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{Sketch, people};
    use super::*;

    /// Managers by place.
    fn chart(managers: &[Option<usize>], head: Option<usize>) -> Chart {
        let sketch = |(at, manager): (usize, &Option<usize>)| {
            let sketch = Sketch::new(&at.to_string()).name(&format!("P{at}"), "");
            match manager {
                Some(manager) => sketch.manager(&manager.to_string()),
                None => sketch,
            }
        };
        let mut texts = Texts::default();
        let all: Vec<Sketch> = managers.iter().enumerate().map(|(at, m)| sketch((at, m))).collect();
        let people = people(&mut texts, "member", &all);
        Chart::new(&people, &texts, head)
    }

    #[test]
    fn each_circle_is_found_once_and_only_those_in_it_are_of_it() {
        // 0 ← 1 ← 2; 3 → 4 → 5 → 3; 6 → 3; 7 → 7; 8 → nobody known.
        let managers = [None, Some(0), Some(1), Some(4), Some(5), Some(3), Some(3), Some(7), Some(99)];
        let chart = chart(&managers, None);
        assert_eq!(chart.circles(), 2);
        let circle = Some("their managers form a circle: P3 → P4 → P5 → P3");
        let expected =
            [None, None, None, circle, circle, circle, None, Some("their managers form a circle: P7 → P7"), None];
        for (at, expected) in expected.into_iter().enumerate() {
            assert_eq!(chart.circle_of(at), expected, "{at}");
        }
        assert!(matches!(chart.manager(8), Manager::Unknown(_)));
        assert_eq!((chart.manager(0), chart.manager(6)), (Manager::None, Manager::At(3)));
    }

    #[test]
    fn the_head_has_no_manager_so_that_a_circle_through_it_is_none() {
        let chart = chart(&[Some(1), Some(0)], Some(0));
        assert_eq!((chart.circles(), chart.manager(0), chart.manager(1)), (0, Manager::None, Manager::At(0)));
    }

    #[test]
    fn long_chains_and_long_circles_take_no_recursion() {
        let mut managers: Vec<Option<usize>> = (0..100_000).map(|n| Some(n + 1)).collect();
        managers.push(None);
        assert_eq!(chart(&managers, None).circles(), 0);
        managers.pop();
        managers.push(Some(0));
        let chart = chart(&managers, None);
        let told = "their managers form a circle: P0 → P1 → P2 → P3 → P4 → P5 → … 99995 more → P0";
        assert_eq!((chart.circles(), chart.circle_of(50_000)), (1, Some(told)));
    }
}
