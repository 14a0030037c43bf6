//! The order of a finished tape: by connection, its head first, then by address; answers to the same request as they
//! came. Exchanges end in another order each time, so that two recordings could not be compared otherwise.

use super::file;
use super::line::{self, Line};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Where a line is, and what it is sorted by. Few bytes each: bodies stay in the file.
struct Place {
    key: (String, bool, String, String, u128),
    offset: u64,
    length: u64,
}

/// Sorts the file's lines; in its place is always a whole tape, the old one or the new one.
pub fn sort(path: &Path) -> io::Result<()> {
    let mut tape = File::open(path)?;
    let mut places = places(&mut tape)?;
    // Stable: what is equal stays as it came.
    places.sort_by(|a, b| a.key.cmp(&b.key));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sorting");
    let sorted = path.with_file_name(name);
    // Of a recording that was killed while it sorted; whoever else put something there is not followed.
    let _ = std::fs::remove_file(&sorted);
    let written = write(&mut tape, &places, &sorted).and_then(|()| std::fs::rename(&sorted, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&sorted);
    }
    written
}

fn places(tape: &mut File) -> io::Result<Vec<Place>> {
    let mut reader = BufReader::new(tape);
    let (mut places, mut offset, mut text) = (Vec::new(), 0, Vec::new());
    loop {
        text.clear();
        let length = reader.read_until(b'\n', &mut text)? as u64;
        if length == 0 {
            return Ok(places);
        }
        let key = match line::read(&text).map_err(io::Error::other)? {
            Line::Head(head) => (head.connection, false, String::new(), String::new(), 0),
            Line::Exchange(e) => {
                let key = e.asked.key(&e.connection);
                (e.connection, true, e.asked.url, e.asked.method, key)
            }
        };
        places.push(Place { key, offset, length });
        offset += length;
    }
}

fn write(tape: &mut File, places: &[Place], to: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(file::create(to)?);
    for place in places {
        tape.seek(SeekFrom::Start(place.offset))?;
        io::copy(&mut (&*tape).take(place.length), &mut out)?;
    }
    out.flush()?;
    out.get_ref().sync_all()
}
