//! `muster account`: who has an account at all, and with which role.

use super::args::Global;
use super::change::{self, Asked};
use super::change_args::AccountAction;
use super::error::CliError;
use super::grant::{name_of, principal};
use super::target::Target;
use crate::acting::{Change, NewAccount};
use crate::manifest::Manifest;
use crate::model::{Kind, NAME_BYTES, ResourceId};
use crate::store::queries::Reader;
use crate::text::shorten;

/// Bytes of a role's name.
const ROLE_BYTES: usize = 128;
/// Bytes of a wrong address that are shown.
const SHOWN_BYTES: usize = 100;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// A text that is no address or principal, or as [`change::perform`] says.
pub async fn account(global: &Global, action: &AccountAction) -> Result<u8, CliError> {
    let (connection, consent) = action.common();
    let target = Target::load(global, connection, "provisioning", "change access").await?;
    let manifest = &target.job.connector.about.manifest;
    // Whoever is gone can be taken away again; who never was there is a slip of the pen, and not an account that is gone.
    let name = |who: &ResourceId, was: bool| -> Result<String, CliError> {
        if manifest.kind_of(&who.resource_type) != Some(Kind::User) {
            let error = CliError::usage(format!("{who} is no account of {connection}"));
            return Err(error.with_help(format!("its accounts are of the type {}", users(manifest).join(", "))));
        }
        let reader = Reader::open(&target.store)?;
        match name_of(&reader, connection, who)? {
            Some(name) => Ok(format!("{name} ({who})")),
            None if was && reader.was_there(connection, who)? => Ok(who.to_string()),
            None => {
                let never = if was { "was never" } else { "is not" };
                let error = CliError::usage(format!("{who} {never} in a snapshot of {connection}"));
                Err(error.with_help(format!(
                    "`muster resources --connection {connection}` lists who is; `muster sync {connection}` reads again"
                )))
            }
        }
    };
    let asked = match action {
        AccountAction::Add { email, name, role, resource_type, .. } => {
            let of_type = account_type(manifest, resource_type.as_deref())?;
            address(email)?;
            let name = name.clone().unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
            short("the name", &name, NAME_BYTES)?;
            role.iter().try_for_each(|role| short("the role", role, ROLE_BYTES))?;
            let with = role.as_ref().map(|role| format!(" as {role}")).unwrap_or_default();
            let account = NewAccount {
                resource_type: of_type.clone(),
                name: name.clone(),
                email: email.clone(),
                role: role.clone(),
            };
            Asked {
                action: "account-add",
                change: Change::CreateUser(account),
                order: format!("make an account ({of_type}) for {name} <{email}>{with}"),
                what: format!("{of_type} {email}{with}"),
            }
        }
        AccountAction::Remove { principal: who, .. } => {
            let who = principal(who)?;
            let order = format!("take the account of {} away", name(&who, true)?);
            Asked { action: "account-remove", what: who.to_string(), change: Change::RemoveUser(who), order }
        }
        AccountAction::Disable { principal: who, .. } => {
            let who = principal(who)?;
            let order = format!("disable the account of {}", name(&who, false)?);
            Asked { action: "account-disable", what: who.to_string(), change: Change::DisableUser(who), order }
        }
        AccountAction::Role { principal: who, role, .. } => {
            let who = principal(who)?;
            short("the role", role, ROLE_BYTES)?;
            let order = format!("give {} the role {role}", name(&who, false)?);
            let what = format!("{who} {role}");
            Asked { action: "account-role", what, change: Change::SetRole(who, role.clone()), order }
        }
    };
    change::perform(global, &target, consent, asked).await
}

/// The type of accounts that is meant: the one there is, unless somebody says which.
fn account_type(manifest: &Manifest, asked: Option<&str>) -> Result<String, CliError> {
    match (asked, users(manifest).as_slice()) {
        (Some(asked), users) if users.contains(&asked) => Ok(asked.to_owned()),
        (None, [one]) => Ok((*one).to_owned()),
        (_, users) => Err(CliError::usage("it is not clear which type of account is meant")
            .with_help(format!("write --type with one of {}", users.join(", ")))),
    }
}

/// The types of accounts.
fn users(manifest: &Manifest) -> Vec<&str> {
    manifest.resource_types.iter().filter(|t| t.kind == Kind::User).map(|t| t.id.as_str()).collect()
}

/// What could be an address: the vendor judges the rest.
fn address(email: &str) -> Result<(), CliError> {
    let parts = email.split_once('@').filter(|(name, domain)| !name.is_empty() && !domain.is_empty());
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',');
    match parts.is_none() || email.len() > NAME_BYTES || email.contains(is_odd) {
        true => Err(CliError::usage(format!("{} is no e-mail address", shorten(email, SHOWN_BYTES)))
            .with_help("write the address alone, for example ann@example.com")),
        false => Ok(()),
    }
}

fn short(what: &str, text: &str, bytes: usize) -> Result<(), CliError> {
    match text.is_empty() || text.len() > bytes || text.chars().any(char::is_control) {
        true => Err(CliError::usage(format!("{what} has to be 1 to {bytes} bytes without control characters"))),
        false => Ok(()),
    }
}
