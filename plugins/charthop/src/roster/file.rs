//! The file of an import. Pure.

use muster_sdk::Failure;
use muster_sdk::roster::RosterChange;

use super::columns::WORK_EMAIL;
use super::plan::{Addresses, File, cells};

/// The file's text, with the rows of these places. Values go as they are: a machine reads it.
pub(crate) fn text(
    file: &File,
    changes: &[RosterChange],
    places: &[usize],
    addresses: &Addresses,
    dry_run: bool,
) -> Result<Vec<u8>, Failure> {
    let wrong = |error: csv::Error| Failure::Unexpected(format!("the file to import cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = file.columns.iter().filter_map(|field| field.column);
    writer.write_record(std::iter::once(WORK_EMAIL).chain(header)).map_err(wrong)?;
    for change in places.iter().filter_map(|place| changes.get(*place)) {
        let cells = cells(change, &file.columns);
        let row = std::iter::once(addresses.of(change, dry_run).unwrap_or_default());
        writer.write_record(row.chain(cells.iter().map(String::as_str))).map_err(wrong)?;
    }
    writer.into_inner().map_err(|error| Failure::Unexpected(format!("the file to import cannot be written: {error}")))
}
