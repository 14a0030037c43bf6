//! `muster inspect`: what a connector asks for and what it is granted.

use super::args::Global;
use super::connectors::{folders, size};
use super::error::{self, CliError};
use super::output::Output;
use super::scene;
use crate::catalog::{Connector, Loader, find};
use crate::config::{self, Connection, Source};
use crate::egress::policy::resolve_origin;
use crate::egress::target::Origin;
use crate::limits::{Limits, SPECS, Spec, Unit};
use crate::manifest::{Manifest, RouteUse, SettingKind};
use crate::settings::{Settings, Value};
use crate::text::neutral;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No such connector, or it is refused.
pub async fn inspect(global: &Global, what: &str) -> Result<u8, CliError> {
    let connections = scene::config_if_any(global)?.map(|c| c.connections).unwrap_or_default();
    let path: PathBuf = match what.ends_with(".wasm") || what.contains('/') {
        true => Path::new(what).to_path_buf(),
        false => find::file(&find::find(&folders(global)?)?, what)?.clone(),
    };
    let connector = Loader::new(Limits::default())?.load(&path).await?;
    let manifest = &connector.about.manifest;
    let users: Vec<&Connection> = connections.iter().filter(|c| c.connector == manifest.name).collect();
    let origins = origins(manifest, &users);
    let limits = limits(manifest, &users);
    let mut out = Output::new(global.json);
    match global.json {
        true => out.json(&document(&connector, &origins, &limits))?,
        false => out.lines(&lines(&connector, &origins, &limits, &users))?,
    }
    out.finish()?;
    Ok(error::OK)
}

/// Each origin that is asked for, and whether a connection grants it.
fn origins(manifest: &Manifest, users: &[&Connection]) -> BTreeMap<String, bool> {
    let mut out = BTreeMap::new();
    let nobody = Connection::new("", "");
    let users: Vec<&Connection> = if users.is_empty() { vec![&nobody] } else { users.to_vec() };
    for connection in users {
        let settings = url_settings(manifest, connection);
        let asked = manifest.routes.iter().map(|r| &r.origin).chain(manifest.credentials.iter().map(|c| &c.origin));
        for origin in asked.filter_map(|o| resolve_origin(o, &settings).ok().flatten()) {
            let written = settings.values.values().any(|v| v.written && Origin::parse(&v.text).as_ref() == Ok(&origin));
            let granted = written || connection.network.origins.contains(&origin);
            *out.entry(origin.to_string()).or_insert(false) |= granted;
        }
    }
    out
}

/// A limit as it is by default, as the manifest asks for it, and as it is granted: the largest of any connection.
struct Shown {
    name: &'static str,
    unit: Unit,
    default: Option<u64>,
    asked: Option<u64>,
    granted: Option<u64>,
    /// By connection, where they differ.
    each: Vec<(String, Option<u64>)>,
}

fn limits(manifest: &Manifest, users: &[&Connection]) -> Vec<Shown> {
    let host = Limits::default();
    let asked = config::asked(manifest.rate);
    let nobody = [&Connection::new("", "")];
    let granted: Vec<(String, Limits)> = if users.is_empty() { &nobody[..] } else { users }
        .iter()
        .map(|c| (c.name.clone(), config::granted(&host, c, manifest.rate)))
        .collect();
    let shown = |spec: &Spec| {
        let each: Vec<(String, Option<u64>)> =
            granted.iter().map(|(name, limits)| (name.clone(), (spec.get)(limits))).collect();
        let largest = each.iter().map(|(_, value)| *value).max_by_key(|v| v.unwrap_or(u64::MAX)).flatten();
        let differ = each.iter().any(|(_, value)| *value != largest);
        Shown {
            name: spec.name,
            unit: spec.unit,
            default: (spec.get)(&host),
            asked: asked.iter().find(|(name, _)| *name == spec.name).map(|(_, value)| *value),
            granted: largest,
            each: if differ { each } else { Vec::new() },
        }
    };
    SPECS.iter().map(shown).collect()
}

impl Shown {
    fn line(&self) -> String {
        let show = |value: Option<u64>| value.map_or_else(|| "no limit".to_owned(), |v| self.unit.show(v));
        let mut out = format!("{}: {}", self.name, show(self.default));
        if let Some(asked) = self.asked {
            out.push_str(&format!(", asked {}", show(Some(asked))));
        }
        if self.granted != self.default {
            out.push_str(&format!(", granted {}", show(self.granted)));
        }
        if !self.each.is_empty() {
            let each: Vec<String> = self.each.iter().map(|(name, value)| format!("{name} {}", show(*value))).collect();
            out.push_str(&format!(" ({})", each.join(", ")));
        }
        out
    }
}

/// The url settings alone: secrets are not fetched to be looked at.
fn url_settings(manifest: &Manifest, connection: &Connection) -> Settings {
    let mut settings = Settings::default();
    for setting in manifest.settings.iter().filter(|s| s.kind == SettingKind::Url) {
        let written = connection.settings.get(&setting.name).filter(|s| !matches!(s, Source::Command(_)));
        let value = match written.and_then(|s| s.fetch(&setting.name, false).ok()) {
            Some(value) => Value { text: value.expose().to_owned(), written: true },
            None => match &setting.default {
                Some(default) => Value { text: default.clone(), written: false },
                None => continue,
            },
        };
        settings.values.insert(setting.name.clone(), value);
    }
    settings
}

fn document(c: &Connector, origins: &BTreeMap<String, bool>, limits: &[Shown]) -> serde_json::Value {
    let m = &c.about.manifest;
    json!({
        "name": m.name, "version": m.version, "display_name": m.display_name, "summary": m.summary,
        "documentation": m.documentation, "contract": c.about.component.contract, "digest": c.digest, "size": c.size,
        "capabilities": c.about.component.capabilities,
        "imports": c.about.component.imports, "exports": c.about.component.exports,
        "resource_types": m.resource_types,
        "settings": m.settings.iter().map(|s| json!({
            "name": s.name, "label": s.label, "kind": s.kind.label(), "required": s.required, "default": s.default,
            "secret": s.kind == SettingKind::Secret, "help": s.help, "pattern": s.pattern,
        })).collect::<Vec<_>>(),
        "credentials": m.credentials.iter().map(|c| json!({"id": c.id, "scheme": c.scheme, "origin": c.origin})).collect::<Vec<_>>(),
        "routes": m.routes,
        "origins": origins.iter().map(|(asked, granted)| json!({"asked": asked, "granted": granted})).collect::<Vec<_>>(),
        "rate": m.rate,
        "limits": limits.iter().map(|l| json!({
            "name": l.name, "unit": l.unit.label(), "default": l.default, "asked": l.asked, "granted": l.granted,
        })).collect::<Vec<_>>(),
    })
}

fn lines(c: &Connector, origins: &BTreeMap<String, bool>, limits: &[Shown], users: &[&Connection]) -> Vec<String> {
    let m = &c.about.manifest;
    let component = &c.about.component;
    let mut out = vec![
        format!("{} {}: {}", m.name, neutral(&m.version), neutral(&m.summary)),
        format!("  contract {}, {}, sha256 {}", component.contract, size(c.size), c.digest),
        format!("  can {}", component.capabilities.join(", ")),
    ];
    if let Some(page) = &m.documentation {
        out.push(format!("  documentation {}", neutral(page)));
    }
    let mut section = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            out.push(String::new());
            out.push(title.to_owned());
            out.extend(rows.iter().map(|r| format!("  {}", neutral(r))));
        }
    };
    section(
        "Resource types",
        m.resource_types.iter().map(|t| format!("{} ({}): {}", t.id, t.kind.label(), t.description)).collect(),
    );
    let setting = |s: &crate::manifest::Setting| {
        let need = match (&s.default, s.required) {
            (Some(default), _) => format!("default {default}"),
            (None, true) => "required".to_owned(),
            (None, false) => "optional".to_owned(),
        };
        format!("{} ({}, {need}): {}", s.name, s.kind.words(), s.label)
    };
    section("Settings", m.settings.iter().map(setting).collect());
    let credential = |c: &crate::manifest::Credential| format!("{}: {} at {}", c.id, c.scheme, c.origin);
    section("Credentials, attached by the host", m.credentials.iter().map(credential).collect());
    let route = |r: &crate::manifest::Route| {
        let when = if r.usage == RouteUse::Write { " (only for a change that you agreed to)" } else { "" };
        format!("{} {}{}{when}", r.methods.join("|"), r.origin, r.path)
    };
    section("Routes: what it may request", m.routes.iter().map(route).collect());
    let by = |granted: bool| match (granted, users.is_empty()) {
        (true, _) => "granted",
        (false, true) => "asked for (no connection uses this connector)",
        (false, false) => "asked for, NOT granted",
    };
    section("Origins", origins.iter().map(|(o, g)| format!("{o}: {}", by(*g))).collect());
    section("Imports", component.imports.clone());
    section("Exports", component.exports.clone());
    section("Limits: by default, and where asked or granted otherwise", limits.iter().map(Shown::line).collect());
    out
}
