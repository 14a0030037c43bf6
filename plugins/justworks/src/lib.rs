//! Muster connector for Justworks: members, departments and offices.
//!
//! | call | reads | emits |
//! | --- | --- | --- |
//! | `check` | logs in, then the roster: it has to be one, with the org head in it | |
//! | the first call | the roster | everything |
//!
//! The roster comes whole in one answer, so there are no tasks beside the first call.

mod api;
mod chart;
mod fields;
mod login;
mod map;
mod page;
mod roster;
mod settings;
#[cfg(test)]
mod tests;
mod text;

use muster_sdk::{
    Account, Connector, Context, Credential, Description, Failure, Kind, ResourceType, Route, Setting, SettingKind,
    Task,
};

use crate::api::Site;
use crate::login::Signed;
use crate::settings::{BASE_URL, CODE, ORG_HEAD, PASSWORD, ROSTER_PATH, USERNAME};

/// The session of a check that judged the roster: what is odd in it has been told.
const TOLD: &str = "roster judged";

/// The connector.
pub struct Justworks;

muster_sdk::connector!(Justworks);

impl Connector for Justworks {
    fn describe() -> Description {
        /// Where every route and credential point to.
        const ORIGIN: &str = "{justworks-base-url}";
        Description::new(
            "justworks",
            env!("CARGO_PKG_VERSION"),
            "Justworks",
            "Reads the members of a Justworks company, their departments and offices.",
        )
        .documentation("https://help.justworks.com")
        .resource_type(ResourceType::new(
            map::MEMBER,
            Kind::User,
            "Members",
            "Everybody in the roster: employees, contractors, those who have left or not started yet.",
        ))
        .resource_type(ResourceType::new(map::DEPARTMENT, Kind::Group, "Departments", "The departments of members."))
        .resource_type(ResourceType::new(map::OFFICE, Kind::Group, "Offices", "The locations of members."))
        .setting(
            Setting::new(
                USERNAME,
                SettingKind::Text,
                "Username",
                "The user name of a Justworks user made for this purpose, who may view all employee information.",
            )
            .required(),
        )
        .setting(Setting::new(PASSWORD, SettingKind::Secret, "Password", "The password of that user.").required())
        .setting(
            Setting::new(
                CODE,
                SettingKind::Secret,
                "2FA Code",
                "The long code under the QR code, at \"Can't scan barcode?\", where the authenticator app is set up \
                 for that user. Not the six-digit code that the app shows.",
            )
            .required(),
        )
        .setting(
            Setting::new(
                ORG_HEAD,
                SettingKind::Text,
                "Name Org Head",
                "The name of the CEO or head of the organization, as Justworks shows it: first (or preferred) and \
                 last name.",
            )
            .required(),
        )
        .setting(
            Setting::new(BASE_URL, SettingKind::Url, "Base URL", "Where you log in to Justworks.")
                .default_value("https://secure.justworks.com"),
        )
        .setting(
            Setting::new(
                ROSTER_PATH,
                SettingKind::Path,
                "Roster path",
                "Where the roster is read from. Justworks does not document it.",
            )
            .default_value("/members.json"),
        )
        .credential(Credential::form(
            "password",
            ORIGIN,
            "/login",
            &[("username", "{justworks-username}"), ("password", "{justworks-password}")],
        ))
        .credential(Credential::form("code", ORIGIN, "/tfa", &[("auth_code", "{totp:justworks-2fa-secret}")]))
        .route(Route::read(ORIGIN, "/login"))
        .route(Route::login(ORIGIN, "/login"))
        .route(Route::read(ORIGIN, "/tfa"))
        .route(Route::login(ORIGIN, "/tfa"))
        .route(Route::read(ORIGIN, "/{justworks-roster-path}"))
        .keeping_cookies()
        // A person with a browser is not faster, and nothing here is worth more haste.
        .rate(60, 60, 1)
    }

    fn check(context: &Context<'_>) -> Result<Account, Failure> {
        // Before anybody is asked: a login is not for finding out that a setting is empty.
        let username = context.required_setting(USERNAME)?;
        context.required_setting(ORG_HEAD)?;
        let site = Site::new(context)?;
        let signed = login::open(&site)?;
        let mut account = Account::new(username, "Justworks");
        if signed == Signed::WithoutCode {
            account = account.with_warning(
                "Justworks asked for no one-time code: turn on two-factor authentication for this user".to_owned(),
            );
        }
        let answer = match site.roster() {
            Ok(answer) => answer,
            // The credentials are good. What passes is for the run to wait for, which knows how.
            Err(Failure::RateLimited(_) | Failure::NotReady(_) | Failure::Unavailable(_))
                if signed != Signed::Before =>
            {
                context.info("logged in; the roster cannot be read yet");
                return Ok(account);
            }
            Err(failure) => return Err(failure),
        };
        let roster = site.members(&answer)?;
        let chart = draw(context, &roster)?;
        let members = match roster.members.len() {
            1 => "1 member".to_owned(),
            number => format!("{number} members"),
        };
        context.info(format!("logged in; the roster has {members}"));
        Ok(chart.findings.into_iter().fold(account, Account::with_warning).with_session(TOLD))
    }

    fn start(context: &Context<'_>) -> Result<Vec<Task>, Failure> {
        let site = Site::new(context)?;
        let answer = site.roster()?;
        let roster = site.members(&answer)?;
        let chart = draw(context, &roster)?;
        if context.session() != Some(TOLD) {
            chart.findings.iter().for_each(|finding| context.warn(finding));
        }
        context.emit_all(map::records(&roster, &chart, &context.run_date()?))?;
        Ok(Vec::new())
    }

    fn sync(_: &Context<'_>, task: &Task) -> Result<Vec<Task>, Failure> {
        Err(Failure::Unexpected(format!("this connector has no task {}", task.kind)))
    }
}

fn draw(context: &Context<'_>, roster: &roster::Roster<'_>) -> Result<chart::Chart, Failure> {
    let head = context.required_setting(ORG_HEAD)?;
    chart::draw(roster, &head, &context.run_date()?).map_err(Failure::InvalidSettings)
}
