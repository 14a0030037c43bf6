//! The host's rules that a connector's own tests can check: routes, records, the manifest's names.

use crate::bindings::muster::connector::types::{Entitlement, Grant};
use crate::request::{Method, Request};
use crate::url::{Url, encode};
use crate::{Description, Details, Item, Kind, Resource, ResourceId, RouteUse, SettingKind};

/// Whether a name is `[a-z][a-z0-9-]{0,63}`.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What is wrong with a manifest by itself.
pub(super) fn manifest(manifest: &Description) -> Result<(), String> {
    let declared = |name: &str| manifest.settings.iter().find(|setting| setting.name == name);
    for name in
        manifest.settings.iter().map(|setting| &setting.name).chain(manifest.resource_types.iter().map(|t| &t.id))
    {
        if !is_name(name) {
            return Err(format!("the manifest's name {name:?} is not [a-z][a-z0-9-]{{0,63}}"));
        }
    }
    let origins = manifest.routes.iter().map(|route| &route.origin);
    for origin in origins.chain(manifest.credentials.iter().map(|credential| &credential.origin)) {
        match placeholder(origin).map(declared) {
            Some(Some(setting)) if matches!(setting.kind, SettingKind::Url) => {}
            Some(_) => return Err(format!("{origin} is no url setting of the manifest")),
            None => {
                Url::parse(origin).map_err(|error| format!("the origin {origin}: {error}"))?;
            }
        }
    }
    for route in &manifest.routes {
        for segment in route.path.split('/') {
            if placeholder(segment).is_some_and(|name| declared(name).is_none()) {
                return Err(format!("{segment} of {} is no setting of the manifest", route.path));
            }
        }
    }
    for value in manifest.credentials.iter().flat_map(|c| &c.parameters).map(|p| &p.value) {
        for part in value.split('{').skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            let name = name.strip_prefix("totp:").unwrap_or(name);
            if declared(name).is_none() {
                return Err(format!("a credential uses {{{name}}}, no setting of the manifest"));
            }
        }
    }
    Ok(())
}

/// Whether a route of the manifest lets a request through; `writing`: in an `apply` that may change something.
pub(super) fn route(
    manifest: &Description,
    setting: impl Fn(&str) -> Option<String>,
    request: &Request,
    writing: bool,
) -> bool {
    manifest.routes.iter().any(|route| {
        let allowed = match route.use_ {
            RouteUse::Read => matches!(request.method, Method::Get | Method::Head),
            RouteUse::ReadByPost | RouteUse::Login => request.method == Method::Post,
            RouteUse::Write => writing,
        };
        let origin = match placeholder(&route.origin) {
            Some(name) => setting(name),
            None => Some(route.origin.clone()),
        };
        allowed
            && route.methods.iter().any(|method| method == request.method.as_str())
            && origin
                .and_then(|origin| Url::parse(&origin).ok())
                .is_some_and(|origin| origin.origin() == request.url.origin())
            && path_fits(manifest, &setting, &route.path, request.url.path())
    })
}

fn path_fits(manifest: &Description, setting: &impl Fn(&str) -> Option<String>, pattern: &str, path: &str) -> bool {
    let mut wanted = Vec::new();
    for segment in pattern.split('/') {
        let Some(name) = placeholder(segment) else {
            wanted.push(segment.to_owned());
            continue;
        };
        let value = setting(name).unwrap_or_default();
        let kind = manifest.settings.iter().find(|s| s.name == name).map(|s| &s.kind);
        match kind {
            // As the host reads it: with or without a slash at either end.
            Some(SettingKind::Path) => wanted.extend(value.trim_matches('/').split('/').map(encode)),
            _ => wanted.push(encode(&value)),
        }
    }
    let asked: Vec<&str> = path.split('/').collect();
    let forbidden = |segment: &str| {
        let lower = segment.to_ascii_lowercase().replace("%2e", ".");
        lower == "." || lower == ".." || lower.contains("%2f") || lower.contains("%5c")
    };
    wanted.len() == asked.len()
        && wanted
            .iter()
            .zip(asked)
            .all(|(wanted, asked)| !forbidden(asked) && (wanted == asked || (wanted == "*" && !asked.is_empty())))
}

/// `name` of `{name}`.
fn placeholder(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

/// What `collector.emit` would refuse a record for.
pub(super) fn record(manifest: &Description, item: &Item) -> Result<(), String> {
    let id = |id: &ResourceId| -> Result<Kind, String> {
        let ResourceId { resource_type, id } = id;
        if id.is_empty() || id.len() > 1_024 || id.chars().any(char::is_control) {
            return Err(format!(
                "the id {id:?} of a {resource_type} is not 1 to 1,024 bytes without control characters"
            ));
        }
        let declared = manifest.resource_types.iter().find(|t| t.id == *resource_type);
        let declared = declared.ok_or_else(|| format!("the manifest declares no resource type {resource_type:?}"))?;
        Ok(declared.kind)
    };
    let slug = |slug: &str| match is_name(slug) {
        true => Ok(()),
        false => Err(format!("the slug {slug:?} is not [a-z][a-z0-9-]{{0,63}}")),
    };
    match item {
        Item::Resource(resource) => {
            let kind = id(&resource.id)?;
            resource.parent.iter().try_for_each(|parent| id(parent).map(drop))?;
            content(resource, kind)
        }
        Item::Entitlement(Entitlement { resource, slug: s, grantable_to, .. }) => {
            id(resource)?;
            slug(s)?;
            match grantable_to.iter().find(|to| !manifest.resource_types.iter().any(|t| t.id == **to)) {
                Some(to) => Err(format!("an entitlement is grantable to {to:?}, no resource type")),
                None => Ok(()),
            }
        }
        Item::Grant(Grant { resource, slug: s, principal }) => {
            id(resource)?;
            id(principal)?;
            slug(s)
        }
    }
}

fn content(resource: &Resource, kind: Kind) -> Result<(), String> {
    let ResourceId { resource_type, id } = &resource.id;
    let right = match kind {
        Kind::User => matches!(resource.details, Details::User(_)),
        Kind::Group => matches!(resource.details, Details::Group),
        Kind::Role | Kind::App | Kind::Other => matches!(resource.details, Details::Other),
    };
    if !right {
        return Err(format!("the details of {resource_type}:{id} do not fit its type's kind"));
    }
    let profile = resource.profile.as_str();
    let object =
        profile.is_empty() || serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(profile).is_ok();
    if !object || profile.len() > 64 * 1024 {
        return Err(format!("the profile of {resource_type}:{id} is no JSON object of at most 64 KiB"));
    }
    if resource.name.len() > 4_096 {
        return Err(format!("the name of {resource_type}:{id} is longer than 4,096 bytes"));
    }
    Ok(())
}
