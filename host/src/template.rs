//! Texts with names between braces: `Token {vendor-token}`, `{totp:vendor-2fa}`. Pure.

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// A setting's value.
    Setting(String),
    /// The one-time code of this moment (RFC 6238) from a secret.
    Totp(String),
}

/// A template, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads a template. A brace that belongs to no name is an error: nothing says what was meant.
    ///
    /// # Errors
    /// Which brace, as half a sentence.
    pub fn parse(text: &str) -> Result<Template, String> {
        let shown = || crate::text::shorten(text, 64);
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) =
                after.split_once('}').ok_or_else(|| format!("the template {:?} has a {{ without a }}", shown()))?;
            if before.contains('}') || name.contains('{') || name.is_empty() {
                return Err(format!("the template {:?} has braces without a name", shown()));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match name.strip_prefix("totp:") {
                Some(secret) => Part::Totp(secret.to_owned()),
                None => Part::Setting(name.to_owned()),
            });
            rest = tail;
        }
        if rest.contains('}') {
            return Err(format!("the template {:?} has a }} without a {{", shown()));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// Its pieces, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_braces() {
        let text = |t: &str| Part::Text(t.to_owned());
        let table = [
            ("plain", vec![text("plain")]),
            ("", vec![]),
            ("Token {a}", vec![text("Token "), Part::Setting("a".into())]),
            ("{a}:{b}!", vec![Part::Setting("a".into()), text(":"), Part::Setting("b".into()), text("!")]),
            ("{totp:a}", vec![Part::Totp("a".into())]),
        ];
        for (given, parts) in table {
            assert_eq!(Template::parse(given), Ok(Template(parts)), "{given}");
        }
    }

    #[test]
    fn braces_that_belong_to_no_name_are_refused() {
        for given in ["{", "}", "a}", "{}", "{a", "{a{b}}", "{a}}", "}{a}"] {
            assert!(Template::parse(given).is_err(), "{given}");
        }
    }
}
