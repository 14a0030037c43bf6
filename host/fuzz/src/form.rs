//! A field that a credential owns reaches the vendor once, filled by the host, however the guest spells its own.

use crate::spelling::unpercent;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use muster::egress::credentials::Credentials;
use muster::egress::headers;
use muster::egress::mask::Masker;
use muster::egress::target::{Origin, Target};
use muster::manifest::{Credential, Manifest};
use muster::settings::{Secret, Settings};
use std::collections::BTreeMap;

/// Where the credentials of these properties belong.
pub const ORIGIN: &str = "https://a.test";

/// Bytes: what a guest writes into a form, a query and the name of a header.
pub fn any(data: &[u8]) {
    for owned in ["user[password]", "Code", "api_key"] {
        the_form_is_the_hosts(owned, "s3cret!", data);
        header_is_the_hosts(owned, data);
        let Ok(text) = std::str::from_utf8(data) else { continue };
        the_query_is_the_hosts(owned, "s3cret!", text);
        what_is_sent_is_masked(owned, text);
    }
}

/// A form's body holds the field once, with the secret in it, and of the guest's other fields each as it was.
pub fn the_form_is_the_hosts(owned: &str, secret: &str, guest: &[u8]) {
    let Some(sent) = form(owned, secret, guest) else { return };
    let sent = String::from_utf8(sent).expect("a form is ASCII");
    assert!(sent.is_ascii(), "{sent:?}");
    let fields = read(&sent);
    let (mine, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(name, _)| reads_as(name, owned));
    assert_eq!(mine, [(owned.to_owned(), secret.to_owned())], "{owned:?} in {sent:?}");
    let expected: Vec<_> =
        url::form_urlencoded::parse(guest).into_owned().filter(|(n, _)| !reads_as(n, owned)).collect();
    assert_eq!(others, expected, "the guest's own fields in {sent:?}");
    // A semicolon that some servers take for a separator begins no field.
    assert!(!sent.contains(';'), "{sent:?}");
}

/// A query holds the parameter once, last, with the secret in it; the guest's others stand byte for byte.
pub fn the_query_is_the_hosts(owned: &str, secret: &str, guest: &str) {
    let Some((given, sent)) = query(owned, secret, guest) else { return };
    let (before, own) = match sent.rsplit_once('&') {
        Some((before, own)) => (Some(before), own),
        None => (None, sent.as_str()),
    };
    assert_eq!(read(own), [(owned.to_owned(), secret.to_owned())], "the host's own part of {sent:?}");
    let before = before.unwrap_or_default();
    for pair in before.split(['&', ';']) {
        let (name, _) = read(pair).pop().unwrap_or_default();
        assert!(!name.eq_ignore_ascii_case(owned), "{pair:?} stands before the host's in {sent:?}");
    }
    let given: Vec<&str> = given.split('&').collect();
    assert!(before.is_empty() || before.split('&').all(|pair| given.contains(&pair)), "{before:?} of {given:?}");
}

/// The same for a server that trims names, cuts them at a NUL or takes brackets for an index: what is not left of a form
/// is not left of a query.
pub fn the_query_is_the_hosts_to_lenient_servers(owned: &str, secret: &str, guest: &str) {
    let Some((_, sent)) = query(owned, secret, guest) else { return };
    let mine: Vec<_> = read(&sent.replace(';', "&")).into_iter().filter(|(name, _)| reads_as(name, owned)).collect();
    assert_eq!(mine, [(owned.to_owned(), secret.to_owned())], "{owned:?} in {sent:?}");
}

/// A header that a credential owns is sent once, with the secret in it, whatever header the guest sets; and no guest
/// sets a header that frames the request.
pub fn header_is_the_hosts(owned: &str, guest: &[u8]) {
    let (Ok(owned), Ok(guest)) = (HeaderName::from_bytes(owned.as_bytes()), HeaderName::from_bytes(guest)) else {
        return;
    };
    let credentials = credentials("header", &[("name", owned.as_str()), ("template", "{s}")], "s3cret");
    let (Some(credentials), Ok(origin)) = (credentials, Origin::parse(ORIGIN)) else { return };
    let mut given = HeaderMap::new();
    given.append(&guest, HeaderValue::from_static("mine"));
    let Ok(mut sent) = headers::outgoing(&given, &origin, &credentials) else { return };
    credentials.attach(&origin, &mut sent);
    // CGI and what descends from it make one letter of all that is no letter.
    let folded = |name: &HeaderName| name.as_str().replace('_', "-");
    let mine: Vec<&HeaderValue> = sent.iter().filter(|(n, _)| folded(n) == folded(&owned)).map(|(_, v)| v).collect();
    assert_eq!(mine, ["s3cret"], "{owned} beside {guest}");
    for (name, value) in &sent {
        let frames = ["host", "content-length", "transfer-encoding", "connection", "authorization", "cookie", "te"];
        assert!(value != "mine" || !frames.contains(&folded(name).as_str()), "the guest set {name}");
    }
}

/// What the host itself writes of a secret into a query or a form is masked when the vendor sends it back.
pub fn what_is_sent_is_masked(owned: &str, secret: &str) {
    let masker = Masker::new(&[Secret::new(secret.to_owned())]);
    let sent = [form(owned, secret, b""), query(owned, secret, "").map(|(_, sent)| sent.into_bytes())];
    for sent in sent.into_iter().flatten().filter(|_| secret.len() >= 4) {
        let sent = String::from_utf8(sent).expect("ASCII");
        let value = sent.rsplit_once('=').map(|(_, value)| value.to_owned()).expect("name=value");
        assert!(masker.finds(value.as_bytes()), "the vendor sends {value:?} back, and the guest reads {secret:?}");
    }
}

/// What the host also has to mask of a user and a password: the pair, where it can be sent.
pub fn basic(user: &str, password: &str) -> Option<String> {
    let credentials = credentials("basic", &[("user", user), ("password", "{s}")], password)?;
    let pair = format!("{user}:{password}");
    let derived: Vec<&str> = credentials.derived().iter().map(Secret::expose).collect();
    assert_eq!(derived, [pair.as_str()], "what is to be masked beside the password");
    Some(pair)
}

fn form(owned: &str, secret: &str, guest: &[u8]) -> Option<Vec<u8>> {
    let credentials = credentials("form", &[("path", "/login"), (&format!("field:{owned}"), "{s}")], secret)?;
    let target = Target::parse(&format!("{ORIGIN}/login")).expect("an URL");
    let form = credentials.form(&Method::POST, &target).expect("the form is posted there");
    Some(credentials.body(form, guest, &BTreeMap::new()).to_vec())
}

/// The guest's query as the host reads it, and what is sent.
fn query(owned: &str, secret: &str, guest: &str) -> Option<(String, String)> {
    let credentials = credentials("query", &[("name", owned), ("template", "{s}")], secret)?;
    let target = Target::parse(&format!("{ORIGIN}/?{guest}")).ok()?;
    let sent = credentials.query(&target).expect("a parameter is added");
    Some((target.query.unwrap_or_default(), sent.to_string()))
}

fn credentials(scheme: &str, parameters: &[(&str, &str)], secret: &str) -> Option<Credentials> {
    let credential = Credential {
        id: "own".into(),
        origin: ORIGIN.into(),
        scheme: scheme.into(),
        parameters: parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
    };
    let manifest = Manifest { credentials: vec![credential], ..crate::manifest::empty() };
    let mut settings = Settings::default();
    settings.secrets.insert("s".into(), Secret::new(secret.to_owned()));
    Credentials::new(&manifest, &settings).ok()
}

/// Names and values, read as servers read them.
fn read(text: &str) -> Vec<(String, String)> {
    let plain = |t: &str| String::from_utf8_lossy(&unpercent(&t.replace('+', " "))).into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (plain(n), plain(v))).collect()
}

/// Whether some server takes a field of this name for the one that a credential owns.
fn reads_as(name: &str, owned: &str) -> bool {
    let name = name.trim_start().to_ascii_lowercase();
    let name = name.split('\0').next().unwrap_or_default().trim_end();
    let owned = owned.to_ascii_lowercase();
    name == owned || name.strip_prefix(&owned).is_some_and(|rest| rest.trim_start().starts_with('['))
}
