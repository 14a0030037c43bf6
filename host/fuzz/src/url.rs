//! One reader of an URL is every reader of it, and the policy lets nothing through that was not granted.

use crate::spelling::unpercent;
use http::{Method, Uri};
use muster::egress::policy::{Network, Phase, Policy};
use muster::egress::target::{Origin, Target};
use muster::manifest::{Manifest, Route, RouteUse};
use muster::settings::Settings;
use url::{Host, Url};

/// Bytes: an URL, asked for with every method while a fixed policy holds.
pub fn any(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    one_reading(text);
    let route = |origin: &str, methods: &str, path: &str, usage| Route {
        origin: origin.to_owned(),
        methods: methods.split(' ').map(str::to_owned).collect(),
        path: path.to_owned(),
        usage,
    };
    let routes = [
        route("https://a.test", "GET HEAD POST DELETE", "/a/*", RouteUse::Read),
        route("https://a.test", "GET POST", "/b", RouteUse::ReadByPost),
        route("http://a.test", "GET PUT", "/b/*/c", RouteUse::Write),
        route("https://b.test", "GET", "/a/*", RouteUse::Read),
    ];
    for method in [Method::GET, Method::POST, Method::DELETE] {
        only_what_was_granted(&routes, &["https://a.test", "http://a.test"], &[], Phase::Sync, &method, text);
    }
}

/// An URL that is taken has one spelling, and `url` (which browsers agree with) and `http` (which sends it) read the
/// same host, port and path in it.
pub fn one_reading(text: &str) {
    let Ok(target) = Target::parse(text) else { return };
    let Target { origin, path, segments, query } = &target;
    assert!(!origin.host.is_empty() && origin.port > 0, "{text:?} leads nowhere");
    assert!(origin.host.is_ascii() && origin.host == origin.host.to_ascii_lowercase(), "{text:?}: {}", origin.host);
    let spelled = text.to_ascii_lowercase().contains(&format!("://{}", origin.host));
    assert!(spelled || !text.is_ascii(), "{text:?} spells {} in an odd way", origin.host);
    let mark = if query.is_some() { "?" } else { "" };
    let written = format!("{origin}{path}{mark}{}", query.as_deref().unwrap_or_default());
    assert_eq!(Target::parse(&written).as_ref(), Ok(&target), "{text:?} is written {written:?}");
    assert_eq!(Origin::parse(&origin.to_string()).as_ref(), Ok(origin), "{text:?}: its origin is none");

    for text in [text, &written] {
        let read = Url::parse(text).unwrap_or_else(|e| panic!("{text:?} is no URL to others: {e}"));
        assert_eq!(read.scheme() == "https", origin.https, "{text:?}: scheme");
        assert!(read.host().is_some_and(|host| is_host(&host, &origin.host)), "{text:?}: host {:?}", read.host());
        assert_eq!(read.port_or_known_default(), Some(origin.port), "{text:?}: port");
        assert!(read.username().is_empty() && read.password().is_none(), "{text:?}: a user");
    }
    if let Ok(sent) = written.parse::<Uri>() {
        let port = sent.port_u16().unwrap_or(if origin.https { 443 } else { 80 });
        assert_eq!((sent.host(), port), (Some(origin.host.as_str()), origin.port), "{written:?}: sent elsewhere");
        assert_eq!(
            (sent.path(), sent.query()),
            (path.as_str(), query.as_deref()),
            "{written:?}: sent for another path"
        );
        // What can be sent, others read segment by segment as the policy did.
        let read = Url::parse(&written).expect("read before");
        let theirs: Vec<Vec<u8>> = read.path_segments().into_iter().flatten().map(unpercent).collect();
        assert_eq!(&theirs, segments, "{written:?}: segments");
    }
    for segment in segments {
        let shown = std::str::from_utf8(segment).unwrap_or_else(|_| panic!("{text:?}: {segment:?} is no text"));
        assert!(is_one_segment(segment), "{text:?}: {shown:?}");
        assert!(is_one_segment(&unpercent(shown)), "{text:?}: {shown:?} decoded twice");
    }
}

/// Whether no server reads anything else than one segment: `;` begins a parameter to some.
fn is_one_segment(segment: &[u8]) -> bool {
    let name = segment.split(|b| *b == b';').next().unwrap_or_default();
    !segment.iter().any(|b| matches!(b, b'/' | b'\\' | 0..0x20)) && name != b"." && name != b".."
}

/// Whether both mean the same host: an address that holds another may be spelled in two ways.
fn is_host(theirs: &Host<&str>, ours: &str) -> bool {
    match theirs {
        Host::Domain(name) => *name == ours,
        Host::Ipv4(ip) => ip.to_string() == ours,
        Host::Ipv6(ip) => ours.trim_matches(['[', ']']).parse() == Ok(*ip),
    }
}

/// What the policy lets through goes to an origin that was granted, encrypted unless that was opened, fits a route as
/// the `url` crate reads it, and only reads while a connector checks or syncs.
pub fn only_what_was_granted(
    routes: &[Route],
    granted: &[&str],
    opened: &[&str],
    phase: Phase,
    method: &Method,
    text: &str,
) {
    let (Ok(target), Ok(read)) = (Target::parse(text), Url::parse(text)) else { return };
    let mut network = Network::default();
    network.origins.extend(granted.iter().map(|o| Origin::parse(o).expect("an origin")));
    network.allow_private.extend(opened.iter().map(|o| (*o).to_owned()));
    let manifest = Manifest { routes: routes.to_vec(), ..crate::manifest::empty() };
    let Ok(policy) = Policy::new(&manifest, &Settings::default(), &network) else { return };
    if policy.judge(phase, method, &target).is_err() {
        return;
    }
    let what = format!("{phase:?} {method} {text:?} on {routes:?}");
    let same = |origin: &str| Url::parse(origin).is_ok_and(|o| o.origin() == read.origin());
    assert!(granted.iter().any(|o| same(o)), "not granted: {what}");
    let port = read.port_or_known_default().unwrap_or_default();
    let host_port = format!("{}:{port}", read.host_str().unwrap_or_default());
    assert!(read.scheme() == "https" || opened.contains(&host_port.as_str()), "in the clear: {what}");

    let segments: Vec<Vec<u8>> = read.path_segments().into_iter().flatten().map(unpercent).collect();
    let fits = |route: &&Route| {
        let pattern: Vec<&str> = route.path.split('/').skip(1).collect();
        let pairs = || pattern.iter().zip(&segments);
        same(&route.origin)
            && pattern.len() == segments.len()
            && pairs().all(|(p, s)| if *p == "*" { !s.is_empty() } else { p.as_bytes() == s })
    };
    let named = |route: &Route| route.methods.iter().any(|m| m == method.as_str());
    let reads = *method == Method::GET || *method == Method::HEAD;
    let allowed = |route: &Route| match route.usage {
        RouteUse::Read => reads,
        RouteUse::ReadByPost | RouteUse::Login => reads || *method == Method::POST,
        RouteUse::Write => phase == Phase::Apply,
    };
    assert!(routes.iter().filter(fits).any(|r| named(r) && allowed(r)), "no route: {what}");
}
