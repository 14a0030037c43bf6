//! What is on a tape that comes nearest to a request it does not hold. Pure.

use super::line::Asked;
use crate::text::{neutral, shorten};

/// Characters of an URL that a sentence shows.
const SHOWN: usize = 300;

/// A request on the tape, as far as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// In capitals.
    pub method: String,
    /// As the guest wrote it.
    pub url: String,
}

/// The sentence for a request that the tape does not hold. `answers` is how many answers it holds to just this request,
/// all of which were given.
pub fn sentence(asked: &Asked, answers: usize, known: &[Known]) -> String {
    let this = show(&asked.method, &asked.url);
    if answers > 0 {
        let times = if answers == 1 { "once".to_owned() } else { format!("{answers} times") };
        return format!("the tape answers {this} only {times}, and it was asked once more");
    }
    let same = |k: &&Known| k.method == asked.method && k.url == asked.url;
    if known.iter().any(|k| same(&k)) {
        return format!("the tape holds {this} only with other headers or another body");
    }
    let near = known.iter().max_by(|a, b| likeness(asked, a).total_cmp(&likeness(asked, b)).then_with(|| b.cmp(a)));
    match near {
        Some(near) => format!("the tape does not hold {this}; the nearest is {}", show(&near.method, &near.url)),
        None => format!("the tape does not hold {this}; it holds no request at all"),
    }
}

fn show(method: &str, url: &str) -> String {
    format!("{method} {}", shorten(&neutral(url), SHOWN))
}

/// The same method counts more than any likeness of addresses.
fn likeness(asked: &Asked, known: &Known) -> f64 {
    let method = if asked.method == known.method { 1.0 } else { 0.0 };
    method + strsim::normalized_levenshtein(&shorten(&asked.url, SHOWN), &shorten(&known.url, SHOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_request_is_named() {
        let known = |method: &str, path: &str| Known { method: method.into(), url: format!("https://a.test{path}") };
        let tape = [known("GET", "/agents?page=2"), known("GET", "/teams"), known("POST", "/agents?page=3")];
        let table = [
            (
                "GET",
                "/agents?page=3",
                0,
                "does not hold GET https://a.test/agents?page=3; the nearest is GET https://a.test/agents?page=2",
            ),
            ("GET", "/team", 0, "the nearest is GET https://a.test/teams"),
            ("GET", "/teams", 1, "answers GET https://a.test/teams only once, and"),
            ("GET", "/teams", 3, "only 3 times"),
            ("GET", "/teams", 0, "holds GET https://a.test/teams only with other headers or another body"),
            ("GET", "/\u{1b}[2J", 0, "GET https://a.test/\\u{1b}[2J"),
        ];
        for (method, path, answers, expected) in table {
            let url = format!("https://a.test{path}");
            let asked = Asked::new(&method.parse().unwrap(), &url, &http::HeaderMap::new(), b"", str::to_owned);
            let sentence = sentence(&asked, answers, &tape);
            assert!(sentence.contains(expected), "{sentence}");
        }
        let asked = Asked::new(&http::Method::GET, "https://a.test/", &http::HeaderMap::new(), b"", str::to_owned);
        assert!(sentence(&asked, 0, &[]).contains("no request at all"));
    }
}
