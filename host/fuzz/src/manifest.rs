//! A manifest is a stranger's: whatever it says, it is refused or it is as the contract wants it.

use muster::egress::asked;
use muster::egress::credentials::Credentials;
use muster::egress::policy::{Network, Phase, Policy};
use muster::egress::target::{Origin, Target};
use muster::manifest::{Manifest, RouteUse, Scheme, SettingKind};
use muster::settings::{Secret, Settings, Value};
use muster::text::is_unsafe;
use std::collections::HashSet;

/// Bytes: a manifest as JSON.
pub fn any(data: &[u8]) {
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data) {
        is_refused_or_well_formed(&manifest);
        comes_to_a_policy_that_only_reads(&manifest, "a1");
    }
}

/// A manifest of nothing, to be filled.
pub fn empty() -> Manifest {
    Manifest {
        name: "demo".into(),
        version: "1.0.0".into(),
        display_name: "Demo".into(),
        summary: String::new(),
        documentation: None,
        resource_types: Vec::new(),
        settings: Vec::new(),
        routes: Vec::new(),
        credentials: Vec::new(),
        keeps_cookies: false,
        rate: None,
    }
}

/// What passes has slugs that stand once, known methods that fit their use, credentials that can be read, and no
/// invisible character where a program reads; what asks of the network also names origins and leaves the host's
/// headers alone.
pub fn is_refused_or_well_formed(manifest: &Manifest) {
    let checked = manifest.check(&manifest.name);
    let judged = asked::judge(manifest);
    if checked.is_err() {
        return;
    }
    each_is_a_slug_and_stands_once(manifest.resource_types.iter().map(|t| t.id.as_str()));
    each_is_a_slug_and_stands_once(manifest.settings.iter().map(|s| s.name.as_str()));
    for setting in &manifest.settings {
        assert!(setting.kind != SettingKind::Secret || setting.default.is_none(), "a secret with a default");
    }
    for route in &manifest.routes {
        assert!(route.path.starts_with('/') && !route.methods.is_empty(), "{route:?}");
        is_visible(&route.path);
        is_visible(&route.origin);
        for method in &route.methods {
            let fits = match (method.as_str(), route.usage) {
                ("GET" | "HEAD", _) => true,
                ("POST", RouteUse::Read) => false,
                ("POST", _) => true,
                ("PUT" | "PATCH" | "DELETE", usage) => usage == RouteUse::Write,
                _ => false,
            };
            assert!(fits, "{method} of {route:?}");
        }
    }
    for credential in &manifest.credentials {
        let scheme = Scheme::read(credential).unwrap_or_else(|why| panic!("{credential:?} passes: {why}"));
        [&credential.id, &credential.origin, &credential.scheme].into_iter().for_each(|text| is_visible(text));
        credential.parameters.iter().for_each(|(name, value)| [name, value].into_iter().for_each(|t| is_visible(t)));
        if judged.is_ok()
            && let Scheme::Header { name, .. } = scheme
        {
            let frames = ["host", "content-length", "transfer-encoding", "connection", "cookie", "te", "upgrade"];
            let name = name.to_ascii_lowercase().replace('_', "-");
            assert!(!frames.contains(&name.as_str()), "a credential frames requests: {name}");
        }
    }
    if judged.is_ok() {
        let origins = manifest.routes.iter().map(|r| &r.origin).chain(manifest.credentials.iter().map(|c| &c.origin));
        for origin in origins {
            let named = origin.strip_prefix('{').and_then(|o| o.strip_suffix('}'));
            let is_url = |name| manifest.setting(name).is_some_and(|s| s.kind == SettingKind::Url);
            assert!(named.map_or_else(|| Origin::parse(origin).is_ok(), is_url), "the origin {origin:?}");
        }
    }
}

fn each_is_a_slug_and_stands_once<'a>(names: impl Iterator<Item = &'a str>) {
    let mut seen = HashSet::new();
    for name in names {
        let rest = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(rest), "{name:?} is no slug");
        assert!(name.len() <= 64 && seen.insert(name), "{name:?} is too long or stands twice");
    }
}

fn is_visible(text: &str) {
    assert!(!text.chars().any(is_unsafe), "{text:?} is read by programs and not as it is shown");
}

/// With every setting given, a manifest that passes comes to a policy or to a sentence. Nobody having granted anything,
/// the policy lets nothing through; all being granted, it lets nothing through that writes while a connector syncs.
pub fn comes_to_a_policy_that_only_reads(manifest: &Manifest, value: &str) {
    let mut settings = Settings::default();
    for setting in &manifest.settings {
        let text = if setting.kind == SettingKind::Url { "https://a.test" } else { value };
        match setting.kind {
            SettingKind::Secret => drop(settings.secrets.insert(setting.name.clone(), Secret::new(text.into()))),
            _ => drop(settings.values.insert(setting.name.clone(), Value { text: text.into(), written: false })),
        }
    }
    if let Err(why) = Credentials::new(manifest, &settings) {
        assert!(!why.contains(value) || value.len() < 8, "a sentence tells a secret: {why}");
    }
    let closed = Policy::new(manifest, &settings, &Network::default());
    let Ok(closed) = closed else { return };
    assert!(closed.granted().is_empty(), "a default granted {:?}", closed.granted());
    let origins: Vec<Origin> = closed.asked().into_iter().cloned().collect();
    let allow_private = origins.iter().map(Origin::host_port).collect();
    let network = Network { origins: origins.clone(), allow_private, one_off: false };
    let open = Policy::new(manifest, &settings, &network).expect("it was built before");
    for (origin, route) in origins.iter().flat_map(|o| manifest.routes.iter().map(move |r| (o, r))) {
        let Ok(target) = Target::parse(&format!("{origin}{}", route.path.replace('*', "x"))) else { continue };
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"] {
            let method = method.parse().expect("a method");
            assert!(closed.judge(Phase::Apply, &method, &target).is_err(), "{method} {target:?} without a grant");
            let may_post = manifest.routes.iter().any(|r| matches!(r.usage, RouteUse::ReadByPost | RouteUse::Login));
            for phase in [Phase::Check, Phase::Sync] {
                let passes = open.judge(phase, &method, &target).is_ok();
                let reads = matches!(method.as_str(), "GET" | "HEAD") || (method == "POST" && may_post);
                assert!(!passes || reads, "{phase:?} {method} {target:?} of {route:?}");
            }
        }
    }
}
