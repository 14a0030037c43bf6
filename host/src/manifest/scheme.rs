//! How a secret is attached to a request: the schemes this host knows, read from a credential's parameters. Pure.

use super::types::Credential;
use crate::template::Template;

/// A credential's scheme with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A header field.
    Header {
        /// The field's name.
        name: String,
        /// Its value.
        template: Template,
    },
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// The token.
        template: Template,
    },
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// The user's name.
        user: Template,
        /// The password.
        password: Template,
    },
    /// A parameter of the query.
    Query {
        /// The parameter's name.
        name: String,
        /// Its value.
        template: Template,
    },
    /// Fields of a form that is posted.
    Form {
        /// The path, as the route writes it.
        path: String,
        /// Name and value of each field.
        fields: Vec<(String, Template)>,
    },
}

/// What a form's parameters begin with, beside `path`.
const FIELD: &str = "field:";

impl Scheme {
    /// Reads the scheme: exactly its parameters, each once.
    ///
    /// # Errors
    /// An unknown scheme, or other parameters, as half a sentence.
    pub fn read(credential: &Credential) -> Result<Scheme, String> {
        let given = &credential.parameters;
        let known = |name: &str, wanted: &[&str]| {
            wanted.contains(&name) || (wanted == ["path"] && name.len() > FIELD.len() && name.starts_with(FIELD))
        };
        let exactly = |wanted: &[&str]| -> Result<(), String> {
            let each_once = wanted.iter().all(|w| given.iter().filter(|(n, _)| n == w).count() == 1);
            let twice = given.iter().enumerate().any(|(i, (n, _))| given.iter().skip(i + 1).any(|(m, _)| n == m));
            match each_once && !twice && given.iter().all(|(n, _)| known(n, wanted)) {
                true => Ok(()),
                false => Err(format!("it has to have exactly the parameters {}, each once", wanted.join(", "))),
            }
        };
        let text = |name: &str| credential.parameter(name).unwrap_or_default().to_owned();
        let template = |name: &str| Template::parse(credential.parameter(name).unwrap_or_default());
        match credential.scheme.as_str() {
            "header" => {
                exactly(&["name", "template"])?;
                if http::HeaderName::from_bytes(text("name").as_bytes()).is_err() {
                    return Err("it names no header".to_owned());
                }
                Ok(Scheme::Header { name: text("name"), template: template("template")? })
            }
            "bearer" => exactly(&["template"]).and_then(|()| Ok(Scheme::Bearer { template: template("template")? })),
            "basic" => {
                exactly(&["user", "password"])?;
                Ok(Scheme::Basic { user: template("user")?, password: template("password")? })
            }
            "query" => {
                exactly(&["name", "template"])?;
                if text("name").is_empty() {
                    return Err("it names no parameter".to_owned());
                }
                Ok(Scheme::Query { name: text("name"), template: template("template")? })
            }
            "form" => {
                exactly(&["path"]).map_err(|_| {
                    "it has to have the parameter path and one field:NAME for each field, each once".to_owned()
                })?;
                let fields = given.iter().filter_map(|(n, v)| n.strip_prefix(FIELD).map(|field| (field, v)));
                let fields: Vec<(String, Template)> =
                    fields.map(|(n, v)| Ok((n.to_owned(), Template::parse(v)?))).collect::<Result<_, String>>()?;
                match fields.is_empty() {
                    true => Err("its form has no field".to_owned()),
                    false => Ok(Scheme::Form { path: text("path"), fields }),
                }
            }
            other => Err(format!(
                "the scheme {:?} is one that this host does not know (it knows header, bearer, basic, query, form)",
                crate::text::shorten(other, 64)
            )),
        }
    }

    /// Its templates, in order.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Scheme::Header { template, .. } | Scheme::Bearer { template } | Scheme::Query { template, .. } => {
                vec![template]
            }
            Scheme::Basic { user, password } => vec![user, password],
            Scheme::Form { fields, .. } => fields.iter().map(|(_, t)| t).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scheme: &str, parameters: &[(&str, &str)]) -> Result<Scheme, String> {
        let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Scheme::read(&Credential { id: "c".into(), origin: "{u}".into(), scheme: scheme.into(), parameters })
    }

    #[test]
    fn each_scheme_has_its_parameters() {
        let good: [(&str, &[(&str, &str)]); 5] = [
            ("header", &[("name", "x-token"), ("template", "{t}")]),
            ("bearer", &[("template", "{t}")]),
            ("basic", &[("user", "{u}"), ("password", "{p}")]),
            ("query", &[("name", "key"), ("template", "{t}")]),
            ("form", &[("path", "/login"), ("field:user[password]", "{p}"), ("field:code", "{totp:s}")]),
        ];
        for (scheme, parameters) in good {
            assert!(read(scheme, parameters).is_ok(), "{scheme}");
            assert!(
                read(scheme, &parameters[..parameters.len() - 2.min(parameters.len())]).is_err(),
                "{scheme}: too few"
            );
            let twice = [parameters, &parameters[..1]].concat();
            assert!(read(scheme, &twice).is_err(), "{scheme}: twice");
            let more = [parameters, &[("surprise", "")]].concat();
            assert!(read(scheme, &more).is_err(), "{scheme}: too many");
        }
        assert!(read("header", &[("name", "a b"), ("template", "{t}")]).is_err());
        assert!(read("form", &[("path", "/login"), ("field:", "{p}")]).is_err());
        assert!(read("magic", &[]).is_err_and(|e| e.contains("does not know")));
    }
}
