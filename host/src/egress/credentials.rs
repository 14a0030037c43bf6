//! Attaching secrets to requests, after policy and to the granted origin only.
//!
//! Rule: the host attaches a credential, and the guest may not set what a credential owns. Reason: the guest
//! never holds the secret. Attack: a connector that sends its own `api_access_token` to see which one wins,
//! or asks for the credential on another origin.

use super::policy::resolve_origin;
use super::target::Origin;
use crate::manifest::Manifest;
use crate::settings::{Secret, Settings};
use http::{HeaderMap, HeaderName, HeaderValue};

struct Attachment {
    origin: Origin,
    header: HeaderName,
    value: Secret,
}

/// The credentials of a connection.
#[derive(Default)]
pub struct Credentials {
    attachments: Vec<Attachment>,
}

impl Credentials {
    /// Fills the templates. A credential one of whose settings has no value is left out.
    ///
    /// # Errors
    /// A header name or value that cannot be sent; the sentence never holds the value.
    pub fn new(manifest: &Manifest, settings: &Settings) -> Result<Credentials, String> {
        let mut attachments = Vec::new();
        for credential in &manifest.credentials {
            let (Some(name), Some(template)) = (credential.parameter("name"), credential.parameter("template")) else {
                continue;
            };
            let (Some(origin), Some(value)) = (resolve_origin(&credential.origin, settings)?, settings.fill(template))
            else {
                continue;
            };
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("the credential {} names no header", credential.id))?;
            if HeaderValue::from_str(value.expose()).is_err() {
                return Err(format!(
                    "the secret of the credential {} holds a character that no header can carry (a line break, perhaps)",
                    credential.id
                ));
            }
            attachments.push(Attachment { origin, header, value });
        }
        Ok(Credentials { attachments })
    }

    /// Whether a credential of the origin owns the header.
    pub fn owns(&self, origin: &Origin, header: &HeaderName) -> bool {
        self.attachments.iter().any(|a| a.origin == *origin && same_header(&a.header, header))
    }

    /// Attaches what belongs to the origin, replacing what the guest may have set.
    pub fn attach(&self, origin: &Origin, headers: &mut HeaderMap) {
        for a in self.attachments.iter().filter(|a| a.origin == *origin) {
            if let Ok(mut value) = HeaderValue::from_str(a.value.expose()) {
                value.set_sensitive(true);
                headers.insert(a.header.clone(), value);
            }
        }
    }
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
    use crate::manifest::tests::sample;
    use crate::settings::Value;

    fn credentials(token: &str) -> Result<Credentials, String> {
        let mut settings = Settings::default();
        settings.values.insert("base-url".into(), Value { text: "https://api.demo.test".into(), written: true });
        settings.secrets.insert("token".into(), Secret::new(token.into()));
        Credentials::new(&sample(), &settings)
    }

    #[test]
    fn a_credential_goes_to_its_origin_only() {
        let credentials = credentials("s3cret").expect("credentials");
        let mut headers = HeaderMap::new();
        credentials.attach(&Origin::parse("https://api.demo.test").expect("origin"), &mut headers);
        assert_eq!(headers.get("x-token").map(HeaderValue::as_bytes), Some(b"Token s3cret".as_slice()));
        assert!(headers.get("x-token").is_some_and(HeaderValue::is_sensitive));
        let mut other = HeaderMap::new();
        for elsewhere in ["https://evil.test", "http://api.demo.test", "https://api.demo.test:8443"] {
            credentials.attach(&Origin::parse(elsewhere).expect("origin"), &mut other);
        }
        assert!(other.is_empty());
    }

    #[test]
    fn both_spellings_of_its_header_belong_to_the_credential() {
        let credentials = credentials("s3cret").expect("credentials");
        let origin = Origin::parse("https://api.demo.test").expect("origin");
        for name in ["x-token", "X-Token", "x_token"] {
            let header = HeaderName::from_bytes(name.as_bytes()).expect(name);
            assert!(credentials.owns(&origin, &header), "{name}");
        }
        assert!(!credentials.owns(&origin, &HeaderName::from_static("x-tokens")));
    }

    #[test]
    fn a_secret_with_a_line_break_is_an_error_that_does_not_print_it() {
        let error = credentials("s3c\nret").err().expect("refused");
        assert!(error.contains("line break") && !error.contains("s3c"), "{error}");
    }
}
