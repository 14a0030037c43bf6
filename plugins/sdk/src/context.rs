//! What a call has at hand: settings, the log, the batch of records, HTTP.

use std::cell::{Cell, RefCell};

use crate::http::Client;
use crate::{Details, Entitlement, Failure, Grant, Item, Level, Resource};

use crate::host::Host;

/// A batch goes out when it holds so many records: the contract calls 500 to 2,000 a good size.
const BATCH_RECORDS: usize = 1_000;
/// Or so many bytes of text, a quarter of what one call may carry: profiles can be large.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// What a call has at hand.
pub struct Context<'h> {
    host: &'h dyn Host,
    session: Option<String>,
    batch: RefCell<Vec<Item>>,
    batch_bytes: Cell<usize>,
    /// Why the host refused a batch: a connector that drops the error of `emit` still fails.
    refused: RefCell<Option<String>>,
}

impl<'h> Context<'h> {
    pub(crate) fn new(host: &'h dyn Host, session: Option<String>) -> Self {
        Context {
            host,
            session,
            batch: RefCell::new(Vec::new()),
            batch_bytes: Cell::new(0),
            refused: RefCell::new(None),
        }
    }

    /// The value of a setting: the operator's, else the manifest's default, else nothing. Nothing
    /// for a secret: the host attaches it to requests, a connector never holds it.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.host.setting(name)
    }

    /// A setting the connector cannot do without.
    pub fn required_setting(&self, name: &str) -> Result<String, Failure> {
        match self.setting(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(Failure::InvalidSettings(format!("the setting {name} has no value"))),
        }
    }

    /// The run's start date in UTC, `YYYY-MM-DD`. Use it for "today", so that a run that is resumed
    /// tomorrow says the same.
    pub fn run_date(&self) -> Result<String, Failure> {
        self.setting("run-date").ok_or_else(|| Failure::Unexpected("the host did not say the run's date".into()))
    }

    /// What `check` answered as the session of this run.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// A line for the operator. Never a credential, never a whole body.
    pub fn log(&self, level: Level, message: impl AsRef<str>) {
        self.host.log(level, message.as_ref());
    }

    /// A line that says how things are.
    pub fn info(&self, message: impl AsRef<str>) {
        self.log(Level::Info, message);
    }

    /// A line that asks for attention.
    pub fn warn(&self, message: impl AsRef<str>) {
        self.log(Level::Warn, message);
    }

    /// Adds a record to the batch, which goes out when it is large enough and at the end of a call
    /// that succeeds. A batch that the host refuses fails the task.
    pub fn emit(&self, item: impl Into<Item>) -> Result<(), Failure> {
        let item = item.into();
        self.batch_bytes.set(self.batch_bytes.get().saturating_add(text_bytes(&item)));
        let full = {
            let mut batch = self.batch.borrow_mut();
            batch.push(item);
            batch.len() >= BATCH_RECORDS || self.batch_bytes.get() >= BATCH_BYTES
        };
        if full { self.flush() } else { Ok(()) }
    }

    /// [`emit`](Self::emit) for each of them.
    pub fn emit_all<I>(&self, items: I) -> Result<(), Failure>
    where
        I: IntoIterator,
        I::Item: Into<Item>,
    {
        items.into_iter().try_for_each(|item| self.emit(item))
    }

    /// The HTTP client. Requests pass the host's egress; redirects are not followed.
    pub fn http(&self) -> Client<'_> {
        Client::new(self.host)
    }

    /// Hands what is in the batch to the host.
    pub(crate) fn flush(&self) -> Result<(), Failure> {
        let batch = self.batch.take();
        self.batch_bytes.set(0);
        if self.refused.borrow().is_none() && !batch.is_empty() {
            *self.refused.borrow_mut() = self.host.emit(batch).err();
        }
        match self.refused.borrow().as_deref() {
            None => Ok(()),
            Some(reason) => Err(Failure::Unexpected(format!("the host refused a batch of records: {reason}"))),
        }
    }
}

/// Roughly what a record weighs at the boundary: its long texts and a little for the rest.
fn text_bytes(item: &Item) -> usize {
    /// Ids, slugs and the record's fixed fields.
    const FIXED: usize = 256;
    let texts = match item {
        Item::Resource(Resource { name, profile, details, .. }) => {
            let user = match details {
                Details::User(user) => user.other_emails.iter().map(String::len).sum(),
                Details::Group | Details::Other => 0,
            };
            name.len() + profile.len() + user
        }
        Item::Entitlement(Entitlement { name, description, .. }) => name.len() + description.len(),
        Item::Grant(Grant { resource, principal, .. }) => resource.id.len() + principal.id.len(),
    };
    FIXED + texts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::request::{Request, Response};
    use crate::transport::Fault;
    use crate::{ResourceId, User};

    /// Keeps the sizes of the batches it was handed, and refuses the one of this number.
    #[derive(Default)]
    struct Collector {
        batches: RefCell<Vec<usize>>,
        refuses: Option<usize>,
    }

    impl Host for Collector {
        fn setting(&self, name: &str) -> Option<String> {
            (name == "empty").then(String::new)
        }
        fn log(&self, _: Level, _: &str) {}
        fn emit(&self, items: Vec<Item>) -> Result<(), String> {
            let mut batches = self.batches.borrow_mut();
            batches.push(items.len());
            if self.refuses == Some(batches.len()) { Err("no such type".into()) } else { Ok(()) }
        }
        fn send(&self, _: &Request) -> Result<Response, Fault> {
            Err(Fault::Denied)
        }
    }

    fn person(number: usize, profile: &str) -> Resource {
        let mut person = Resource::user(ResourceId::new("person", number), "", User::enabled());
        profile.clone_into(&mut person.profile);
        person
    }

    #[test]
    fn records_go_out_a_thousand_at_a_time_and_the_rest_at_the_end() {
        let host = Collector::default();
        let context = Context::new(&host, None);
        context.emit_all((0..2_500).map(|number| person(number, ""))).unwrap();
        assert_eq!(*host.batches.borrow(), [1_000, 1_000]);
        context.flush().unwrap();
        context.flush().unwrap();
        assert_eq!(*host.batches.borrow(), [1_000, 1_000, 500], "an empty batch is not handed over");
    }

    #[test]
    fn large_records_go_out_before_a_batch_is_too_heavy_for_a_call() {
        let host = Collector::default();
        let context = Context::new(&host, None);
        let profile = format!(r#"{{"note":"{}"}}"#, "x".repeat(60_000));
        context.emit_all((0..100).map(|number| person(number, &profile))).unwrap();
        context.flush().unwrap();
        assert_eq!(host.batches.borrow().iter().sum::<usize>(), 100);
        let heaviest = *host.batches.borrow().iter().max().unwrap();
        assert!(heaviest * profile.len() < 4 * 1024 * 1024, "{heaviest} records in a batch");
        assert_eq!(host.batches.borrow().len(), 3, "a batch begins with no weight of the last");
    }

    #[test]
    fn a_refused_batch_fails_the_task_even_where_the_connector_goes_on() {
        let host = Collector { refuses: Some(1), ..Collector::default() };
        let context = Context::new(&host, None);
        let refused: Vec<bool> = (0..1_500).map(|number| context.emit(person(number, "")).is_err()).collect();
        assert_eq!(refused.iter().filter(|refused| **refused).count(), 1);
        let expected = "the host refused a batch of records: no such type";
        assert_eq!(context.flush(), Err(Failure::Unexpected(expected.into())));
        assert_eq!(*host.batches.borrow(), [1_000], "nothing goes out after a refusal");
    }

    #[test]
    fn a_required_setting_has_to_say_something() {
        let context =
            Context::new(&Collector { batches: RefCell::default(), refuses: None }, None).required_setting("empty");
        let expected = "the setting empty has no value";
        assert_eq!(context, Err(Failure::InvalidSettings(expected.into())));
    }
}
