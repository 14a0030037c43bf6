//! A manifest for tests.

use super::types::{Credential, Manifest, ResourceType, Route, RouteUse, Setting, SettingKind};
use crate::model::Kind;

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
