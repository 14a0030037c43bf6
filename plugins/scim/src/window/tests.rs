//! Windows against servers that are good, odd and wrong.

use super::*;

/// Records asked for in a page.
const COUNT: u64 = 100;

/// What a server answers to the window, and whether it counts as the list's state of the moment.
type Server<'s> = Box<dyn FnMut(&Window) -> Page + 's>;

/// Reads a list as the host would: equal windows are merged. What was asked for, as index and end.
fn walk(mut server: Server<'_>) -> Result<Vec<(u64, Option<u64>)>, Failure> {
    let mut asked = Vec::new();
    let mut walk = Walk::new();
    while let Some(window) = walk.next() {
        assert!(asked.len() < 100, "it never ends");
        asked.push((window.from(), window.to));
        let next = window.after(&server(&window))?;
        // Such a task would be equal to its own ancestor, which the host refuses.
        assert!(!window.again || next.iter().all(|next| next.first.is_some()), "it is read a third time");
        walk.add(next);
    }
    Ok(asked)
}

/// A page of the numbers from `from` to `to`, at most `cap` of them.
fn page(from: u64, to: u64, cap: u64, total: Option<u64>) -> Page {
    let last = to.min((from + cap).saturating_sub(1));
    let mut mark = Mark::new();
    (from..=last).for_each(|id| mark.add(&id.to_string()));
    Page { asked: COUNT, count: (last + 1).saturating_sub(from), total, cursor: None, mark: mark.number() }
}

fn sentence(result: Result<Vec<(u64, Option<u64>)>, Failure>) -> String {
    match result {
        Err(Failure::Unexpected(sentence)) => sentence,
        other => format!("{other:?}"),
    }
}

#[test]
fn the_first_page_names_all_the_others() {
    let asked = walk(Box::new(|w| page(w.from(), 250, COUNT, Some(250)))).unwrap();
    assert_eq!(asked, [(1, None), (101, Some(200)), (201, None)]);
    let alone = walk(Box::new(|w| page(w.from(), 99, COUNT, Some(99)))).unwrap();
    assert_eq!(alone, [(1, None)], "a total that has come needs no second page");
    assert_eq!(walk(Box::new(|_| page(1, 0, COUNT, Some(0)))).unwrap(), [(1, None)]);
}

#[test]
fn the_step_is_what_the_server_gives_and_not_what_was_asked_for() {
    let asked = walk(Box::new(|w| page(w.from(), 50, 20, Some(50)))).unwrap();
    assert_eq!(asked, [(1, None), (21, Some(40)), (41, None)]);
}

#[test]
fn a_page_with_less_than_its_share_asks_for_the_rest() {
    let asked = walk(Box::new(|w| page(w.from(), 250, if w.from() == 101 { 30 } else { 100 }, Some(250)))).unwrap();
    assert_eq!(asked, [(1, None), (101, Some(200)), (201, None), (131, Some(200))]);
}

#[test]
fn a_page_with_another_total_has_the_list_read_once_more_and_no_third_time() {
    // One record goes away after the first page, another one after the second reading's first page.
    let mut answers = 0;
    let asked = walk(Box::new(|w| {
        answers += 1;
        let total = [300, 299, 299, 299, 298, 298][answers - 1];
        page(w.from(), total, COUNT, Some(total))
    }));
    let once = [(1, None), (101, Some(200)), (201, None)];
    assert_eq!(asked.unwrap(), [once, once].concat());
}

#[test]
fn a_list_that_grows_is_read_to_its_new_end() {
    let mut answers = 0;
    let asked = walk(Box::new(|w| {
        answers += 1;
        let total = if answers == 1 { 150 } else { 230 };
        page(w.from(), total, COUNT, Some(total))
    }));
    assert_eq!(asked.unwrap(), [(1, None), (101, None), (201, None), (1, None), (101, Some(200)), (201, None)]);
}

#[test]
fn a_list_that_shrinks_below_a_page_is_no_half_list() {
    let mut answers = 0;
    let asked = walk(Box::new(|w| {
        answers += 1;
        let total = if answers == 1 { 201 } else { 150 };
        page(w.from(), total, COUNT, Some(total))
    }));
    assert_eq!(asked.unwrap(), [(1, None), (101, Some(200)), (201, None), (1, None), (101, None)]);
}

#[test]
fn an_empty_page_within_the_total_is_an_error() {
    let error = sentence(walk(Box::new(|w| page(w.from(), 150, COUNT, Some(250)))));
    assert_eq!(error, "the list says that it has 250 records and the page at 201 is empty");
    let error = sentence(walk(Box::new(|_| page(1, 0, COUNT, Some(7)))));
    assert_eq!(error, "the list says that it has 7 records and the page at 1 is empty");
}

#[test]
fn an_empty_page_within_a_total_that_only_the_first_page_says_is_an_error() {
    let error = sentence(walk(Box::new(|w| {
        let is_first = w.from == 0;
        page(w.from(), if is_first { 250 } else { 100 }, COUNT, is_first.then_some(250))
    })));
    assert_eq!(error, "the list says that it has 250 records and the page at 101 is empty");
    // Without a total at first, and with one later.
    let error = sentence(walk(Box::new(|w| page(w.from(), 200, COUNT, (w.from == 101).then_some(250)))));
    assert_eq!(error, "the list says that it has 250 records and the page at 201 is empty");
}

#[test]
fn a_server_that_forgets_its_list_behind_the_first_page_is_an_error() {
    // Each reading says 250 first, and 0 or 130 later: no list loses a page between two readings, twice.
    let error = sentence(walk(Box::new(|w| match w.from() {
        1 => page(1, 250, COUNT, Some(250)),
        from => page(from, 0, COUNT, Some(0)),
    })));
    assert_eq!(error, "the list says that it has 250 records and the page at 101 is empty");
    let error = sentence(walk(Box::new(|w| match w.from() {
        1 => page(1, 250, COUNT, Some(250)),
        201 => page(201, 250, COUNT, Some(250)),
        from => page(from, 130, COUNT, Some(130)),
    })));
    assert_eq!(error, "the list says that it has 250 records and the page at 131 is empty");
}

#[test]
fn a_total_that_is_the_pages_size_is_not_believed() {
    let size = |page: Page| Page { total: Some(page.count), ..page };
    let asked = walk(Box::new(|w| size(page(w.from(), 230, COUNT, None)))).unwrap();
    assert_eq!(asked, [(1, None), (101, None), (201, None), (231, None)]);
    let alone = walk(Box::new(|w| page(w.from(), 100, COUNT, Some(100)))).unwrap();
    assert_eq!(alone, [(1, None), (101, None)], "one page more where the total is what was asked for");
    let error = sentence(walk(Box::new(|_| page(1, 100, COUNT, Some(100)))));
    assert!(error.contains("ignores startIndex"), "{error}");
}

#[test]
fn only_a_page_behind_the_total_may_be_refused() {
    let probe = Window::default().after(&page(1, 100, COUNT, Some(100))).unwrap().remove(0);
    assert!(probe.is_behind_the_end());
    let next = probe.after(&page(101, 250, COUNT, Some(100))).unwrap().remove(0);
    assert!(!next.is_behind_the_end(), "it says 100 and 200 came: such a total proves nothing");
    let grown = probe.after(&page(101, 250, COUNT, Some(250))).unwrap().remove(0);
    let numbered = Window::default().after(&page(1, 250, COUNT, Some(250))).unwrap().remove(0);
    let silent = Window::default().after(&page(1, 250, COUNT, None)).unwrap().remove(0);
    for window in [Window::default(), grown, numbered, silent] {
        assert!(!window.is_behind_the_end(), "{window:?}");
    }
}

#[test]
fn a_server_that_counts_from_zero_is_found_out() {
    // Its index 101 is everybody's 102: it would lose one record a page.
    let error = sentence(walk(Box::new(|w| {
        let from = if w.from == 0 { 1 } else { w.from + 1 };
        page(from, 250, COUNT, Some(250))
    })));
    assert!(error.contains("has 250 records and the page at 250 is empty"), "{error}");
}

#[test]
fn a_server_that_ignores_the_index_gives_half_a_list_and_is_an_error() {
    let error = sentence(walk(Box::new(|_| page(1, 250, COUNT, Some(250)))));
    assert!(error.contains("the page at 101 holds the same records as the first"), "{error}");
    let error = sentence(walk(Box::new(|_| page(1, 250, COUNT, None))));
    assert!(error.contains("ignores startIndex"), "{error}");
}

#[test]
fn without_a_total_a_list_ends_with_an_empty_page() {
    let asked = walk(Box::new(|w| page(w.from(), 130, 60, None))).unwrap();
    assert_eq!(asked, [(1, None), (61, None), (121, None), (131, None)]);
}

#[test]
fn without_a_total_and_pages_the_list_is_what_came() {
    for size in [30, 350] {
        let asked = walk(Box::new(move |_| page(1, size, 1_000, None))).unwrap();
        assert_eq!(asked, [(1, None), (size + 1, None)], "{size}");
    }
}

#[test]
fn without_a_total_a_last_page_that_comes_again_is_the_end() {
    let asked = walk(Box::new(|w| page(w.from().min(101), 130, COUNT, None))).unwrap();
    assert_eq!(asked, [(1, None), (101, None), (131, None)]);
}

#[test]
fn a_total_that_is_less_than_what_came_is_none() {
    let asked = walk(Box::new(|w| page(w.from(), 130, COUNT, Some(1)))).unwrap();
    assert_eq!(asked, [(1, None), (101, None), (131, None)]);
}

#[test]
fn a_total_that_only_the_first_page_says_holds_for_all() {
    let asked = walk(Box::new(|w| page(w.from(), 150, COUNT, (w.from == 0).then_some(150)))).unwrap();
    assert_eq!(asked, [(1, None), (101, None)]);
}

#[test]
fn cursors_are_followed_to_the_page_without_one() {
    let mut asked = Vec::new();
    walk(Box::new(|w| {
        asked.push(w.cursor().map(str::to_owned));
        let next = match w.cursor() {
            None => Some("b"),
            Some("b") => Some("c"),
            _ => None,
        };
        Page { cursor: next.map(str::to_owned), ..page(1, 100, COUNT, Some(250)) }
    }))
    .unwrap();
    assert_eq!(asked, [None, Some("b".to_owned()), Some("c".to_owned())]);
}

/// Reads pages by cursor: how many records each has, and the total it says. The last has no cursor.
fn cursors(pages: &[(u64, Option<u64>)]) -> String {
    let mut left = pages.iter().enumerate();
    let result = walk(Box::new(|_| {
        let (number, (count, total)) = left.next().unwrap();
        let from = number as u64 * COUNT + 1;
        let cursor = (number + 1 < pages.len()).then(|| number.to_string());
        Page { cursor, ..page(from, from + count - 1, COUNT, *total) }
    }));
    assert!(left.next().is_none(), "pages are left");
    match result {
        Ok(asked) => format!("{} pages", asked.len()),
        other => sentence(other),
    }
}

#[test]
fn cursors_that_end_before_the_total_are_an_error() {
    let ends =
        |total: u64, seen: u64| format!("the list says that it has {total} records and its cursors end after {seen}");
    assert_eq!(cursors(&[(100, Some(250)), (100, Some(250)), (50, Some(250))]), "3 pages");
    assert_eq!(cursors(&[(100, Some(250)), (0, None)]), ends(250, 100));
    assert_eq!(cursors(&[(100, Some(250)), (0, Some(0))]), ends(250, 100), "an empty page proves nothing");
    assert_eq!(cursors(&[(100, Some(250)), (100, None), (49, None)]), ends(250, 249));
    assert_eq!(cursors(&[(0, Some(250)), (100, None)]), ends(250, 100));
    assert_eq!(cursors(&[(100, Some(250)), (100, Some(249)), (49, Some(249))]), "3 pages", "somebody left");
    assert_eq!(cursors(&[(100, Some(250)), (100, Some(251)), (50, Some(251))]), "3 pages", "somebody joined");
    assert_eq!(cursors(&[(100, None), (100, Some(900)), (50, None)]), "3 pages", "no total at first is no total");
    assert_eq!(cursors(&[(100, Some(1)), (100, Some(1))]), "2 pages", "a total that is less than what came is none");
}

#[test]
fn a_cursor_that_leads_back_is_asked_for_no_third_time() {
    // As the host, that refuses such tasks, a walk knows them by their payload: it may count no further than the total.
    let asked = walk(Box::new(|w| {
        let cursor = if w.cursor() == Some("a") { "b" } else { "a" };
        Page { cursor: Some(cursor.to_owned()), ..page(1, 100, COUNT, Some(250)) }
    }));
    assert!(asked.unwrap().len() <= 6);
}

#[test]
fn more_pages_than_a_call_may_name_are_named_by_the_last_of_them() {
    let first = Window::default().after(&page(1, 1, 1, Some(12_000))).unwrap();
    assert_eq!((first.len(), first[PAGES - 1].from, first[PAGES - 1].to), (PAGES, 5_001, None));
    let next = first[PAGES - 1].after(&page(5_001, 5_001, 1, Some(12_000))).unwrap();
    assert_eq!((next.len(), next[0].from, next[PAGES - 1].from), (PAGES, 5_002, 10_001));
}

#[test]
fn a_window_travels_in_a_payload() {
    let windows = Window::default().after(&page(1, 100, COUNT, Some(300))).unwrap();
    let task = windows[0].task("users");
    assert!(task.payload.starts_with(r#"{"from":101,"to":200,"total":300,"first":"#), "{}", task.payload);
    assert_eq!(Window::read(&task).unwrap(), windows[0]);
    assert_eq!(Window::default().task("users").payload, "");
    assert!(Window::read(&Task::new("users", "{\"form\":1}")).is_err());
}

#[test]
fn marks_tell_ids_apart_that_read_the_same_in_a_row() {
    let mark = |ids: &[&str]| {
        let mut mark = Mark::new();
        ids.iter().for_each(|id| mark.add(id));
        mark.number()
    };
    assert_ne!(mark(&["1", "23"]), mark(&["12", "3"]));
    assert_ne!(mark(&["1", "2"]), mark(&["2", "1"]));
}
