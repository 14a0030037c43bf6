//! Whether a run that was interrupted may go on (rule R2). Pure.
//!
//! Rule: with the same component, contract and settings, and not too long after it began. Reason: what it has collected would
//! be mixed with what another component, or other settings, or a much later day say; none of that ever was the state of
//! the vendor. A rotated secret changes nothing of it.

use super::outcome::{NewRun, OF_PART, OF_TAPE, Resume};

/// A run that was begun and never finished.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) started: String,
    pub(super) digest: String,
    pub(super) contract: String,
    pub(super) settings: String,
    pub(super) has_tasks: bool,
}

/// Why nobody goes on with a run, whatever comes after it, as half a sentence: what stands in the place of its settings
/// says so.
pub(super) fn never_goes_on(settings: &str) -> Option<&'static str> {
    match settings {
        "" => Some("what it has read is of the time before a change"),
        OF_TAPE => Some("it was replayed from a tape"),
        OF_PART => Some("it was to read only a part again, after a change"),
        _ => None,
    }
}

/// Whether it may; else why not, as half a sentence.
pub(super) fn judge(found: &Found, new: &NewRun) -> Result<(), String> {
    let Resume { since, never, .. } = &new.resume;
    if let Some(why) = never {
        return Err(why.clone());
    }
    // A run of an earlier version: it has nothing to agree with.
    if !found.has_tasks {
        return Err("it left nothing to go on from".to_owned());
    }
    if let Some(why) = never_goes_on(&found.settings) {
        return Err(why.to_owned());
    }
    if found.digest != new.digest || found.contract != new.contract {
        return Err("the connector is another one now".to_owned());
    }
    if found.settings != new.settings {
        return Err("the settings of the connection have changed".to_owned());
    }
    // Both are UTC in the same form: the order of the texts is that of the times.
    if found.started < *since {
        return Err(format!("it began at {}, longer ago than resume-within allows", found.started));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::new_run;
    use super::*;

    #[test]
    fn a_run_goes_on_only_as_what_it_was() {
        let new = new_run("support");
        let found = Found {
            started: "2026-11-22T00:00:00Z".into(),
            digest: new.digest.clone(),
            contract: new.contract.clone(),
            settings: new.settings.clone(),
            has_tasks: true,
        };
        let mut at_the_edge = new.clone();
        at_the_edge.resume.since = found.started.clone();
        assert_eq!(judge(&found, &new), Ok(()));
        assert_eq!(judge(&found, &at_the_edge), Ok(()));
        type Change = fn(&mut Found, &mut NewRun);
        let table: [(Change, &str); 9] = [
            (|found, _| found.digest = "other".into(), "another one"),
            (|found, _| found.contract = "0.2.0".into(), "another one"),
            (|found, _| found.settings = "other".into(), "settings"),
            (|found, new| (found.settings, new.settings) = Default::default(), "of the time before a change"),
            (|found, new| (found.settings, new.settings) = (OF_TAPE.into(), OF_TAPE.into()), "from a tape"),
            (|found, new| (found.settings, new.settings) = (OF_PART.into(), OF_PART.into()), "only a part"),
            (|found, _| found.has_tasks = false, "nothing to go on"),
            (|_, new| new.resume.since = "2026-11-22T00:00:01Z".into(), "resume-within"),
            (|_, new| new.resume.never = Some("you asked for a fresh one".into()), "a fresh one"),
        ];
        for (change, word) in table {
            let (mut found, mut new) = (found.clone(), new.clone());
            change(&mut found, &mut new);
            let why = judge(&found, &new).expect_err(word);
            assert!(why.contains(word), "{why}");
        }
    }
}
