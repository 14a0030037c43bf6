//! The host and the vendor as a script, for a connector's own tests. Native only.
//!
//! ```
//! # use muster_sdk::{*, testing::{Reply, Script}, request::Method};
//! # struct Tiny;
//! # impl Connector for Tiny {
//! #     fn describe() -> Description {
//! #         Description::new("tiny", "0.1.0", "Tiny", "People.")
//! #             .setting(Setting::new("tiny-base-url", SettingKind::Url, "Base URL", ""))
//! #             .route(Route::read("{tiny-base-url}", "/people"))
//! #             .resource_type(ResourceType::new("person", Kind::User, "People", ""))
//! #     }
//! #     fn check(_: &Context<'_>) -> Result<Account, Failure> { Ok(Account::new("1", "Tiny")) }
//! #     fn sync(context: &Context<'_>, _: &Task) -> Result<Vec<Task>, Failure> {
//! #         let base = context.required_setting("tiny-base-url")?;
//! #         let names: Vec<String> = context.http().get_json(format!("{base}/people"))?;
//! #         for name in names {
//! #             let id = ResourceId::new("person", &name);
//! #             context.emit(Resource::user(id, name, User::enabled()))?;
//! #         }
//! #         Ok(Vec::new())
//! #     }
//! # }
//! let vendor = Script::<Tiny>::new()
//!     .setting("tiny-base-url", "https://tiny.test")
//!     .answer(Method::Get, "/people", Reply::json(200, r#"["Ada"]"#));
//! vendor.run().unwrap();
//! assert_eq!(vendor.resources()[0].name, "Ada");
//! ```

// Everything here runs in tests only, where a panic with a sentence is the way to fail.
#![allow(clippy::panic)]

mod acting;
mod rules;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::marker::PhantomData;

use crate::connector::run_task;
use crate::host::Host;
use crate::request::{Method, Request, Response};
use crate::transport::Fault;
use crate::{
    Account, Connector, Context, Description, Entitlement, Failure, Grant, Item, Level, Resource, SettingKind, Task,
};

/// What a failure says, with its label before it, as in `forbidden: …`: for comparing in one line.
pub fn told(failure: Failure) -> String {
    match failure {
        Failure::Unauthorized(text) => format!("unauthorized: {text}"),
        Failure::Forbidden(text) => format!("forbidden: {text}"),
        Failure::RateLimited(seconds) => format!("rate-limited: {seconds:?}"),
        Failure::NotReady(seconds) => format!("not-ready: {seconds}"),
        Failure::Unavailable(text) => format!("unavailable: {text}"),
        Failure::InvalidSettings(text) => format!("invalid-settings: {text}"),
        Failure::Unexpected(text) => format!("unexpected: {text}"),
    }
}

/// What the vendor answers to one request.
#[derive(Clone, Debug)]
pub struct Reply(Result<Response, Fault>);

impl Reply {
    /// A status with a JSON body, written out as it is.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Reply::empty(status).body("application/json; charset=utf-8", body)
    }

    /// A status with a plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Reply::empty(status).body("text/plain", body)
    }

    /// A status with a page, as proxies and wrong addresses answer.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Reply::empty(status).body("text/html; charset=utf-8", body)
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Reply(Ok(Response { status, headers: Vec::new(), body: Vec::new() }))
    }

    /// No answer: the host's sentence.
    pub fn no_answer(sentence: impl Into<String>) -> Self {
        Reply(Err(Fault::Host(sentence.into())))
    }

    /// No answer: the host did not let the request out.
    pub fn denied() -> Self {
        Reply(Err(Fault::Denied))
    }

    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(response) = &mut self.0 {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets the body and its type.
    pub fn body(mut self, content_type: &str, body: impl Into<String>) -> Self {
        if let Ok(response) = &mut self.0 {
            response.body = body.into().into_bytes();
        }
        self.header("content-type", content_type)
    }
}

struct Expected {
    method: Method,
    target: String,
    reply: Reply,
}

/// The host and the vendor of a connector `C`. Every expected request has to come, once, and no
/// other: what was not asked for fails the test when the script is dropped, and a request that no
/// route of the manifest lets through fails it at once.
pub struct Script<C> {
    manifest: Description,
    settings: BTreeMap<String, String>,
    run_date: String,
    session: RefCell<Option<String>>,
    expected: RefCell<VecDeque<Expected>>,
    requests: RefCell<Vec<Request>>,
    items: RefCell<Vec<Item>>,
    logs: RefCell<Vec<(Level, String)>>,
    /// Within an `apply` that may change something.
    writing: Cell<bool>,
    connector: PhantomData<C>,
}

impl<C: Connector> Default for Script<C> {
    fn default() -> Self {
        Script::new()
    }
}

impl<C: Connector> Script<C> {
    /// Settings have the manifest's defaults, the run began on 2026-01-02, the vendor says nothing yet.
    pub fn new() -> Self {
        let manifest = C::describe();
        if let Err(why) = rules::manifest(&manifest) {
            panic!("{why}");
        }
        Script {
            manifest,
            settings: BTreeMap::new(),
            run_date: "2026-01-02".to_owned(),
            session: RefCell::default(),
            expected: RefCell::default(),
            requests: RefCell::default(),
            items: RefCell::default(),
            logs: RefCell::default(),
            writing: Cell::default(),
            connector: PhantomData,
        }
    }

    /// Gives a setting of the manifest a value. Secrets have none here, as in a run.
    #[track_caller]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        match self.manifest.settings.iter().find(|setting| setting.name == name) {
            None => panic!("the manifest has no setting {name}"),
            Some(setting) if matches!(setting.kind, SettingKind::Secret) => {
                panic!("{name} is a secret: the host attaches it, a connector never sees it")
            }
            Some(_) => self.settings.insert(name.to_owned(), value.to_owned()),
        };
        self
    }

    /// The run's start date.
    pub fn run_date(mut self, date: &str) -> Self {
        date.clone_into(&mut self.run_date);
        self
    }

    /// Expects a request and says what the vendor answers. The target is path and query, or a whole
    /// URL. Expectations of the same request are answered in the order they were given.
    pub fn answer(self, method: Method, target: &str, reply: Reply) -> Self {
        self.expected.borrow_mut().push_back(Expected { method, target: target.to_owned(), reply });
        self
    }

    /// [`answer`](Self::answer) to a GET.
    pub fn get(self, target: &str, reply: Reply) -> Self {
        self.answer(Method::Get, target, reply)
    }

    /// Calls `check`; its session goes to the later calls.
    pub fn check(&self) -> Result<Account, Failure> {
        let account = C::check(&Context::new(self, None))?;
        self.session.borrow_mut().clone_from(&account.session);
        Ok(account)
    }

    /// The call without a task.
    pub fn start(&self) -> Result<Vec<Task>, Failure> {
        self.call(None)
    }

    /// The call for a task.
    pub fn sync(&self, task: &Task) -> Result<Vec<Task>, Failure> {
        self.call(Some(task))
    }

    /// A whole run: `check`, the first call, every task. Ends at the first failure.
    pub fn run(&self) -> Result<Account, Failure> {
        let account = self.check()?;
        let mut tasks = VecDeque::from(self.start()?);
        while let Some(task) = tasks.pop_front() {
            tasks.extend(self.sync(&task)?);
        }
        Ok(account)
    }

    /// What tasks that succeeded have emitted.
    pub fn items(&self) -> Vec<Item> {
        self.items.borrow().clone()
    }

    /// The resources among the records.
    pub fn resources(&self) -> Vec<Resource> {
        let pick = |item| if let Item::Resource(record) = item { Some(record) } else { None };
        self.items().into_iter().filter_map(pick).collect()
    }

    /// The entitlements among the records.
    pub fn entitlements(&self) -> Vec<Entitlement> {
        let pick = |item| if let Item::Entitlement(record) = item { Some(record) } else { None };
        self.items().into_iter().filter_map(pick).collect()
    }

    /// The grants among the records.
    pub fn grants(&self) -> Vec<Grant> {
        let pick = |item| if let Item::Grant(record) = item { Some(record) } else { None };
        self.items().into_iter().filter_map(pick).collect()
    }

    /// What the connector wrote to the log.
    pub fn logs(&self) -> Vec<(Level, String)> {
        self.logs.borrow().clone()
    }

    /// What was asked for, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    fn call(&self, task: Option<&Task>) -> Result<Vec<Task>, Failure> {
        let session = self.session.borrow().clone();
        let before = self.items.borrow().len();
        let result = run_task::<C>(&Context::new(self, session), task);
        if result.is_err() {
            // What a task emitted counts when it succeeds, or not at all.
            self.items.borrow_mut().truncate(before);
        }
        result
    }
}

impl<C> Script<C> {
    fn value(&self, name: &str) -> Option<String> {
        let declared = self.manifest.settings.iter().find(|setting| setting.name == name)?;
        if matches!(declared.kind, SettingKind::Secret) {
            return None;
        }
        self.settings.get(name).cloned().or_else(|| declared.default.clone())
    }

    fn still_expected(&self) -> String {
        let mut list = String::new();
        for Expected { method, target, .. } in self.expected.borrow().iter() {
            let _ = write!(list, "\n  {method} {target}");
        }
        list
    }
}

impl<C> Host for Script<C> {
    fn setting(&self, name: &str) -> Option<String> {
        if name == "run-date" { Some(self.run_date.clone()) } else { self.value(name) }
    }

    fn log(&self, level: Level, message: &str) {
        self.logs.borrow_mut().push((level, message.to_owned()));
    }

    fn emit(&self, items: Vec<Item>) -> Result<(), String> {
        items.iter().try_for_each(|item| rules::record(&self.manifest, item))?;
        self.items.borrow_mut().extend(items);
        Ok(())
    }

    fn send(&self, request: &Request) -> Result<Response, Fault> {
        self.requests.borrow_mut().push(request.clone());
        let asked = format!("{} {}", request.method, request.url);
        if !rules::route(&self.manifest, |name| self.value(name), request, self.writing.get()) {
            panic!("{asked} fits no route of the manifest: the host would deny it");
        }
        let (whole, target) = (request.url.to_string(), request.url.path_and_query());
        let fits = |expected: &Expected| {
            expected.method == request.method && (expected.target == target || expected.target == whole)
        };
        let position = self.expected.borrow().iter().position(fits);
        let Some(expected) = position.and_then(|i| self.expected.borrow_mut().remove(i)) else {
            panic!("{asked} was not expected. Still expected:{}", self.still_expected());
        };
        match expected.reply.0 {
            Ok(answer) if answer.body.len() > request.limit => Err(Fault::TooLarge(request.limit)),
            reply => reply,
        }
    }
}

impl<C> Drop for Script<C> {
    fn drop(&mut self) {
        let missing = self.still_expected();
        if !missing.is_empty() && !std::thread::panicking() {
            panic!("the connector never asked for:{missing}");
        }
    }
}
