//! Manifests: of parts that fit together more often than not.

use crate::{cases, words};
use muster::manifest::{Credential, Manifest, ResourceType, Route, RouteUse, Setting, SettingKind};
use muster::model::Kind;
use muster_fuzz::manifest;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

fn slug() -> BoxedStrategy<String> {
    words(&["a", "b", "base-url", "token", "account", "run-date"], "\\PC{0,8}")
}

fn template() -> BoxedStrategy<String> {
    words(&["{a}", "{token}", "Token {token}", "{totp:token}", "{b}:{a}", "{", "{}", "x"], "[{}a-b:\u{202e}]{0,8}")
}

fn origin() -> BoxedStrategy<String> {
    words(&["{base-url}", "{a}", "https://a.test", "http://a.test", "https://a.test/x", "http://0x7f.1"], "\\PC{0,12}")
}

fn a_manifest() -> impl Strategy<Value = Manifest> {
    let kind = prop_oneof![
        select(vec![SettingKind::Text, SettingKind::Secret, SettingKind::Url, SettingKind::Path, SettingKind::Number]),
        vec("[a-z]{0,3}", 0..3).prop_map(SettingKind::Choice),
    ];
    let default = option::weighted(0.2, words(&["x", "https://a.test"], "\\PC{0,4}"));
    let pattern = option::weighted(0.2, words(&["[a-z]+", "(", "a{1000}{1000}"], "\\PC{0,6}"));
    let setting = (slug(), kind, default, pattern).prop_map(|(name, kind, default, pattern)| Setting {
        label: name.clone(),
        help: String::new(),
        required: default.is_none(),
        name,
        kind,
        default,
        pattern,
    });
    // One that the other parts speak of is there more often than not.
    let usual = [("base-url", SettingKind::Url), ("token", SettingKind::Secret), ("a", SettingKind::Text)];
    let usual = usual.map(|(name, kind)| Setting {
        name: name.into(),
        label: String::new(),
        help: String::new(),
        kind,
        required: true,
        default: None,
        pattern: None,
    });
    let settings = (any::<[bool; 3]>(), vec(setting, 0..2)).prop_map(move |(keep, more)| {
        let kept = usual.iter().zip(keep).filter(|(s, keep)| *keep || s.name != "a").map(|(s, _)| s.clone());
        kept.chain(more).collect::<Vec<Setting>>()
    });
    let method = words(&["GET", "HEAD", "POST", "GET", "DELETE", "PUT"], "[A-Za-z ]{0,6}");
    let path = words(&["/", "/a/*", "/{a}/b", "/login", "/{token}", "/{a/b}", "x", "/%2e"], "/[a-z*{}/\u{202e}]{0,8}");
    let usage = select(vec![RouteUse::Read, RouteUse::ReadByPost, RouteUse::Login, RouteUse::Write]);
    let route = (origin(), vec(method, 0..3), path.clone(), usage).prop_map(|(origin, methods, path, usage)| Route {
        origin,
        methods,
        path,
        usage,
    });
    let login = Route {
        origin: "{base-url}".into(),
        methods: vec!["POST".into()],
        path: "/login".into(),
        usage: RouteUse::Login,
    };
    let routes = (any::<bool>(), vec(route, 0..3)).prop_map(move |(keep, mut routes)| {
        routes.extend(keep.then(|| login.clone()));
        routes
    });
    let header = words(&["x-token", "Authorization", "Host", "Transfer_Encoding", "cookie"], "\\PC{0,6}");
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let scheme = Union::new([
        (header, template()).prop_map(move |(n, t)| ("header", vec![pair("name", n), pair("template", t)])).boxed(),
        template().prop_map(move |t| ("bearer", vec![pair("template", t)])).boxed(),
        (template(), template()).prop_map(move |(u, p)| ("basic", vec![pair("user", u), pair("password", p)])).boxed(),
        (path, template()).prop_map(move |(p, t)| ("form", vec![pair("path", p), pair("field:x", t)])).boxed(),
        vec(("[a-z]{0,4}", template()), 0..3).prop_map(|parameters| ("query", parameters)).boxed(),
    ]);
    let credential = (slug(), origin(), scheme).prop_map(|(id, origin, (scheme, parameters))| Credential {
        id,
        origin,
        scheme: scheme.to_owned(),
        parameters,
    });
    let types = vec((slug(), "\\PC{0,4}"), 0..3).prop_map(|types| {
        let all = types.into_iter();
        all.map(|(id, display_name)| ResourceType { id, display_name, description: String::new(), kind: Kind::User })
            .collect::<Vec<ResourceType>>()
    });
    (settings, routes, vec(credential, 0..2), types).prop_map(|(settings, routes, credentials, resource_types)| {
        Manifest { settings, routes, credentials, resource_types, ..manifest::empty() }
    })
}

proptest! {
    #![proptest_config(cases(2048))]

    // Seen red with: settings that stand twice, POST on a read route, and credentials named `host`.
    #[test]
    fn a_manifest_is_refused_or_well_formed(given in a_manifest()) {
        manifest::is_refused_or_well_formed(&given);
    }

    // Seen red with: a default that grants, and any method on read routes.
    #[test]
    fn a_manifest_grants_itself_nothing_and_writes_nothing(given in a_manifest(), value in "\\PC{0,12}") {
        manifest::comes_to_a_policy_that_only_reads(&given, &value);
    }
}
