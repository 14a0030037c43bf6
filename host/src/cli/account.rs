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

/// Bytes of a role's name.
const ROLE_BYTES: usize = 128;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// A text that is no address or principal, or as [`change::perform`] says.
pub async fn account(global: &Global, action: &AccountAction) -> Result<u8, CliError> {
    let (connection, consent) = action.common();
    let target = Target::load(global, connection, "provisioning", "change access").await?;
    let name = |who: &ResourceId| -> Result<String, CliError> {
        let reader = Reader::open(&target.store)?;
        Ok(name_of(&reader, connection, who)?.map_or_else(|| who.to_string(), |name| format!("{name} ({who})")))
    };
    let asked = match action {
        AccountAction::Add { email, name, role, resource_type, .. } => {
            let of_type = account_type(&target.job.connector.about.manifest, resource_type.as_deref())?;
            let name = name.clone().unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
            short("the name", &name, NAME_BYTES)?;
            role.iter().try_for_each(|role| short("the role", role, ROLE_BYTES))?;
            if email.len() > NAME_BYTES || email.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(CliError::usage("that is no e-mail address"));
            }
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
            let order = format!("take the account of {} away", name(&who)?);
            Asked { action: "account-remove", what: who.to_string(), change: Change::RemoveUser(who), order }
        }
        AccountAction::Disable { principal: who, .. } => {
            let who = principal(who)?;
            let order = format!("disable the account of {}", name(&who)?);
            Asked { action: "account-disable", what: who.to_string(), change: Change::DisableUser(who), order }
        }
        AccountAction::Role { principal: who, role, .. } => {
            let who = principal(who)?;
            short("the role", role, ROLE_BYTES)?;
            let order = format!("give {} the role {role}", name(&who)?);
            let what = format!("{who} {role}");
            Asked { action: "account-role", what, change: Change::SetRole(who, role.clone()), order }
        }
    };
    change::perform(global, &target, consent, asked).await
}

/// The type of accounts that is meant: the one there is, unless somebody says which.
fn account_type(manifest: &Manifest, asked: Option<&str>) -> Result<String, CliError> {
    let users: Vec<&str> =
        manifest.resource_types.iter().filter(|t| t.kind == Kind::User).map(|t| t.id.as_str()).collect();
    match (asked, users.as_slice()) {
        (Some(asked), users) if users.contains(&asked) => Ok(asked.to_owned()),
        (None, [one]) => Ok((*one).to_owned()),
        (_, users) => Err(CliError::usage("it is not clear which type of account is meant")
            .with_help(format!("write --type with one of {}", users.join(", ")))),
    }
}

fn short(what: &str, text: &str, bytes: usize) -> Result<(), CliError> {
    match text.is_empty() || text.len() > bytes || text.chars().any(char::is_control) {
        true => Err(CliError::usage(format!("{what} has to be 1 to {bytes} bytes without control characters"))),
        false => Ok(()),
    }
}
