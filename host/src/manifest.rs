//! What a connector says of itself, checked once when it is read: after that it can be trusted to be
//! well-formed, though never to be honest.

use crate::model::{Kind, is_slug};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
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
    /// `header`.
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

/// Rows of a manifest's lists, each: a bound on what is stored and shown, far above any real vendor.
const ROWS: usize = 256;
/// Bytes of one text of a manifest.
const TEXT_BYTES: usize = 4096;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl Manifest {
    /// The setting of that name.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|s| s.name == name)
    }

    /// What the type stands for, if it is declared.
    pub fn kind_of(&self, resource_type: &str) -> Option<Kind> {
        self.resource_types.iter().find(|t| t.id == resource_type).map(|t| t.kind)
    }

    /// Checks every rule of the contract that does not need settings. `stem` is the file's.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, stem: &str) -> Result<(), ManifestError> {
        self.broken_rule(stem)
            .map_or(Ok(()), |what| Err(ManifestError { name: crate::text::neutral(stem).into_owned(), what }))
    }

    fn broken_rule(&self, stem: &str) -> Option<String> {
        if self.name != stem {
            return Some(format!(
                "it calls itself {:?}, but its file is {stem}.wasm; rename one of them",
                crate::text::shorten(&self.name, 64)
            ));
        }
        let counts = [
            ("resource types", self.resource_types.len()),
            ("settings", self.settings.len()),
            ("routes", self.routes.len()),
            ("credentials", self.credentials.len()),
        ];
        if let Some((what, count)) = counts.into_iter().find(|(_, count)| *count > ROWS) {
            return Some(format!("it lists {count} {what}, more than {ROWS}"));
        }
        if self.texts().any(|t| t.len() > TEXT_BYTES) {
            return Some(format!("one of its texts has more than {TEXT_BYTES} bytes"));
        }
        let mut seen = HashSet::new();
        for t in &self.resource_types {
            if !is_slug(&t.id) || !seen.insert(t.id.as_str()) {
                return Some(format!("the resource type {:?} is no slug or stands twice", t.id));
            }
        }
        self.broken_setting().or_else(|| self.broken_route()).or_else(|| self.broken_credential())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        [&self.version, &self.display_name, &self.summary]
            .into_iter()
            .map(String::as_str)
            .chain(self.documentation.as_deref())
            .chain(self.resource_types.iter().flat_map(|t| [t.display_name.as_str(), &t.description]))
            .chain(self.settings.iter().flat_map(|s| {
                [s.label.as_str(), &s.help].into_iter().chain(s.default.as_deref()).chain(s.pattern.as_deref())
            }))
            .chain(self.routes.iter().flat_map(|r| [r.origin.as_str(), &r.path]))
            .chain(self.credentials.iter().flat_map(|c| {
                c.parameters.iter().flat_map(|(n, v)| [n.as_str(), v]).chain([c.id.as_str(), &c.origin, &c.scheme])
            }))
    }

    fn broken_setting(&self) -> Option<String> {
        let mut seen = HashSet::new();
        for s in &self.settings {
            if !is_slug(&s.name) || s.name == "run-date" || !seen.insert(s.name.as_str()) {
                return Some(format!("the setting {:?} is no slug, reserved, or stands twice", s.name));
            }
            if s.kind == SettingKind::Secret && s.default.is_some() {
                return Some(format!("the secret {} has a default", s.name));
            }
            if let Some(pattern) = &s.pattern
                && regex_lite::Regex::new(pattern).is_err()
            {
                return Some(format!("the pattern of {} is no regular expression", s.name));
            }
        }
        None
    }

    fn broken_route(&self) -> Option<String> {
        for r in &self.routes {
            let shown = format!("the route {} {}", r.methods.join("|"), r.path);
            if r.methods.is_empty() || r.methods.iter().any(|m| !METHODS.contains(&m.as_str())) {
                return Some(format!("{shown} has a method that is none of {}", METHODS.join(", ")));
            }
            let reads = |m: &String| m == "GET" || m == "HEAD";
            let fits = match r.usage {
                RouteUse::Read => r.methods.iter().all(reads),
                RouteUse::ReadByPost | RouteUse::Login => r.methods.iter().all(|m| m == "POST" || reads(m)),
                RouteUse::Write => true,
            };
            if !fits {
                return Some(format!("{shown} uses a method that its use does not allow"));
            }
            if !r.path.starts_with('/') {
                return Some(format!("{shown} does not begin with /"));
            }
            if let Some(bad) = self.unknown_name(&r.path).or_else(|| self.bad_origin(&r.origin)) {
                return Some(format!("{shown}: {bad}"));
            }
        }
        None
    }

    fn broken_credential(&self) -> Option<String> {
        for c in &self.credentials {
            let wanted: &[&str] = match c.scheme.as_str() {
                "header" => &["name", "template"],
                other => {
                    return Some(format!(
                        "the credential {} uses the scheme {other:?}, which this host does not know (it knows header)",
                        c.id
                    ));
                }
            };
            if wanted.iter().any(|w| c.parameter(w).is_none()) || c.parameters.len() != wanted.len() {
                return Some(format!(
                    "the credential {} has to have exactly the parameters {}",
                    c.id,
                    wanted.join(", ")
                ));
            }
            let bad = c.parameter("template").and_then(|t| self.unknown_name(t));
            if let Some(bad) = bad.or_else(|| self.bad_origin(&c.origin)) {
                return Some(format!("the credential {}: {bad}", c.id));
            }
        }
        None
    }

    /// The first `{name}` of a template that is no setting.
    fn unknown_name(&self, template: &str) -> Option<String> {
        names_in(template)
            .find(|name| self.setting(name).is_none())
            .map(|name| format!("{{{name}}} is none of its settings"))
    }

    fn bad_origin(&self, origin: &str) -> Option<String> {
        match origin.strip_prefix('{').and_then(|o| o.strip_suffix('}')) {
            Some(name) => match self.setting(name).map(|s| &s.kind) {
                Some(SettingKind::Url) => None,
                _ => Some(format!("its origin {origin} is no setting of kind url")),
            },
            None if origin.starts_with("https://") || origin.starts_with("http://") => None,
            None => Some(format!("its origin {origin:?} is neither {{setting}} nor an URL")),
        }
    }
}

/// The names between braces of a template.
pub fn names_in(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small manifest that keeps every rule.
    pub(crate) fn sample() -> Manifest {
        let setting = |name: &str, kind, default: Option<&str>| Setting {
            name: name.into(),
            label: name.into(),
            help: String::new(),
            kind,
            required: default.is_none(),
            default: default.map(Into::into),
            pattern: None,
        };
        Manifest {
            name: "demo".into(),
            version: "1.0.0".into(),
            display_name: "Demo".into(),
            summary: String::new(),
            documentation: None,
            resource_types: vec![ResourceType {
                id: "agent".into(),
                display_name: "Agents".into(),
                description: String::new(),
                kind: Kind::User,
            }],
            settings: vec![
                setting("base-url", SettingKind::Url, Some("https://api.demo.test")),
                setting("account", SettingKind::Text, None),
                setting("folder", SettingKind::Path, None),
                setting("token", SettingKind::Secret, None),
            ],
            routes: vec![
                Route {
                    origin: "{base-url}".into(),
                    methods: vec!["GET".into(), "HEAD".into()],
                    path: "/v1/{account}/teams/*/members".into(),
                    usage: RouteUse::Read,
                },
                Route {
                    origin: "{base-url}".into(),
                    methods: vec!["POST".into()],
                    path: "/v1/{account}/teams/*/members".into(),
                    usage: RouteUse::Write,
                },
                Route {
                    origin: "{base-url}".into(),
                    methods: vec!["POST".into()],
                    path: "/login".into(),
                    usage: RouteUse::Login,
                },
                Route {
                    origin: "{base-url}".into(),
                    methods: vec!["GET".into()],
                    path: "/files/{folder}".into(),
                    usage: RouteUse::Read,
                },
            ],
            credentials: vec![Credential {
                id: "token".into(),
                origin: "{base-url}".into(),
                scheme: "header".into(),
                parameters: vec![("name".into(), "x-token".into()), ("template".into(), "Token {token}".into())],
            }],
            keeps_cookies: false,
            rate: None,
        }
    }

    #[test]
    fn a_manifest_that_keeps_the_rules_is_taken() {
        assert_eq!(sample().check("demo"), Ok(()));
    }

    #[test]
    fn each_broken_rule_is_named() {
        type Spoil = fn(&mut Manifest);
        let table: [(&str, Spoil); 11] = [
            ("calls itself", |m| m.name = "other".into()),
            ("no slug", |m| m.resource_types[0].id = "Agent".into()),
            ("stands twice", |m| m.settings.push(m.settings[0].clone())),
            ("has a default", |m| m.settings[3].default = Some("x".into())),
            ("no regular expression", |m| m.settings[1].pattern = Some("(".into())),
            ("has a method", |m| m.routes[0].methods.push("TRACE".into())),
            ("does not allow", |m| m.routes[0].methods.push("DELETE".into())),
            ("none of its settings", |m| m.routes[0].path = "/{nothing}".into()),
            ("no setting of kind url", |m| m.routes[0].origin = "{account}".into()),
            ("does not know", |m| m.credentials[0].scheme = "magic".into()),
            ("exactly the parameters", |m| m.credentials[0].parameters.truncate(1)),
        ];
        for (expected, spoil) in table {
            let mut manifest = sample();
            spoil(&mut manifest);
            let error = manifest.check("demo").expect_err(expected).to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
