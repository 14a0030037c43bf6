//! Attaching secrets to requests, after policy and to the granted origin only.
//!
//! Rule: the host attaches a credential, and the guest may not set what a credential owns. Reason: the guest
//! never holds the secret. Attack: a connector that sends its own `api_access_token` to see which one wins,
//! or asks for the credential on another origin.

use super::form::{self, Form};
use super::policy::{self, resolve_origin};
use super::target::{Origin, Target};
use super::totp;
use crate::manifest::{Credential, Manifest, Scheme};
use crate::settings::{Secret, Settings};
use crate::template::{Part, Template};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::collections::BTreeMap;
use url::form_urlencoded;
use zeroize::Zeroizing;

struct Field {
    origin: Origin,
    name: HeaderName,
    value: Secret,
}

struct Parameter {
    origin: Origin,
    name: String,
    value: Secret,
}

/// The credentials of a connection.
#[derive(Default)]
pub struct Credentials {
    fields: Vec<Field>,
    parameters: Vec<Parameter>,
    forms: Vec<Form>,
    /// The keys that one-time codes are made from, by setting.
    keys: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// What only a credential makes of the secrets: to be masked, too.
    derived: Vec<Secret>,
    settings: Settings,
}

impl Credentials {
    /// Fills the templates. A credential one of whose settings has no value is left out: a manifest may offer several
    /// ways to sign in, of which the operator gives exactly one.
    ///
    /// # Errors
    /// A secret that cannot be sent as the credential says, no way to sign in at all, or two ways that want the same
    /// header; the sentence never holds a secret.
    pub fn new(manifest: &Manifest, settings: &Settings) -> Result<Credentials, String> {
        let mut out = Credentials { settings: settings.clone(), ..Credentials::default() };
        let mut ways = Vec::new();
        for credential in &manifest.credentials {
            let in_it = |why: String| format!("the credential {}: {why}", credential.id);
            let scheme = Scheme::read(credential).map_err(in_it)?;
            let Some(origin) = resolve_origin(&credential.origin, settings)? else { continue };
            ways.push(settings_of(&scheme).join(" and "));
            out.add(credential, origin, scheme, manifest).map_err(in_it)?;
        }
        out.one_way(&ways).map(|()| out)
    }

    /// Whether there is one way to sign in where there are several, and not two that exclude each other. `ways` are the
    /// settings of each. A single credential may be left out: some vendors answer without one.
    fn one_way(&self, ways: &[String]) -> Result<(), String> {
        let twin = |(at, field): (usize, &Field)| {
            self.fields.iter().take(at).any(|f| f.origin == field.origin && same_header(&f.name, &field.name))
        };
        let too_many = self.fields.iter().enumerate().any(twin);
        let none = self.fields.is_empty() && self.parameters.is_empty() && self.forms.is_empty();
        let several = ways.len() > 1;
        let ways = ways.join(", or ");
        match (too_many, none && several) {
            (true, _) => Err(format!("more than one way to sign in is given: give either {ways}")),
            (_, true) => Err(format!("no credential is given whole: give {ways}")),
            _ => Ok(()),
        }
    }

    fn add(
        &mut self,
        credential: &Credential,
        origin: Origin,
        scheme: Scheme,
        manifest: &Manifest,
    ) -> Result<(), String> {
        let fill = |template: &Template| self.settings.fill(template);
        match scheme {
            Scheme::Header { name, template } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "it names no header".to_owned())?;
                let value = fill(&template);
                self.add_field(origin, name, value)
            }
            Scheme::Bearer { template } => {
                let value = fill(&template).map(|t| concat(&["Bearer ", t.expose()]));
                self.add_field(origin, header::AUTHORIZATION, value)
            }
            Scheme::Basic { user, password } => {
                let (Some(user), Some(password)) = (fill(&user), fill(&password)) else { return Ok(()) };
                if user.expose().contains(':') {
                    return Err("a user's name with a colon cannot be sent with Basic".to_owned());
                }
                let pair = concat(&[user.expose(), ":", password.expose()]);
                let encoded = Zeroizing::new(STANDARD.encode(pair.expose()));
                self.derived.push(pair);
                self.add_field(origin, header::AUTHORIZATION, Some(concat(&["Basic ", &encoded])))
            }
            Scheme::Query { name, template } => {
                self.parameters.extend(fill(&template).map(|value| Parameter { origin, name, value }));
                Ok(())
            }
            Scheme::Form { path, fields } => {
                let Some(path) = policy::compile(&path, manifest, &self.settings)? else { return Ok(()) };
                let form = Form { id: credential.id.clone(), origin, path, fields };
                for name in form.codes() {
                    let Some(secret) = self.settings.secrets.get(name) else { continue };
                    let key = totp::key(secret.expose()).map_err(|why| {
                        // The vendor's own pages say where the right one is: the manifest knows their words.
                        let help = manifest.setting(name).map(|s| crate::text::neutral(&s.help)).unwrap_or_default();
                        let stop = if help.is_empty() { "" } else { ". " };
                        format!("the setting {name} {why}{stop}{help}")
                    })?;
                    self.keys.insert(name.to_owned(), key);
                    // As the vendor writes it, should a page repeat it; the operator's own spelling is masked anyway.
                    let letters = totp::letters(secret.expose());
                    if *letters != secret.expose() {
                        self.derived.push(concat(&[&letters]));
                    }
                }
                self.forms.push(form);
                Ok(())
            }
        }
    }

    fn add_field(&mut self, origin: Origin, name: HeaderName, value: Option<Secret>) -> Result<(), String> {
        let Some(value) = value else { return Ok(()) };
        if HeaderValue::from_str(value.expose()).is_err() {
            return Err("its secret holds a character that no header can carry (a line break, perhaps)".to_owned());
        }
        self.fields.push(Field { origin, name, value });
        Ok(())
    }

    /// Secrets that are to be masked beside the settings.
    pub fn derived(&self) -> &[Secret] {
        &self.derived
    }

    /// Whether one-time codes may be needed.
    pub fn has_codes(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether a credential of the origin owns the header.
    pub fn owns(&self, origin: &Origin, header: &HeaderName) -> bool {
        self.fields.iter().any(|f| f.origin == *origin && same_header(&f.name, header))
    }

    /// Attaches what belongs to the origin, replacing what the guest may have set.
    pub fn attach(&self, origin: &Origin, headers: &mut HeaderMap) {
        for field in self.fields.iter().filter(|f| f.origin == *origin) {
            if let Ok(mut value) = HeaderValue::from_str(field.value.expose()) {
                value.set_sensitive(true);
                headers.insert(field.name.clone(), value);
            }
        }
    }

    /// Whether a credential of the origin owns a parameter of the query.
    pub fn has_query(&self, origin: &Origin) -> bool {
        self.parameters.iter().any(|p| p.origin == *origin)
    }

    /// The query to send: the guest's parameters, byte for byte, but for those a credential owns, then these.
    pub fn query(&self, target: &Target) -> Option<Zeroizing<String>> {
        let owned: Vec<&Parameter> = self.parameters.iter().filter(|p| p.origin == target.origin).collect();
        let guest = target.query.as_deref();
        if owned.is_empty() {
            return guest.map(|q| Zeroizing::new(q.to_owned()));
        }
        // Some servers take a semicolon for a separator: a pair that hides an owned name behind one goes, too.
        let is_owned = |pair: &str| {
            pair.split(';').any(|piece| {
                let name = form_urlencoded::parse(piece.as_bytes()).next().map(|(name, _)| name);
                name.is_some_and(|name| owned.iter().any(|p| form::is_same(&p.name, &name)))
            })
        };
        let kept: Vec<&str> = guest.into_iter().flat_map(|q| q.split('&')).filter(|pair| !is_owned(pair)).collect();
        let room = kept.iter().map(|k| k.len() + 1).sum::<usize>()
            + owned.iter().map(|p| 3 * (p.name.len() + p.value.expose().len()) + 2).sum::<usize>();
        let mut query = String::with_capacity(room);
        query.push_str(&kept.join("&"));
        let from = query.len();
        let mut form = form_urlencoded::Serializer::for_suffix(query, from);
        for parameter in owned {
            form.append_pair(&parameter.name, parameter.value.expose());
        }
        let query = form.finish();
        Some(Zeroizing::new(match query.get(from..) {
            Some(own) if from > 0 => {
                let mut both = String::with_capacity(query.len() + 1);
                both.push_str(query.get(..from).unwrap_or_default());
                both.push('&');
                both.push_str(own);
                both
            }
            _ => query,
        }))
    }

    /// The form that the request posts, if it posts one.
    pub fn form(&self, method: &Method, target: &Target) -> Option<&Form> {
        self.forms.iter().find(|f| f.is_posted(method, target))
    }

    /// The key that a setting's one-time codes are made from.
    pub fn key(&self, setting: &str) -> Option<&[u8]> {
        self.keys.get(setting).map(|k| k.as_slice())
    }

    /// The body of a form to send.
    pub fn body(&self, form: &Form, guest: &[u8], codes: &BTreeMap<String, Secret>) -> Zeroizing<Vec<u8>> {
        form.body(guest, &self.settings, codes)
    }
}

/// The settings that a scheme's templates use.
fn settings_of(scheme: &Scheme) -> Vec<String> {
    let mut names = Vec::new();
    for part in scheme.templates().iter().flat_map(|template| template.parts()) {
        match part {
            Part::Setting(name) | Part::Totp(name) if !names.contains(name) => names.push(name.clone()),
            _ => {}
        }
    }
    names
}

/// The pieces as one secret, made in its final size.
fn concat(pieces: &[&str]) -> Secret {
    let mut out = String::with_capacity(pieces.iter().map(|p| p.len()).sum());
    pieces.iter().for_each(|p| out.push_str(p));
    Secret::new(out)
}

/// Servers fold `-` and `_` in header names (CGI, Rack): both spellings are the same header.
fn same_header(a: &HeaderName, b: &HeaderName) -> bool {
    a.as_str().len() == b.as_str().len()
        && a.as_str().bytes().zip(b.as_str().bytes()).all(|(x, y)| {
            let fold = |c: u8| if c == b'_' { b'-' } else { c };
            fold(x) == fold(y)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;
    use crate::settings::Value;

    fn with(scheme: &str, parameters: &[(&str, &str)], token: &str) -> Result<Credentials, String> {
        let mut settings = Settings::default();
        settings.values.insert("base-url".into(), Value { text: "https://api.demo.test".into(), written: true });
        settings.values.insert("account".into(), Value { text: "ann".into(), written: true });
        settings.secrets.insert("token".into(), Secret::new(token.into()));
        let mut manifest = sample();
        manifest.settings.iter_mut().for_each(|s| s.help = "Behind the gear.".into());
        manifest.credentials[0].scheme = scheme.into();
        manifest.credentials[0].parameters =
            parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Credentials::new(&manifest, &settings)
    }

    fn credentials(token: &str) -> Result<Credentials, String> {
        with("header", &[("name", "x-token"), ("template", "Token {token}")], token)
    }

    fn header(credentials: &Credentials, origin: &str, name: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        credentials.attach(&Origin::parse(origin).expect(origin), &mut headers);
        assert!(headers.values().all(HeaderValue::is_sensitive));
        headers.get(name).map(|v| v.to_str().expect("text").to_owned())
    }

    fn query(credentials: &Credentials, url: &str) -> Option<String> {
        credentials.query(&Target::parse(url).expect(url)).map(|q| q.to_string())
    }

    const HERE: &str = "https://api.demo.test";

    #[test]
    fn a_credential_goes_to_its_origin_only() {
        let credentials = credentials("s3cret").expect("credentials");
        assert_eq!(header(&credentials, HERE, "x-token").as_deref(), Some("Token s3cret"));
        for elsewhere in ["https://evil.test", "http://api.demo.test", "https://api.demo.test:8443"] {
            assert_eq!(header(&credentials, elsewhere, "x-token"), None, "{elsewhere}");
        }
    }

    #[test]
    fn bearer_and_basic_are_authorization() {
        let bearer = with("bearer", &[("template", "{token}")], "s3cret").expect("bearer");
        assert_eq!(header(&bearer, HERE, "authorization").as_deref(), Some("Bearer s3cret"));
        assert!(bearer.owns(&Origin::parse(HERE).expect("origin"), &header::AUTHORIZATION));
        let basic = with("basic", &[("user", "{account}"), ("password", "{token}")], "s3cret").expect("basic");
        assert_eq!(header(&basic, HERE, "authorization").as_deref(), Some("Basic YW5uOnMzY3JldA=="));
        assert_eq!(basic.derived(), [Secret::new("ann:s3cret".into())]);
    }

    #[test]
    fn a_query_parameter_that_a_credential_owns_is_replaced() {
        let credentials = with("query", &[("name", "api_key"), ("template", "{token}")], "s3 cret").expect("query");
        let table = [
            ("https://api.demo.test/a", Some("api_key=s3+cret")),
            ("https://api.demo.test/a?x=%7e&y", Some("x=%7e&y&api_key=s3+cret")),
            ("https://api.demo.test/a?api_key=mine&x=1", Some("x=1&api_key=s3+cret")),
            ("https://api.demo.test/a?%61pi_key=mine", Some("api_key=s3+cret")),
            ("https://api.demo.test/a?API_KEY=mine", Some("api_key=s3+cret")),
            ("https://api.demo.test/a?api_key[]=mine&+api_key=mine&api_key%00=mine", Some("api_key=s3+cret")),
            ("https://api.demo.test/a?x=1;api_key=mine&y=2", Some("y=2&api_key=s3+cret")),
            ("https://evil.test/a?x=1", Some("x=1")),
            ("https://evil.test/a", None),
        ];
        for (url, expected) in table {
            assert_eq!(query(&credentials, url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_form_with_codes_wants_a_key_and_not_a_code() {
        let form = |token: &str| with("form", &[("path", "/login"), ("field:otp", "{totp:token}")], token);
        let good = form("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("form");
        assert!(good.has_codes() && good.key("token") == Some(b"12345678901234567890".as_slice()));
        let target = Target::parse("https://api.demo.test/login").expect("url");
        assert!(good.form(&Method::POST, &target).is_some());
        assert!(good.derived().is_empty());
        let error = form("123456").err().expect("refused");
        assert!(error.contains("the setting token is a code of the moment") && !error.contains("123456"), "{error}");
        assert!(error.ends_with("QR code. Behind the gear."), "the manifest says where the right one is: {error}");
    }

    #[test]
    fn the_key_is_masked_as_the_vendor_writes_it_too() {
        let form = |token: &str| with("form", &[("path", "/login"), ("field:otp", "{totp:token}")], token);
        let spelled = form("gezd gnbv gy3t-qojq gezd gnbv gy3t qojq").expect("form");
        assert_eq!(spelled.derived(), [Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into())]);
    }

    #[test]
    fn both_spellings_of_its_header_belong_to_the_credential() {
        let credentials = credentials("s3cret").expect("credentials");
        let origin = Origin::parse(HERE).expect("origin");
        for name in ["x-token", "X-Token", "x_token"] {
            let header = HeaderName::from_bytes(name.as_bytes()).expect(name);
            assert!(credentials.owns(&origin, &header), "{name}");
        }
        assert!(!credentials.owns(&origin, &HeaderName::from_static("x-tokens")));
    }

    /// A token, or a user and a password, as far as they are given.
    fn either(values: &[&str], secrets: &[&str]) -> Result<Credentials, String> {
        let mut settings = Settings::default();
        settings.values.insert("base-url".into(), Value { text: HERE.into(), written: true });
        for name in values {
            settings.values.insert((*name).into(), Value { text: "ann".into(), written: true });
        }
        for name in secrets {
            settings.secrets.insert((*name).into(), Secret::new("s3cret".into()));
        }
        let mut manifest = sample();
        let way = |id: &str, scheme: &str, parameters: &[(&str, &str)]| {
            let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            Credential { id: id.into(), origin: "{base-url}".into(), scheme: scheme.into(), parameters }
        };
        manifest.credentials = vec![
            way("token", "bearer", &[("template", "{token}")]),
            way("basic", "basic", &[("user", "{user}"), ("password", "{password}")]),
        ];
        Credentials::new(&manifest, &settings)
    }

    #[test]
    fn of_several_ways_to_sign_in_exactly_one_has_to_be_given_whole() {
        let sent = |given: Result<Credentials, String>| header(&given.expect("one way"), HERE, "authorization");
        assert_eq!(sent(either(&[], &["token"])).as_deref(), Some("Bearer s3cret"));
        assert_eq!(sent(either(&["user"], &["password"])).as_deref(), Some("Basic YW5uOnMzY3JldA=="));
        let ways = "token, or user and password";
        let none = format!("no credential is given whole: give {ways}");
        for (values, secrets) in [(&[][..], &[][..]), (&["user"], &[]), (&[], &["password"])] {
            assert_eq!(either(values, secrets).err(), Some(none.clone()), "{values:?} {secrets:?}");
        }
        let both = format!("more than one way to sign in is given: give either {ways}");
        assert_eq!(either(&["user"], &["token", "password"]).err(), Some(both));
    }

    #[test]
    fn a_manifest_without_credentials_needs_none() {
        let mut manifest = sample();
        manifest.credentials.clear();
        assert!(Credentials::new(&manifest, &Settings::default()).is_ok());
    }

    #[test]
    fn a_secret_with_a_line_break_is_an_error_that_does_not_print_it() {
        let error = credentials("s3c\nret").err().expect("refused");
        assert!(error.contains("line break") && !error.contains("s3c"), "{error}");
    }
}
