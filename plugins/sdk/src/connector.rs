//! What a connector implements, and how it becomes a component.

use std::marker::PhantomData;

use crate::bindings::exports::muster::connector::source;
use crate::bindings::provisioning::exports::muster::connector::provisioning as wit_provisioning;
use crate::bindings::roster::exports::muster::connector::roster as wit_roster;
use crate::context::Context;
use crate::host::{Component, Host};
use crate::provisioning::{Change, Outcome, Provisioning};
use crate::roster::{Progress, Roster, RosterChange, RosterOptions, Step};
use crate::{Account, Description, Failure, Level, Task};

/// A connector. Implement it for an empty type and pass the type to [`connector!`](crate::connector!).
///
/// One instance serves many calls of a run, in any order, and other instances serve the rest: keep
/// nothing in statics. What a later call needs to know travels in a task's payload.
pub trait Connector {
    /// The manifest. Pure: no request, no setting, no clock.
    fn describe() -> Description;

    /// Proves settings and credentials, and says who the vendor thinks we are. Called first in
    /// every run; an error ends the run before its first task.
    fn check(context: &Context<'_>) -> Result<Account, Failure>;

    /// The tasks a run starts with; it may emit as well. A connector that does everything in one
    /// call leaves this alone and gets one task of the kind `all`.
    fn start(context: &Context<'_>) -> Result<Vec<Task>, Failure> {
        let _ = context;
        Ok(vec![Task::new("all", "")])
    }

    /// Does one task: emits its records and names the tasks that follow, at most 10,000. They
    /// count together, and only if this succeeds.
    fn sync(context: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure>;
}

/// Carries a [`Connector`] across the component boundary. Used by [`connector!`](crate::connector!).
#[doc(hidden)]
pub struct Exported<C>(PhantomData<C>);

impl<C: Connector> source::Guest for Exported<C> {
    fn describe() -> Description {
        report_panics();
        C::describe()
    }

    fn check() -> Result<Account, Failure> {
        report_panics();
        C::check(&Context::new(&Component, None))
    }

    fn sync(task: Option<Task>, session: Option<String>) -> Result<Vec<Task>, Failure> {
        report_panics();
        run_task::<C>(&Context::new(&Component, session), task.as_ref())
    }
}

impl<C: Provisioning> wit_provisioning::Guest for Exported<C> {
    fn apply(change: Change, dry_run: bool, session: Option<String>) -> Result<Outcome, Failure> {
        report_panics();
        C::apply(&Context::new(&Component, session), &change, dry_run)
    }
}

impl<C: Roster> wit_roster::Guest for Exported<C> {
    fn apply(
        step: Step,
        changes: Vec<RosterChange>,
        options: RosterOptions,
        session: Option<String>,
    ) -> Result<Progress, Failure> {
        report_panics();
        C::apply(&Context::new(&Component, session), &step, &changes, &options)
    }
}

/// A component has no standard error: without this, a panic is a trap without a word.
fn report_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            Component.log(Level::Error, &format!("the connector {panic}"));
        }));
    });
}

/// One `sync` call: what is still in the batch goes out before the answer does.
pub(crate) fn run_task<C: Connector>(context: &Context<'_>, task: Option<&Task>) -> Result<Vec<Task>, Failure> {
    let follow_ups = match task {
        None => C::start(context)?,
        Some(task) => C::sync(context, task)?,
    };
    context.flush()?;
    Ok(follow_ups)
}

/// Exports a type that implements [`Connector`] as the component's `source`, and what it can do beside: write
/// `connector!(Vendor, provisioning)` where it implements [`Provisioning`](crate::Provisioning), `roster` where it
/// implements [`Roster`](crate::Roster), or both.
///
/// On other targets than `wasm32` it only checks that the type is a connector, so that the same
/// crate is tested by plain `cargo test`.
///
/// ```
/// # use muster_sdk::{Account, Connector, Context, Description, Failure, Task};
/// struct Empty;
///
/// impl Connector for Empty {
///     fn describe() -> Description {
///         Description::new("empty", "0.1.0", "Empty", "Nobody is here.")
///     }
///     fn check(_: &Context<'_>) -> Result<Account, Failure> {
///         Ok(Account::new("1", "Nobody"))
///     }
///     fn sync(_: &Context<'_>, _: &Task) -> Result<Vec<Task>, Failure> {
///         Ok(Vec::new())
///     }
/// }
///
/// muster_sdk::connector!(Empty);
/// ```
#[macro_export]
macro_rules! connector {
    ($connector:ty $(, $capability:ident)* $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all)]
        mod muster_component {
            #[allow(unused_imports)]
            use super::*;
            type Component = $crate::Exported<$connector>;
            $crate::bindings::export!(Component with_types_in $crate::bindings);
            $( $crate::capability!($capability, Component); )*
        }

        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::Description = <$connector as $crate::Connector>::describe;
        $(
            #[cfg(not(target_arch = "wasm32"))]
            $crate::capability!(check $capability, $connector);
        )*
    };
}

/// One more export of a component. Used by [`connector!`](crate::connector!).
#[doc(hidden)]
#[macro_export]
macro_rules! capability {
    (provisioning, $component:ident) => {
        $crate::bindings::provisioning::export_provisioning!($component with_types_in $crate::bindings::provisioning);
    };
    (roster, $component:ident) => {
        $crate::bindings::roster::export_roster!($component with_types_in $crate::bindings::roster);
    };
    (check provisioning, $connector:ty) => {
        const _: () = $crate::assert_provisioning::<$connector>();
    };
    (check roster, $connector:ty) => {
        const _: () = $crate::assert_roster::<$connector>();
    };
}

/// Compiles for a type that can change access.
#[doc(hidden)]
pub const fn assert_provisioning<C: Provisioning>() {}

/// Compiles for a type that takes a roster.
#[doc(hidden)]
pub const fn assert_roster<C: Roster>() {}
