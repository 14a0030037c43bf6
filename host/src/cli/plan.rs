//! `muster plan`: what is to be done so that one connection's people become like another's. It reads the store only.

use super::args::Global;
use super::error::{self, CliError, note};
use super::output::Output;
use super::plan_args::Plan as Arguments;
use super::plan_page::{Look, lines};
use super::{colour, scene};
use crate::roster::{LoadError, Made, NoPlan, Plan, Rosters, make};
use crate::store::queries::Reader;
use crate::text::io_words;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No store, an unknown connection, nothing to compare, or a file that cannot be written.
pub fn plan(global: &Global, arguments: &Arguments) -> Result<u8, CliError> {
    let reader = Reader::open(&scene::store_path(global)?)?;
    let stored = reader.connections()?;
    for name in [&arguments.from, &arguments.to] {
        scene::check_name(global, &stored, name)?;
    }
    let rosters = Rosters::read(&reader, &arguments.from, &arguments.to)?;
    let Made { plan, warnings } = make(&rosters, &arguments.choices())?;
    // What is printed may be long.
    drop(rosters);
    if let Some(path) = &arguments.output {
        write(path, &plan)?;
    }
    let mut out = Output::new(global.json);
    match global.json {
        true => out.json(&plan)?,
        false => out.lines(&lines(&plan, look()))?,
    }
    out.finish()?;
    if !global.quiet {
        warnings.iter().for_each(|line| note(&format!("warning: {line}")));
        if let Some(path) = &arguments.output {
            note(&format!("wrote {}", path.display()));
        }
    }
    Ok(if arguments.exit_code && !plan.is_empty() { error::FAILED } else { error::OK })
}

/// Long lists are cut where somebody is looking, and nowhere else.
fn look() -> Look {
    Look { coloured: colour::on_stdout(), cut: std::io::stdout().is_terminal() }
}

/// Writes the document whole or not at all, readable by its owner only: it holds people's data.
fn write(path: &Path, plan: &Plan) -> Result<(), CliError> {
    let wrong = |e: std::io::Error| CliError::usage(format!("cannot write {}: {}", path.display(), io_words(&e)));
    if path.exists() && !path.is_file() {
        return Err(CliError::usage(format!("cannot write {}: it is there and is no file", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".plan-").tempfile_in(folder).map_err(wrong)?;
    let mut writer = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut writer, plan).map_err(|e| wrong(e.into()))?;
    writer.write_all(b"\n").map_err(wrong)?;
    let file = writer.into_inner().map_err(|e| wrong(e.into_error()))?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|e| wrong(e.error))?;
    Ok(())
}

impl From<LoadError> for CliError {
    fn from(e: LoadError) -> CliError {
        match e {
            LoadError::Store(e) => e.into(),
            e => CliError::usage(e.to_string()),
        }
    }
}

impl From<NoPlan> for CliError {
    fn from(e: NoPlan) -> CliError {
        CliError::usage(e.to_string())
    }
}
