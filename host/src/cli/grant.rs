//! `muster grant` and `muster revoke`: who has what, one at a time.

use super::args::Global;
use super::change::{self, Asked};
use super::change_args::Membership;
use super::error::CliError;
use super::target::Target;
use crate::acting::Change;
use crate::model::{self, Grant, ResourceId};
use crate::store::StoreError;
use crate::store::queries::{AsOf, EntitlementRow, Filter, Reader, ResourceRow};
use crate::text::nearest;

/// Runs `grant`, or `revoke`; the answer is the exit code.
///
/// # Errors
/// A text that is no entitlement or principal, one that nobody knows, or as [`change::perform`] says.
pub async fn grant(global: &Global, options: &Membership, give: bool) -> Result<u8, CliError> {
    let target = Target::load(global, &options.connection, "provisioning", "change access").await?;
    let (resource, slug) = entitlement(&options.entitlement)?;
    let principal = principal(&options.principal)?;
    let known = known(&target, &options.connection, &resource, &slug, &principal)?;
    if give && !known.entitlement.grantable_to.contains(&principal.resource_type) {
        let error =
            CliError::usage(format!("{} cannot be granted to a {}", options.entitlement, principal.resource_type));
        return Err(error.with_help(format!("it is for {}", known.entitlement.grantable_to.join(", "))));
    }
    // Whoever is gone can still be taken out of a team.
    if give && known.principal.is_none() {
        let error = CliError::usage(format!("{principal} is not in the snapshot of {}", options.connection));
        return Err(error.with_help(format!(
            "`muster resources --connection {}` lists who is; `muster sync {0}` reads again",
            options.connection
        )));
    }
    let who = known.principal.map_or_else(|| principal.to_string(), |name| format!("{name} ({principal})"));
    let of = match &known.entitlement.resource_name {
        Some(name) => format!("{name} ({resource})"),
        None => resource.to_string(),
    };
    let (action, order) = match give {
        true => ("grant", format!("grant {slug} of {of} to {who}")),
        false => ("revoke", format!("revoke {slug} of {of} from {who}")),
    };
    let preposition = if give { "to" } else { "from" };
    let what = format!("{resource}:{slug} {preposition} {principal}");
    let grant = Grant { resource, slug, principal };
    let change = if give { Change::Grant(grant) } else { Change::Revoke(grant) };
    change::perform(global, &target, &options.consent, Asked { action, change, order, what }).await
}

/// `{type}:{id}:{slug}`; the id may hold colons.
fn entitlement(text: &str) -> Result<(ResourceId, String), CliError> {
    let parts = text.split_once(':').and_then(|(of_type, rest)| Some((of_type, rest.rsplit_once(':')?)));
    if let Some((of_type, (id, slug))) = parts
        && model::is_slug(of_type)
        && model::is_slug(slug)
        && model::check_id(id).is_ok()
    {
        return Ok((ResourceId { resource_type: of_type.to_owned(), id: id.to_owned() }, slug.to_owned()));
    }
    Err(CliError::usage(format!("{text} is no entitlement"))
        .with_help("write TYPE:ID:SLUG, as `muster entitlements` lists them, for example team:2:member"))
}

/// `{type}:{id}`.
///
/// # Errors
/// It is none.
pub fn principal(text: &str) -> Result<ResourceId, CliError> {
    if let Some((of_type, id)) = text.split_once(':')
        && model::is_slug(of_type)
        && model::check_id(id).is_ok()
    {
        return Ok(ResourceId { resource_type: of_type.to_owned(), id: id.to_owned() });
    }
    Err(CliError::usage(format!("{text} is no principal"))
        .with_help("write TYPE:ID, as `muster grants` lists them, for example agent:7"))
}

/// What the snapshot says of both.
struct Known {
    entitlement: EntitlementRow,
    /// Name of the principal.
    principal: Option<String>,
}

fn known(
    target: &Target,
    connection: &str,
    resource: &ResourceId,
    slug: &str,
    principal: &ResourceId,
) -> Result<Known, CliError> {
    let reader = Reader::open(&target.store)?;
    let filter = Filter {
        connection: Some(connection.to_owned()),
        resource_type: Some(resource.resource_type.clone()),
        as_of: AsOf::Now,
    };
    let (mut found, mut ids) = (None, Vec::new());
    reader.entitlements::<StoreError>(&filter, &mut |row| {
        match row.resource == *resource && row.slug == slug {
            true => found = Some(row),
            false => ids.push(row.id),
        }
        Ok(())
    })?;
    let Some(entitlement) = found else {
        let asked = format!("{resource}:{slug}");
        let error = CliError::usage(format!("{asked} is not in the snapshot of {connection}"));
        return Err(match nearest(&asked, ids.iter().map(String::as_str)) {
            Some(meant) => error.with_help(format!("did you mean {meant}?")),
            None => error.with_help(format!(
                "`muster entitlements --connection {connection}` lists what is; `muster sync {connection}` reads again"
            )),
        });
    };
    Ok(Known { entitlement, principal: name_of(&reader, connection, principal)? })
}

/// The name of a resource in the snapshot; none where it is not there.
///
/// # Errors
/// See [`StoreError`].
pub fn name_of(reader: &Reader, connection: &str, id: &ResourceId) -> Result<Option<String>, StoreError> {
    let filter = Filter {
        connection: Some(connection.to_owned()),
        resource_type: Some(id.resource_type.clone()),
        as_of: AsOf::Now,
    };
    let mut name = None;
    reader.resources::<StoreError>(&filter, &mut |row: ResourceRow| {
        if row.id == id.id {
            name = Some(row.name);
        }
        Ok(())
    })?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entitlement_is_a_type_an_id_with_whatever_is_in_it_and_a_slug() {
        let table = [
            ("team:2:member", Some(("team", "2", "member"))),
            ("group:a:b:c:member", Some(("group", "a:b:c", "member"))),
            ("team:member", None),
            ("team::member", None),
            ("Team:2:member", None),
            ("team:2:", None),
            ("", None),
        ];
        for (text, wanted) in table {
            let found = entitlement(text).ok();
            let found = found.as_ref().map(|(r, slug)| (r.resource_type.as_str(), r.id.as_str(), slug.as_str()));
            assert_eq!(found, wanted, "{text}");
        }
        assert_eq!(principal("agent:a:7").map(|p| p.to_string()).ok().as_deref(), Some("agent:a:7"));
        assert!(principal("7").is_err() && principal("agent:").is_err());
    }
}
