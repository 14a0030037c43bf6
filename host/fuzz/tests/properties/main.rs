//! The properties of `muster_fuzz`, with values made for the purpose: near what is right, and near what is wrong.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test panics where it fails"
)]

use muster::egress::decode::Encoding;
use muster::egress::policy::Phase;
use muster::manifest::{Route, RouteUse};
use muster_fuzz::{address, config, decode, form, mask, url};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

mod manifests;

/// So many values for a property; nothing is written down between runs.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() }
}

/// One of these words, or, seldom, what the pattern makes.
fn words(words: &[&'static str], pattern: &'static str) -> BoxedStrategy<String> {
    prop_oneof![4 => select(words.to_vec()).prop_map(str::to_owned), 1 => pattern.prop_map(|t: String| t)].boxed()
}

// --- URLs and policy ------------------------------------------------------------------------------------------------

fn an_url() -> BoxedStrategy<String> {
    let scheme = words(&["https://", "http://", "https://", "HTTPS://", "https:/", "ftp://"], "[a-z]{1,5}:/{0,3}");
    let host = words(
        &[
            "a.test",
            "A.Test",
            "b.test",
            "127.0.0.1",
            "0x7f.1",
            "127.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "bücher.test",
            "xn--bcher-kva.test",
            "a.test.",
            "a.test@b.test",
            "a%2etest",
            "a\u{ad}.test",
            "a。test",
            "a_b.test",
            "0300.1",
        ],
        "[a-zA-Z0-9.\\-_%\\[\\]:@\\\\ \u{e9}\u{3002}]{0,12}",
    );
    let port = words(&["", "", "", ":443", ":80", ":8443", ":0", ":", ":+1", ":65536", ":00443"], ":[0-9]{0,6}");
    let segment = words(
        &[
            "a",
            "b",
            "c",
            "x y",
            "",
            ".",
            "..",
            "%2e",
            "%2E%2e",
            "a%2fb",
            "..;x",
            "%252e",
            "a%5c",
            "%c0%ae",
            "é",
            "a;b",
            "%252fa",
            "%255c",
            "%252f%25",
            "%252e%252e;a",
        ],
        "[a-c.%;/\\\\25eEfFcC\u{0}-\u{20}\u{7f}é+]{0,8}",
    );
    let path = vec(segment, 0..5).prop_map(|s| s.iter().map(|s| format!("/{s}")).collect::<String>());
    let rest = words(&["", "", "", "?", "?x=1&y", "#f", "?a#b"], "[?#]\\PC{0,8}");
    (scheme, host, port, path, rest).prop_map(|(s, h, p, path, r)| format!("{s}{h}{p}{path}{r}")).boxed()
}

fn a_route() -> impl Strategy<Value = Route> {
    let origin = select(vec!["https://a.test", "http://a.test", "https://b.test", "https://a.test:8443"]);
    let path = select(vec!["/", "/a", "/a/*", "/*/b", "/a/b/c", "/*", "/x y"]);
    let usage = select(vec![RouteUse::Read, RouteUse::ReadByPost, RouteUse::Login, RouteUse::Write]);
    let methods = vec(select(vec!["GET", "HEAD", "POST", "PUT", "DELETE"]), 1..4);
    (origin, methods, path, usage).prop_map(|(origin, methods, path, usage)| Route {
        origin: origin.to_owned(),
        methods: methods.into_iter().map(str::to_owned).collect(),
        path: path.to_owned(),
        usage,
    })
}

proptest! {
    #![proptest_config(cases(4096))]

    // Seen red with: `canonical != lower` unchecked, and with both checks for an encoded slash gone.
    #[test]
    fn an_url_has_one_reading(text in an_url()) {
        url::one_reading(&text);
    }

    #[test]
    fn any_text_has_one_reading_or_none(text in "(https?://)?\\PC{0,40}") {
        url::one_reading(&text);
    }

    // Seen red with: `granted.contains` unchecked, plain http unchecked, and any method on read routes.
    #[test]
    fn the_policy_lets_only_through_what_was_granted(
        routes in vec(a_route(), 1..5),
        granted in vec(select(vec!["https://a.test", "http://a.test", "https://b.test"]), 0..3),
        opened in vec(select(vec!["a.test:80", "b.test:80", "a.test:443"]), 0..2),
        phase in select(vec![Phase::Check, Phase::Sync, Phase::Apply]),
        method in select(vec!["GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "get"]),
        (origin, path) in (
            select(vec!["https://a.test", "http://a.test", "https://b.test", "https://a.test:443", "HTTPS://A.test"]),
            select(vec!["", "/", "/a", "/a/b", "/a/b/c", "/x/b", "/a/", "/x%20y", "/%61/b?q", "/a//c"]),
        ),
    ) {
        let method = method.parse().unwrap();
        url::only_what_was_granted(&routes, &granted, &opened, phase, &method, &format!("{origin}{path}"));
    }
}

// --- Addresses ------------------------------------------------------------------------------------------------------

/// Addresses about the borders of what is forbidden, and any.
fn a_v4() -> impl Strategy<Value = [u8; 4]> {
    let first = prop_oneof![select(vec![0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 223, 224, 255]), any::<u8>()];
    let second = prop_oneof![select(vec![0, 16, 18, 31, 51, 52, 63, 64, 88, 100, 127, 128, 168, 254]), any::<u8>()];
    let third = prop_oneof![select(vec![0, 2, 99, 100, 113, 129, 169, 193, 196]), any::<u8>()];
    let whole = select(vec![[169, 254, 169, 254], [100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]]);
    let made = (first, second, third, any::<u8>()).prop_map(|(a, b, c, d)| [a, b, c, d]);
    prop_oneof![1 => whole, 6 => made]
}

proptest! {
    #![proptest_config(cases(1024))]

    // Seen red with: 6to4 read at its end, and Teredo not inverted.
    #[test]
    fn every_embedding_of_a_forbidden_address_is_forbidden(v4 in a_v4(), around: u128) {
        address::embedded(v4.into(), around);
    }

    #[test]
    fn so_is_every_embedding_in_a_short_prefix_of_nat64(v4 in a_v4(), around: u128) {
        address::embedded_at_the_front(v4.into(), around);
    }

    // Seen red with: 172.16.0.0/12 as /13.
    #[test]
    fn what_the_library_calls_special_is_forbidden(v4 in a_v4(), v6: u128, head in select(vec![0u128, 0xfc00, 0xfe80, 0xff00])) {
        let with_head = (v6 >> 10) | head << 112;
        for ip in [std::net::Ipv6Addr::from_bits(v6), std::net::Ipv6Addr::from_bits(with_head)] {
            address::what_the_library_calls_special(ip.into());
            address::outside_of_global_unicast(ip);
        }
        address::what_the_library_calls_special(std::net::Ipv4Addr::from(v4).into());
    }
}

// --- Masking --------------------------------------------------------------------------------------------------------

/// Short ones of few letters, which overlap, and ones of the letters that forms spell differently.
fn a_secret() -> BoxedStrategy<String> {
    prop_oneof!["[ab]{4,6}", "[a-c&<>\"'+/ é\\\\%~_=-]{4,12}", "[^*]{4,10}", "[A-Za-z0-9]{16,24}",].boxed()
}

/// Secrets, and a body of noise, of their forms, and of forms that break off.
fn an_echo() -> impl Strategy<Value = (Vec<String>, Vec<u8>)> {
    let piece = (0..4u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[ab+%&\\\\é]{0,6}");
    (vec(a_secret(), 1..3), vec(piece, 0..8)).prop_map(|(secrets, pieces)| {
        let forms: Vec<String> = secrets.iter().flat_map(|s| mask::forms(s)).map(|(_, form)| form).collect();
        let mut body = Vec::new();
        for (kind, which, cut, noise) in pieces {
            let form = forms[which.index(forms.len())].as_bytes();
            match kind {
                0 => body.extend_from_slice(&form[..cut.index(form.len())]),
                1 => body.extend_from_slice(noise.as_bytes()),
                _ => body.extend_from_slice(form),
            }
        }
        (secrets, body)
    })
}

proptest! {
    #![proptest_config(cases(512))]

    // Seen red with: `advance` one byte too far, and without `&#43;`.
    #[test]
    fn no_form_of_a_secret_survives_any_cutting((secrets, body) in an_echo(), cuts in vec(1..20usize, 1..8)) {
        mask::nothing_survives(&secrets, &body, &cuts);
    }

    #[test]
    fn what_holds_no_secret_is_as_it_was(secret in a_secret(), body: Vec<u8>, cuts in vec(0..20usize, 1..4)) {
        mask::nothing_survives(&[secret], &body, &cuts);
    }

    // Seen red with: the shortest form first.
    #[test]
    fn a_secret_that_begins_another_leaves_nothing_of_it(first in a_secret(), more in "\\PC{0,6}") {
        let more = more.replace('*', "");
        mask::each_form_is_replaced_whole(&[first.clone(), format!("{first}{more}"), format!("{more}{first}")]);
    }

    #[test]
    fn a_masker_that_grew_knows_all((first, body) in an_echo(), (second, more) in an_echo()) {
        mask::grows(&first, &second, &[body, more].concat());
    }

    #[test]
    fn base64_around_a_secret_tells_nothing_of_it(secret in a_secret(), before: Vec<u8>, after: Vec<u8>) {
        mask::base64_around(&secret, &before, &after);
    }

    // Seen red with: no pair in `derived`.
    #[test]
    fn the_pair_of_basic_is_masked_like_its_password(user in "[a-zé]{1,6}", password in a_secret(), before: Vec<u8>) {
        if let Some(derived) = form::basic(&user, &password) {
            mask::base64_around(&derived, &before, b"");
            mask::nothing_survives(&[password, derived.clone()], derived.as_bytes(), &[3]);
        }
    }
}

// --- Forms, queries, headers ----------------------------------------------------------------------------------------

const OWNED: [&str; 5] = ["password", "user[password]", "Code", "api_key", "ключ"];

/// Pairs of a guest that knows the name of the field and how servers read it.
fn pollution() -> BoxedStrategy<String> {
    let name = words(
        &[
            "password",
            "PassWord",
            "user[password]",
            "user%5bpassword]",
            "user[password][]",
            "code",
            "Code[0]",
            "+code",
            "%20Code",
            "Code%00x",
            "%43ode",
            "c%6fde",
            "api_key",
            "api-key",
            "API_KEY",
            "api_key[]",
            "api_key%00",
            "codex",
        ],
        "[a-z\\[\\]%0-9+;=\u{e9}]{0,8}",
    );
    let value = words(&["mine", "", "a=b", "1;code=2", "x;api_key=1"], "[a-z%;=+]{0,6}");
    vec((name, value, select(vec!["&", "&&", ";", ""])), 0..5)
        .prop_map(|pairs| pairs.iter().map(|(n, v, end)| format!("{n}={v}{end}")).collect::<String>())
        .boxed()
}

proptest! {
    #![proptest_config(cases(1024))]

    // Seen red with: case told apart in `is_same`.
    #[test]
    fn the_field_of_a_form_is_the_hosts(owned in select(OWNED.to_vec()), secret in "\\PC{1,12}", guest in pollution()) {
        form::the_form_is_the_hosts(owned, &secret, guest.as_bytes());
    }

    #[test]
    fn bytes_of_a_form_leave_its_field_the_hosts(owned in select(OWNED.to_vec()), guest: Vec<u8>) {
        form::the_form_is_the_hosts(owned, "s3cret", &guest);
    }

    // Seen red with: case told apart in `query`.
    #[test]
    fn the_parameter_of_a_query_is_the_hosts(owned in select(OWNED.to_vec()), secret in "\\PC{1,12}", guest in pollution()) {
        form::the_query_is_the_hosts(owned, &secret, &guest);
    }

    #[test]
    fn the_parameter_is_the_hosts_to_lenient_servers_too(owned in select(OWNED.to_vec()), guest in pollution()) {
        form::the_query_is_the_hosts_to_lenient_servers(owned, "s3cret", &guest);
    }

    // Seen red with: `_` and `-` told apart in `same_header`, and in `folded`.
    #[test]
    fn the_header_of_a_credential_is_the_hosts(
        owned in select(vec!["x-token", "authorization", "api_access_token", "X-Api_Key"]),
        guest in words(
            &["X_Token", "x-token", "Authorization", "api-access-token", "x_api_key", "Content_Length", "te", "host"],
            "[a-zA-Z_-]{1,12}",
        ),
    ) {
        form::header_is_the_hosts(owned, guest.as_bytes());
    }

    #[test]
    fn what_is_sent_of_a_secret_is_masked(owned in select(OWNED.to_vec()), secret in a_secret()) {
        form::what_is_sent_is_masked(owned, &secret);
    }
}

// --- muster.toml ----------------------------------------------------------------------------------------------------

const WHOLE: &str = r#"
connectors = "connectors"
store = "muster.db"
[[connection]]
name = "support"
connector = "chatwoot"
[connection.settings]
chatwoot-account-id = 1
[connection.network]
origins = ["https://a.test"]
[connection.limits]
records = 600
[connection.run]
max-wait = "15m"
"#;

fn a_value() -> BoxedStrategy<String> {
    let number =
        prop_oneof![-2..70i64, select(vec![0, 1, 64, 65, 4 << 30, (4 << 30) + 1, 1_000_000_001, i64::MAX, i64::MIN])];
    let quoted = words(
        &["\"64 MiB\"", "\"5m\"", "\"8 GiB\"", "\"99999999999999999999s\"", "\"101%\"", "\"30%\"", "{ x = 1 }", "true"],
        "\"[a-zA-Z0-9 %.:/-]{0,10}\"",
    );
    prop_oneof![number.prop_map(|n| n.to_string()), quoted, Just("\"a\\u0007\\nb\"".to_owned())].boxed()
}

/// A file with a line or two of its own: of known keys, in any table, with any value.
fn a_file() -> impl Strategy<Value = String> {
    let names: Vec<&str> = muster::limits::SPECS.iter().map(|s| s.name).collect();
    let other = words(&["at-once", "max-removals", "allow-private", "ca-file", "name", "store"], "[a-z-]{1,6}");
    let odd = Just("\"a\\u0007\\nb\"".to_owned());
    let line = prop_oneof![
        3 => (Just("limits"), select(names).prop_map(str::to_owned)),
        2 => (Just("run"), words(&["at-once", "at-once", "max-removals"], "[a-z-]{1,6}")),
        2 => (select(vec!["limits", "run", "network", "settings"]), prop_oneof![4 => other, 1 => odd]),
    ];
    vec((line, a_value()), 0..3).prop_map(|lines| {
        lines.iter().fold(WHOLE.to_owned(), |text, ((table, key), value)| {
            let head = format!("[connection.{table}]\n");
            text.replacen(&head, &format!("{head}{key} = {value}\n"), 1)
        })
    })
}

proptest! {
    #![proptest_config(cases(1024))]

    // Seen red with: limits from 0, and unknown keys of `[connection.network]`.
    #[test]
    fn a_file_is_refused_or_understood(text in a_file()) {
        config::is_refused_or_understood(&text);
    }

    #[test]
    fn any_text_is_refused_or_understood(text in "(\\[\\[?(connection)?(\\.[a-z]{1,8})?\\]?\\]?\n|[a-z-]{0,9} ?= ?\\PC{0,9}\n|\\PC){0,6}") {
        config::is_refused_or_understood(&text);
    }

    // Seen red with: `deny_unknown_fields` gone from `RawNetwork`.
    #[test]
    fn an_unknown_key_is_an_error_in_every_table(
        table in select(vec!["", "connection.network", "connection.limits", "connection.run"]),
        key in words(&["conectors", "record", "orgins", "a\nb", "\u{1b}[2J", "\u{202e}"], "\\PC{0,10}"),
    ) {
        config::an_unknown_key_is_an_error(WHOLE, table, &key);
    }
}

// --- Compressed bodies ----------------------------------------------------------------------------------------------

fn packed() -> impl Strategy<Value = Encoding> {
    select(vec![Encoding::Gzip, Encoding::Zstd])
}

fn a_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..600), (any::<u8>(), 0..200_000usize).prop_map(|(byte, times)| vec![byte; times])]
}

proptest! {
    #![proptest_config(cases(256))]

    // Seen red with: `GzDecoder` for `MultiGzDecoder`, and pieces twice as long.
    #[test]
    fn a_body_packed_in_parts_comes_back_whole(encoding in packed(), parts in vec(a_body(), 1..3)) {
        decode::comes_back_whole(encoding, &parts);
    }

    #[test]
    fn half_a_body_is_never_taken_for_a_whole_one(encoding in packed(), body in a_body(), cut: u16) {
        decode::is_never_half(encoding, &body, cut);
    }

    #[test]
    fn what_is_broken_never_panics(encoding in packed(), body in a_body(), at: prop::sample::Index, with: [u8; 6]) {
        decode::broken(encoding, &body, at.index(1 << 16), &with);
    }
}
