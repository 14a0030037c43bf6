//! The file of an import. Pure.

use std::collections::HashSet;

use muster_sdk::Failure;
use muster_sdk::roster::RosterChange;

use super::addresses::{Addresses, folded};
use super::columns::WORK_EMAIL;
use super::plan::{File, cells};

/// The file's text, with the rows of these places. Values go as they are: a machine reads it.
pub(crate) fn text(
    file: &File,
    changes: &[RosterChange],
    places: &[usize],
    addresses: &Addresses,
) -> Result<Vec<u8>, Failure> {
    let wrong = |error: csv::Error| Failure::Unexpected(format!("the file to import cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = file.columns.iter().filter_map(|field| field.column);
    writer.write_record(std::iter::once(WORK_EMAIL).chain(header)).map_err(wrong)?;
    let rows = || places.iter().filter_map(|place| changes.get(*place));
    let beside: HashSet<String> = match file.hires {
        true => rows().filter_map(|change| addresses.of(change)).map(folded).collect(),
        false => HashSet::new(),
    };
    for change in rows() {
        let cells = cells(change, &file.columns, addresses, &beside);
        let row = std::iter::once(addresses.of(change).unwrap_or_default());
        writer.write_record(row.chain(cells.iter().map(String::as_str))).map_err(wrong)?;
    }
    writer.into_inner().map_err(|error| Failure::Unexpected(format!("the file to import cannot be written: {error}")))
}
