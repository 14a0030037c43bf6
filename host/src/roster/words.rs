//! What vendors call the kinds of employment, and the neutral words that a plan has for them. This is the one table.
//!
//! A word that is not here has no mapping: it is never compared, and nobody is hired with it. `employee` is among
//! those on purpose: it says neither full time nor part time.

/// The neutral word of somebody who is paid by invoice.
pub const CONTRACTOR: &str = "contractor";

/// Each neutral word, with those of the vendors in small letters and with blanks and hyphens as `_`.
const WORDS: [(&str, &[&str]); 6] = [
    ("full-time", &["full", "full_time", "fulltime", "regular_full_time"]),
    ("part-time", &["part", "part_time", "parttime", "regular_part_time"]),
    ("temporary", &["temp", "temporary", "seasonal"]),
    (
        CONTRACTOR,
        &[
            "contract",
            "contractor",
            "contractor_individual",
            "contractor_business",
            "independent_contractor",
            "freelancer",
        ],
    ),
    ("intern", &["intern", "internship"]),
    ("expatriate", &["expat", "expatriate"]),
];

/// The neutral word of a vendor's word; none where there is no mapping.
pub fn neutral(word: &str) -> Option<&'static str> {
    let word: String =
        word.trim().chars().map(|c| if c == ' ' || c == '-' { '_' } else { c.to_ascii_lowercase() }).collect();
    WORDS.iter().find(|(_, of)| of.contains(&word.as_str())).map(|(neutral, _)| *neutral)
}

/// All neutral words.
pub fn all() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(neutral, _)| *neutral)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_vendors_have_a_neutral_one_or_none() {
        let table = [
            ("FULL", Some("full-time")),
            ("PART", Some("part-time")),
            ("TEMP", Some("temporary")),
            ("CONTRACT", Some("contractor")),
            ("INTERN", Some("intern")),
            ("EXPAT", Some("expatriate")),
            (" Full-Time ", Some("full-time")),
            ("part time", Some("part-time")),
            ("contractor", Some("contractor")),
            ("contractor_individual", Some("contractor")),
            ("contractor_business", Some("contractor")),
            ("intern", Some("intern")),
            ("temporary", Some("temporary")),
            ("employee", None),
            ("international_employee", None),
            ("employee_eor", None),
            ("", None),
            ("3rd party", None),
        ];
        for (word, neutral_word) in table {
            assert_eq!(neutral(word), neutral_word, "{word}");
        }
    }

    #[test]
    fn a_neutral_word_is_its_own() {
        for word in all() {
            assert_eq!(neutral(word), Some(word));
        }
    }
}
