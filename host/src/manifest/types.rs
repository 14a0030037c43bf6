//! The words of a manifest.

use crate::model::Kind;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A type of resource the connector emits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceType {
    /// Singular slug.
    pub id: String,
    /// Plural, for people.
    pub display_name: String,
    /// One sentence.
    pub description: String,
    /// What it stands for.
    pub kind: Kind,
}

/// The kind of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingKind {
    /// Any text.
    Text,
    /// Never handed to the guest.
    Secret,
    /// An origin; written by the operator, it is granted.
    Url,
    /// Segments of a path.
    Path,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these.
    Choice(Vec<String>),
}

impl SettingKind {
    /// The stable label.
    pub fn label(&self) -> &'static str {
        match self {
            SettingKind::Text => "text",
            SettingKind::Secret => "secret",
            SettingKind::Url => "url",
            SettingKind::Path => "path",
            SettingKind::Number => "number",
            SettingKind::Flag => "flag",
            SettingKind::Choice(_) => "choice",
        }
    }

    /// For people: the label, and of a choice what there is to choose.
    pub fn words(&self) -> String {
        match self {
            SettingKind::Choice(of) => format!("one of {}", of.join(", ")),
            other => other.label().to_owned(),
        }
    }
}

/// A setting the operator gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Slug.
    pub name: String,
    /// For people.
    pub label: String,
    /// Where to find it.
    pub help: String,
    /// How its value is checked and treated.
    pub kind: SettingKind,
    /// Whether the operator has to give it (or the default serves).
    pub required: bool,
    /// Used where the operator gives none; never grants an origin.
    pub default: Option<String>,
    /// The whole value matches.
    pub pattern: Option<String>,
}

/// What a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteUse {
    /// GET and HEAD.
    Read,
    /// A POST that only reads.
    ReadByPost,
    /// A POST that opens a session.
    Login,
    /// Only inside `apply`.
    Write,
}

/// A kind of request the connector makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `{setting}` of a url setting, or a literal origin.
    pub origin: String,
    /// Upper-case methods.
    pub methods: Vec<String>,
    /// Segments; `*` is one, `{setting}` is a setting's value.
    pub path: String,
    /// When it is let through.
    #[serde(rename = "use")]
    pub usage: RouteUse,
}

/// How a secret is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// For people and logs.
    pub id: String,
    /// As in a route.
    pub origin: String,
    /// `header`, `bearer`, `basic`, `query` or `form`.
    pub scheme: String,
    /// Name and value, in the manifest's order.
    pub parameters: Vec<(String, String)>,
}

impl Credential {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// A pace per origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// So many requests …
    pub requests: u32,
    /// … in so many seconds.
    pub per_seconds: u32,
    /// Exchanges in progress at once.
    pub at_once: u32,
}

/// The manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The file's stem.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// For people.
    pub display_name: String,
    /// One sentence.
    pub summary: String,
    /// A page for people.
    pub documentation: Option<String>,
    /// What is emitted.
    pub resource_types: Vec<ResourceType>,
    /// What is asked of the operator.
    pub settings: Vec<Setting>,
    /// What may be requested.
    pub routes: Vec<Route>,
    /// How secrets are attached.
    pub credentials: Vec<Credential>,
    /// Whether the host keeps cookies.
    pub keeps_cookies: bool,
    /// A pace asked for.
    pub rate: Option<Rate>,
}

/// A manifest that breaks a rule.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the manifest of the connector {name} is refused: {what}")]
pub struct ManifestError {
    /// The connector, by its file.
    pub name: String,
    /// The rule, as a sentence without a stop.
    pub what: String,
}

impl Manifest {
    /// The setting of that name.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|s| s.name == name)
    }

    /// What the type stands for, if it is declared.
    pub fn kind_of(&self, resource_type: &str) -> Option<Kind> {
        self.resource_types.iter().find(|t| t.id == resource_type).map(|t| t.kind)
    }
}
