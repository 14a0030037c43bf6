//! Every answer of the directory as bytes.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::order::{Random, members};
use super::{PAGE, Size};

/// Answers by the target of their request: path and query, byte for byte.
pub(super) type Answers = HashMap<String, Box<[u8]>>;

const FIRST: [&str; 16] = [
    "Alma", "Boris", "Clara", "Dario", "Edda", "Felix", "Gina", "Hugo", "Iris", "Jonas", "Kira", "Leon", "Mina",
    "Noel", "Olga", "Paul",
];
const LAST: [&str; 16] = [
    "Abend", "Bach", "Carli", "Dorn", "Eklund", "Fabre", "Grau", "Hansen", "Ito", "Jansen", "Kovac", "Lund", "Moreau",
    "Novak", "Okafor", "Petit",
];
const DEPARTMENTS: [&str; 5] = ["Logistics", "Engineering", "Customer care", "Finance", "Human resources"];
const TITLES: [&str; 7] = ["Planner", "Engineer", "Senior engineer", "Analyst", "Team lead", "Assistant", "Director"];
const OFFICES: [&str; 3] = ["Rotterdam", "Gothenburg", "Porto"];
/// One in so many cannot sign in.
const DISABLED: u64 = 50;

pub(super) fn render(size: Size, shuffled: Option<u64>) -> Answers {
    let mut random = shuffled.map(Random::new);
    let mut order = |mut list: Vec<u64>| {
        if let Some(random) = &mut random {
            random.shuffle(&mut list);
        }
        list
    };
    let mut answers = Answers::new();
    answers.insert("/account".to_owned(), answer(r#"{"id":1,"name":"Crowd"}"#));
    list(&mut answers, "/users", &order((1..=size.users).collect()), user);
    let groups = order((1..=size.groups).collect());
    list(&mut answers, "/groups", &groups, |out, id| group(out, id, size.members));
    for id in 1..=size.groups {
        let members = order(members(id, size.members, size.users));
        list(&mut answers, &format!("/groups/{id}/members"), &members, member);
    }
    answers
}

/// All pages of a list; an empty one has a first page.
fn list(answers: &mut Answers, path: &str, ids: &[u64], item: impl Fn(&mut String, u64)) {
    let pages = ids.len().div_ceil(PAGE as usize).max(1);
    for (at, page) in (1..=pages).zip(ids.chunks(PAGE as usize).chain(std::iter::once(&[][..]))) {
        let mut body = format!(r#"{{"total":{},"items":["#, ids.len());
        for (at, id) in page.iter().enumerate() {
            body.push_str(if at == 0 { "" } else { "," });
            item(&mut body, *id);
        }
        body.push_str("]}");
        answers.insert(format!("{path}?page={at}&per_page={PAGE}"), answer(&body));
    }
}

/// Head and body in one.
fn answer(body: &str) -> Box<[u8]> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat().into()
}

fn names(id: u64) -> (&'static str, &'static str) {
    let number = id as usize;
    (FIRST[number % FIRST.len()], LAST[number / FIRST.len() % LAST.len()])
}

/// Some 260 bytes, of which some 110 become the profile.
fn user(out: &mut String, id: u64) {
    let ((first, last), number) = (names(id), id as usize);
    let login = format!("{}.{}.{id}", first.to_lowercase(), last.to_lowercase());
    let department = DEPARTMENTS[number % DEPARTMENTS.len()];
    let (title, office) = (TITLES[number % TITLES.len()], OFFICES[number % OFFICES.len()]);
    let active = !id.is_multiple_of(DISABLED);
    write!(
        out,
        r#"{{"id":{id},"login":"{login}","name":"{first} {last}","given_name":"{first}","family_name":"{last}","#
    )
    .unwrap();
    write!(out, r#""email":"{login}@crowd.test","active":{active},"department":"{department}","#).unwrap();
    write!(out, r#""title":"{title}","office":"{office}","employee_number":"E{id:07}"}}"#).unwrap();
}

fn group(out: &mut String, id: u64, members: u64) {
    let department = DEPARTMENTS[id as usize % DEPARTMENTS.len()];
    write!(
        out,
        r#"{{"id":{id},"name":"{department} {id}","description":"All of {department} {id}","members":{members}}}"#
    )
    .unwrap();
}

/// Some 75 bytes: lists of members repeat more than the id.
fn member(out: &mut String, id: u64) {
    let (first, last) = names(id);
    write!(out, r#"{{"id":{id},"name":"{first} {last}","email":"{first}.{last}.{id}@crowd.test"}}"#).unwrap();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    const SIZE: Size = Size { users: 250, groups: 3, members: 120 };

    /// The ids of a list, in the order of its pages.
    fn ids(answers: &Answers, path: &str, pages: usize) -> Vec<u64> {
        let page = |at: usize| -> Value {
            let answer = &answers[&format!("{path}?page={at}&per_page={PAGE}")];
            let start = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
            serde_json::from_slice(&answer[start..]).unwrap()
        };
        let items = (1..=pages).flat_map(|at| page(at)["items"].as_array().unwrap().clone());
        items.map(|item| item["id"].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_seed_changes_the_order_and_nothing_else() {
        let (sorted, shuffled) = (render(SIZE, None), render(SIZE, Some(7)));
        assert_eq!((sorted.len() as u64, shuffled.len() as u64), (SIZE.requests(), SIZE.requests()));
        for (path, pages, count) in [("/users", 3, 250), ("/groups", 1, 3), ("/groups/2/members", 2, 120)] {
            let (one, other) = (ids(&sorted, path, pages), ids(&shuffled, path, pages));
            assert!(one.is_sorted() && one.len() == count, "{path}");
            assert!(one != other || count == 3, "{path} is not shuffled");
            assert_eq!(one.into_iter().collect::<BTreeSet<_>>(), other.into_iter().collect(), "{path}");
        }
        assert_eq!(ids(&shuffled, "/users", 3), ids(&render(SIZE, Some(7)), "/users", 3));
    }

    #[test]
    fn an_empty_list_has_a_page() {
        let answers = render(Size { users: 0, groups: 0, members: 0 }, None);
        assert_eq!((ids(&answers, "/users", 1), ids(&answers, "/groups", 1)), (vec![], vec![]));
    }
}
