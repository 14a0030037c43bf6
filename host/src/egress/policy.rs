//! Whether a request may leave: routes and granted origins. Pure.
//!
//! Rule: a request leaves only to an origin the operator wrote down, on a route of the manifest, with a
//! method the call may use. Reason: the host attaches the operator's credential to it. Attack: a connector
//! that reads teams by day and deletes them by night, or sends what it read to another host.

use super::target::{Origin, Target};
use crate::manifest::{Manifest, RouteUse};
use crate::settings::Settings;
use crate::template::{Part, Template};
use http::Method;
use std::collections::BTreeSet;
use thiserror::Error;

/// Which export is being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `check`.
    Check,
    /// `sync`.
    Sync,
    /// `apply`.
    Apply,
}

/// A request that was refused: a stable label, one sentence, and what would allow it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{sentence}")]
pub struct Denial {
    /// For logs and counts; holds nothing a guest chose.
    pub label: &'static str,
    /// For the operator.
    pub sentence: String,
    /// Lines of `muster.toml` that would allow it, or none where nothing does.
    pub help: Vec<String>,
}

impl Denial {
    /// A denial that nothing in the configuration changes.
    pub fn firm(label: &'static str, sentence: String) -> Denial {
        Denial { label, sentence, help: Vec::new() }
    }
}

/// A pattern for one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// `*`: any one segment that is not empty.
    Any,
    /// This one, decoded.
    Exactly(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Rule {
    origin: Origin,
    methods: Vec<Method>,
    path: Vec<Segment>,
    usage: RouteUse,
}

/// The operator's network settings of a connection.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Granted beside the url settings.
    pub origins: Vec<Origin>,
    /// `host:port` opened on purpose: private addresses and plain http.
    pub allow_private: BTreeSet<String>,
    /// Given on the command line: help speaks of options, not of lines of a file.
    pub one_off: bool,
}

impl Network {
    /// What grants the origin beside what is granted already: lines to paste.
    fn help_to_grant(&self, origin: &Origin) -> Vec<String> {
        if self.one_off {
            return vec![format!("to allow it, add --allow {origin}")];
        }
        let all: Vec<String> = self.origins.iter().chain([origin]).map(|o| format!("\"{o}\"")).collect();
        Self::lines("to allow it", &format!("origins = [{}]", all.join(", ")))
    }

    /// What opens the host and port beside what is open already: lines to paste.
    fn help_to_open(&self, origin: &Origin) -> Vec<String> {
        let host_port = origin.host_port();
        if self.one_off {
            return vec![format!("if that is meant, add --allow-private {host_port}")];
        }
        let all: Vec<String> = self.allow_private.iter().chain([&host_port]).map(|h| format!("\"{h}\"")).collect();
        Self::lines("if that is meant", &format!("allow-private = [{}]", all.join(", ")))
    }

    fn lines(when: &str, line: &str) -> Vec<String> {
        vec![format!("{when}, write for the connection:"), "  [connection.network]".to_owned(), format!("  {line}")]
    }
}

/// What a connection may request.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    granted: BTreeSet<Origin>,
    network: Network,
    /// Url settings, for help lines: name and value.
    defaults: Vec<(String, Origin)>,
}

impl Policy {
    /// Builds the policy from what the manifest asks and what the operator wrote.
    ///
    /// # Errors
    /// A route that cannot be built, as a sentence.
    pub fn new(manifest: &Manifest, settings: &Settings, network: &Network) -> Result<Policy, String> {
        let mut granted: BTreeSet<Origin> = network.origins.iter().cloned().collect();
        let mut defaults = Vec::new();
        for setting in manifest.settings.iter().filter(|s| s.kind == crate::manifest::SettingKind::Url) {
            let Some(value) = settings.values.get(&setting.name) else { continue };
            let origin = Origin::parse(&value.text).map_err(|e| format!("{} {e}", setting.name))?;
            match value.written {
                true => drop(granted.insert(origin)),
                false => defaults.push((setting.name.clone(), origin)),
            }
        }
        let mut rules = Vec::new();
        for route in &manifest.routes {
            // A route of a setting without a value can never match: it is left out.
            let Some(origin) = resolve_origin(&route.origin, settings)? else { continue };
            let Some(path) = compile(&route.path, manifest, settings)? else { continue };
            let methods = route.methods.iter().filter_map(|m| Method::from_bytes(m.as_bytes()).ok()).collect();
            rules.push(Rule { origin, methods, path, usage: route.usage });
        }
        Ok(Policy { rules, granted, network: network.clone(), defaults })
    }

    /// Judges one request.
    ///
    /// # Errors
    /// The denial, with the lines that would allow it.
    pub fn judge(&self, phase: Phase, method: &Method, target: &Target) -> Result<(), Denial> {
        let shown = || format!("{method} {}{}", target.origin, crate::text::shorten(&target.path, 200));
        let here = |r: &&Rule| r.origin == target.origin && matches(&r.path, &target.segments);
        let Some(_) = self.rules.iter().find(here) else {
            return Err(Denial::firm("route", format!("{} fits no route of the connector's manifest", shown())));
        };
        let allowed = self.rules.iter().filter(here).any(|r| {
            r.methods.contains(method)
                && match r.usage {
                    RouteUse::Read => matches!(*method, Method::GET | Method::HEAD),
                    RouteUse::ReadByPost | RouteUse::Login => {
                        matches!(*method, Method::GET | Method::HEAD | Method::POST)
                    }
                    RouteUse::Write => phase == Phase::Apply,
                }
        });
        if !allowed {
            let sentence = match phase {
                Phase::Check | Phase::Sync => {
                    format!("{}: a connector may only read there while it checks or syncs", shown())
                }
                Phase::Apply => format!("{}: the manifest names no such method for this route", shown()),
            };
            return Err(Denial::firm("method", sentence));
        }
        self.judge_origin(&target.origin)
    }

    /// Judges an origin alone: granted, and plain http only where it was opened.
    ///
    /// # Errors
    /// The denial, with the lines that would allow it.
    pub fn judge_origin(&self, origin: &Origin) -> Result<(), Denial> {
        if !self.granted.contains(origin) {
            let help = match self.defaults.iter().find(|(_, o)| o == origin) {
                Some((name, _)) if self.network.one_off => vec![format!("to allow it, add --set {name}={origin}")],
                Some((name, _)) => vec![
                    "to allow it, write for the connection:".to_owned(),
                    "  [connection.settings]".to_owned(),
                    format!("  {name} = \"{origin}\""),
                ],
                None => self.network.help_to_grant(origin),
            };
            let sentence = format!("{origin} is asked for by the connector but was not granted by you");
            return Err(Denial { label: "origin", sentence, help });
        }
        if !origin.https && !self.is_opened(origin) {
            return Err(Denial {
                label: "plain-http",
                sentence: format!("{origin} is not encrypted, and a credential would travel in the clear"),
                help: self.network.help_to_open(origin),
            });
        }
        Ok(())
    }

    /// Whether the operator opened this host and port on purpose.
    pub fn is_opened(&self, origin: &Origin) -> bool {
        self.network.allow_private.contains(&origin.host_port())
    }

    /// The lines that open a host and port on purpose.
    pub fn help_to_open(&self, origin: &Origin) -> Vec<String> {
        self.network.help_to_open(origin)
    }

    /// Origins that requests may go to.
    pub fn granted(&self) -> &BTreeSet<Origin> {
        &self.granted
    }

    /// Origins the manifest's routes name, settings filled in; sorted.
    pub fn asked(&self) -> BTreeSet<&Origin> {
        self.rules.iter().map(|r| &r.origin).collect()
    }
}

/// The origin of a route or credential; `None` where its setting has no value.
///
/// # Errors
/// A literal that is no origin.
pub fn resolve_origin(origin: &str, settings: &Settings) -> Result<Option<Origin>, String> {
    let text = match origin.strip_prefix('{').and_then(|o| o.strip_suffix('}')) {
        Some(name) => match settings.get(name) {
            Some(value) => value,
            None => return Ok(None),
        },
        None => origin,
    };
    Origin::parse(text).map(Some).map_err(|e| format!("the origin {origin} {e}"))
}

/// The pattern of a path; `None` where a setting has no value.
///
/// # Errors
/// A template that cannot be read, or a secret in a path.
pub(super) fn compile(path: &str, manifest: &Manifest, settings: &Settings) -> Result<Option<Vec<Segment>>, String> {
    use crate::manifest::SettingKind;
    let mut out = Vec::new();
    for part in path.split('/').skip(1) {
        if part == "*" {
            out.push(Segment::Any);
            continue;
        }
        let whole = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        if let Some(setting) = whole.and_then(|name| manifest.setting(name))
            && setting.kind == SettingKind::Path
        {
            let Some(value) = settings.get(&setting.name) else { return Ok(None) };
            let segments = value.trim_matches('/').split('/');
            out.extend(segments.map(|s| Segment::Exactly(s.as_bytes().to_vec())));
            continue;
        }
        let template = Template::parse(part).map_err(|why| format!("the route {path}: {why}"))?;
        let secret = |p: &Part| match p {
            Part::Text(_) => false,
            Part::Setting(name) => settings.secrets.contains_key(name),
            Part::Totp(_) => true,
        };
        if template.parts().iter().any(secret) {
            return Err(format!("the route {path} has a secret in its path"));
        }
        match settings.fill(&template) {
            Some(text) => out.push(Segment::Exactly(text.expose().as_bytes().to_vec())),
            None => return Ok(None),
        }
    }
    Ok(Some(out))
}

/// Whether the decoded segments of a path fit a pattern.
pub(super) fn matches(pattern: &[Segment], segments: &[Vec<u8>]) -> bool {
    pattern.len() == segments.len()
        && pattern.iter().zip(segments).all(|(p, s)| match p {
            Segment::Any => !s.is_empty(),
            Segment::Exactly(text) => text == s,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;
    use crate::settings::{Secret, Value};

    fn settings(base: &str, written: bool) -> Settings {
        let value = |text: &str, written| Value { text: text.into(), written };
        let mut s = Settings::default();
        s.values.insert("base-url".into(), value(base, written));
        s.values.insert("account".into(), value("7 b", true));
        s.values.insert("folder".into(), value("hr/people", true));
        s.secrets.insert("token".into(), Secret::new("t".into()));
        s
    }

    fn judge(phase: Phase, method: Method, url: &str) -> Result<(), &'static str> {
        let policy = Policy::new(&sample(), &settings("https://api.demo.test", true), &Network::default());
        let target = Target::parse(url).expect(url);
        policy.expect("policy").judge(phase, &method, &target).map_err(|d| d.label)
    }

    #[test]
    fn requests_leave_on_routes_only() {
        use Phase::{Apply, Sync};
        let members = "https://api.demo.test/v1/7%20b/teams/3/members";
        let table = [
            (Sync, Method::GET, members, Ok(())),
            (Sync, Method::HEAD, members, Ok(())),
            (Sync, Method::GET, "https://api.demo.test/v1/7%20b/teams/3/members?page=2", Ok(())),
            (Sync, Method::GET, "https://api.demo.test/files/hr/people", Ok(())),
            (Sync, Method::POST, "https://api.demo.test/login", Ok(())),
            (Apply, Method::POST, members, Ok(())),
            (Sync, Method::POST, members, Err("method")),
            (Sync, Method::DELETE, members, Err("method")),
            (Sync, Method::TRACE, members, Err("method")),
            (Sync, Method::CONNECT, members, Err("method")),
            (Sync, Method::OPTIONS, members, Err("method")),
            (Apply, Method::DELETE, members, Err("method")),
            (Sync, Method::GET, "https://api.demo.test/v1/8/teams/3/members", Err("route")),
            (Sync, Method::GET, "https://api.demo.test/v1/7%20b/teams//members", Err("route")),
            (Sync, Method::GET, "https://api.demo.test/v1/7%20b/teams/3/members/", Err("route")),
            (Sync, Method::GET, "https://api.demo.test/v1/7%20b/teams/3/4/members", Err("route")),
            (Sync, Method::GET, "https://api.demo.test:8443/v1/7%20b/teams/3/members", Err("route")),
            (Sync, Method::GET, "https://evil.test/v1/7%20b/teams/3/members", Err("route")),
        ];
        for (phase, method, url, expected) in table {
            assert_eq!(judge(phase, method.clone(), url), expected, "{phase:?} {method} {url}");
        }
    }

    #[test]
    fn a_default_grants_nothing_and_the_denial_says_what_to_write() {
        let policy = Policy::new(&sample(), &settings("https://api.demo.test", false), &Network::default());
        let target = Target::parse("https://api.demo.test/files/hr/people").expect("url");
        let denial = policy.expect("policy").judge(Phase::Sync, &Method::GET, &target).expect_err("denied");
        assert_eq!(denial.label, "origin");
        assert!(denial.help.iter().any(|l| l.contains("base-url = \"https://api.demo.test\"")), "{denial:?}");
    }

    #[test]
    fn plain_http_needs_the_port_to_be_opened() {
        let target = Target::parse("http://10.0.0.5:3000/files/hr/people").expect("url");
        let mut network = Network::default();
        let closed = Policy::new(&sample(), &settings("http://10.0.0.5:3000", true), &network).expect("policy");
        let denial = closed.judge(Phase::Sync, &Method::GET, &target).expect_err("denied");
        assert_eq!(denial.label, "plain-http");
        assert!(denial.help.iter().any(|l| l.contains("allow-private = [\"10.0.0.5:3000\"]")), "{denial:?}");
        network.allow_private.insert("10.0.0.5:3000".into());
        let open = Policy::new(&sample(), &settings("http://10.0.0.5:3000", true), &network).expect("policy");
        assert_eq!(open.judge(Phase::Sync, &Method::GET, &target), Ok(()));
    }
}
