//! The rules of the contract that a manifest has to keep, checked once when it is read: after that it can be
//! trusted to be well-formed, though never to be honest.

use super::scheme::Scheme;
use super::types::{Credential, Manifest, ManifestError, Route, RouteUse, SettingKind};
use crate::model::is_slug;
use crate::template::{Part, Template};
use crate::text::shorten;
use std::collections::HashSet;

/// Rows of a manifest's lists, each: a bound on what is stored and shown, far above any real vendor.
const ROWS: usize = 256;
/// Bytes of one text of a manifest.
const TEXT_BYTES: usize = 4096;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl Manifest {
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
                shorten(&self.name, 64)
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
            if let Some(bad) = self.bad_template(&r.path).or_else(|| self.bad_origin(&r.origin)) {
                return Some(format!("{shown}: {bad}"));
            }
        }
        None
    }

    fn broken_credential(&self) -> Option<String> {
        self.credentials.iter().find_map(|c| {
            let broken = match Scheme::read(c) {
                Err(why) => Some(why),
                Ok(scheme) => self.bad_origin(&c.origin).or_else(|| self.broken_scheme(c, &scheme)),
            };
            broken.map(|why| format!("the credential {}: {why}", shorten(&c.id, 64)))
        })
    }

    fn broken_scheme(&self, credential: &Credential, scheme: &Scheme) -> Option<String> {
        for part in scheme.templates().iter().flat_map(|t| t.parts()) {
            let (name, kind) = match part {
                Part::Text(_) => continue,
                Part::Setting(name) => (name, None),
                Part::Totp(name) => (name, Some(SettingKind::Secret)),
            };
            let Some(setting) = self.setting(name) else { return Some(format!("{{{name}}} is none of its settings")) };
            if kind.is_some_and(|kind| setting.kind != kind) {
                return Some(format!("{{totp:{name}}} is no secret"));
            }
        }
        let Scheme::Form { path, .. } = scheme else {
            // A code that is attached to every request would be sent twice within its 30 seconds.
            let codes = scheme.templates().iter().any(|t| t.parts().iter().any(|p| matches!(p, Part::Totp(_))));
            return codes.then(|| format!("the scheme {} takes no {{totp:…}}; only form does", credential.scheme));
        };
        let login = |r: &Route| {
            r.usage == RouteUse::Login
                && r.origin == credential.origin
                && r.path == *path
                && r.methods.iter().any(|m| m == "POST")
        };
        match self.routes.iter().any(login) {
            true => None,
            false => Some(format!("its form {path} is no route of the use login with the method POST")),
        }
    }

    /// What is wrong with a template of settings.
    fn bad_template(&self, text: &str) -> Option<String> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(why) => return Some(why),
        };
        template.parts().iter().find_map(|part| match part {
            Part::Text(_) => None,
            Part::Totp(name) => Some(format!("{{totp:{name}}} stands in a path")),
            Part::Setting(name) => self.setting(name).is_none().then(|| format!("{{{name}}} is none of its settings")),
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

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
