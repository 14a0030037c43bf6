//! The files that tapes are written to.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Who may read a tape: it holds what a vendor knows of people.
const MODE: u32 = 0o600;

/// A new file for its owner alone. One that is there already, or a link, is an error: it could be anybody's.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)
}
