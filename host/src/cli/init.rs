//! `muster init`: a commented `muster.toml` from the connectors found.

use super::args::Global;
use super::error::{self, CliError};
use crate::catalog::{Connector, Loader, find};
use crate::config::DEFAULT_FILE;
use crate::limits::Limits;
use crate::manifest::{Manifest, Setting, SettingKind};
use crate::text::neutral;
use std::io::Write;
use std::path::Path;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// There is a file already, or it cannot be written.
pub async fn init(global: &Global, connectors: &Path) -> Result<u8, CliError> {
    let path = global.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    if path.symlink_metadata().is_ok() {
        return Err(CliError::usage(format!("{} exists already and is left as it is", path.display()))
            .with_help("remove it first, or write another one with --config FILE"));
    }
    let mut found: Vec<Connector> = Vec::new();
    if connectors.exists() {
        let loader = Loader::new(Limits::default())?;
        for file in find::find(&[connectors.to_path_buf()])?.values() {
            match loader.load(file).await {
                Ok(connector) => found.push(connector),
                Err(e) => error::say(&e.to_string(), &[]),
            }
        }
    }
    let manifests: Vec<&Manifest> = found.iter().map(|c| &c.about.manifest).collect();
    let text = template(connectors, &manifests);
    let failed =
        |e: std::io::Error| CliError::failed(format!("cannot write {}: {}", path.display(), crate::text::io_words(&e)));
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let names: Vec<&str> = manifests.iter().map(|m| m.name.as_str()).collect();
    let mut out = std::io::stdout().lock();
    if global.json {
        let line = serde_json::json!({"path": path, "connections": names});
        writeln!(out, "{line}")?;
        return Ok(error::OK);
    }
    match names.is_empty() {
        true => writeln!(out, "wrote {}; no connectors were found in {}", path.display(), connectors.display())?,
        false => writeln!(
            out,
            "wrote {} with a connection for {}; edit its settings, then run `muster check`",
            path.display(),
            names.join(", ")
        )?,
    }
    Ok(error::OK)
}

fn template(connectors: &Path, manifests: &[&Manifest]) -> String {
    let mut out = format!(
        "# muster.toml: the plugin list. Each [[connection]] is one use of a connector.\n\
         connectors = {}   # where .wasm files are dropped\n\
         store = \"muster.db\"\n",
        quote(&connectors.to_string_lossy())
    );
    if manifests.is_empty() {
        out.push_str("\n# [[connection]]\n# name = \"support\"\n# connector = \"chatwoot\"\n# [connection.settings]\n");
    }
    for manifest in manifests {
        out.push_str(&connection(manifest));
    }
    out
}

fn connection(m: &Manifest) -> String {
    let mut out = format!("\n# {} {}: {}\n", neutral(&m.display_name), neutral(&m.version), neutral(&m.summary));
    if let Some(page) = &m.documentation {
        out.push_str(&format!("# {}\n", neutral(page)));
    }
    out.push_str(&format!(
        "[[connection]]\nname = {}\nconnector = {}\n[connection.settings]\n",
        quote(&m.name),
        quote(&m.name)
    ));
    for setting in &m.settings {
        out.push_str(&setting_lines(setting));
    }
    out.push_str("[connection.network]\n");
    let asked: Vec<String> = m
        .routes
        .iter()
        .map(|r| r.origin.as_str())
        .chain(m.credentials.iter().map(|c| c.origin.as_str()))
        .filter(|o| !o.starts_with('{'))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(quote)
        .collect();
    if !asked.is_empty() {
        out.push_str(&format!(
            "# origins = [{}]   # asked for by the connector; granted only if you uncomment it\n",
            asked.join(", ")
        ));
    }
    out.push_str("# allow-private = [\"127.0.0.1:3000\"]   # an internal host, by host:port, opened on purpose\n");
    out.push_str("# [connection.limits]\n# requests-per-minute = 600\n");
    out.push_str("# [connection.run]\n# max-wait = \"15m\"\n# max-removals = \"30%\"\n# at-once = 16\n");
    out
}

fn setting_lines(s: &Setting) -> String {
    let need = match s.required && s.default.is_none() {
        true => "required",
        false => "optional",
    };
    let mut out = format!("# {} ({}, {need}): {}\n", neutral(&s.label), neutral(&s.kind.words()), neutral(&s.help));
    let value = match (&s.kind, &s.default) {
        (SettingKind::Secret, _) => {
            format!("{{ env = \"{}\" }}", s.name.to_uppercase().replace('-', "_"))
        }
        (_, Some(default)) => quote(default),
        (_, None) => "\"\"".to_owned(),
    };
    let comment = match (&s.kind, s.required || s.default.is_some()) {
        // Written by the operator, an url grants its origin: that is why it stands here for reading.
        (SettingKind::Url, _) => "",
        (_, true) => "",
        (_, false) => "# ",
    };
    out.push_str(&format!("{comment}{} = {value}\n", s.name));
    out
}

/// A TOML basic string, on one line whatever is in it: a line break in a manifest must not end a comment.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if crate::text::is_unsafe(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::manifest::sample;

    #[test]
    fn what_init_writes_can_be_read_again() {
        let mut manifest = sample();
        manifest.summary = "one\ntwo \u{1b}[2J".into();
        manifest.routes[0].origin = "https://literal.test".into();
        let text = template(Path::new("conn \"ectors\""), &[&manifest]);
        let config = Config::parse(&text, Path::new("")).expect(&text);
        assert_eq!(config.connections.len(), 1);
        assert_eq!(config.connectors, [Path::new("conn \"ectors\"")]);
        assert!(config.connections[0].network.origins.is_empty(), "an origin that is asked for is not granted");
        assert!(text.contains("https://literal.test"), "{text}");
        assert!(text.contains("base-url = \"https://api.demo.test\""), "{text}");
        assert!(text.contains("token = { env = \"TOKEN\" }"), "{text}");
    }

    #[test]
    fn a_text_of_a_manifest_stays_on_its_line_and_means_itself() {
        for text in ["plain", "a\nb = 1", "\"]\n[connection]", "c:\\x", "\u{202e}\u{1b}[2J", "\u{85}\u{2028}", "é"] {
            let line = quote(text);
            assert!(!line.contains(crate::text::is_unsafe), "{line}");
            let value: toml::Table = toml::from_str(&format!("v = {line}")).expect("TOML");
            assert_eq!(value["v"].as_str(), Some(text));
        }
    }
}
