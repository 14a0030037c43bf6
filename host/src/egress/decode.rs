//! Undoing a body's `Content-Encoding`, piece by piece. Pure.
//!
//! Rule: one encoding the host asked for, undone within the limit of a body and of memory. Reason: a secret
//! inside a compressed body is masked only after it is inflated. Attack: a few bytes that unfold to gigabytes, a
//! window of gigabytes, an encoding nobody undoes so that the guest gets the secret packed.

use http::HeaderMap;
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::Read;

/// What the host asks for.
pub const ACCEPT: &str = "gzip, zstd";
/// Bytes inflated at once; after each piece the limits are looked at, and what came is masked.
const PIECE: usize = 64 * 1024;
/// Bytes of the window a zstd frame may ask for: what RFC 9659 allows a server to use.
const ZSTD_WINDOW: u64 = 8 * 1024 * 1024;
/// Packed bytes looked at before it is asked whether to go on.
const SLICE: usize = 4 * 1024;
/// Frames of a zstd body: each sets up tables and a window, and may hold nothing.
const FRAMES: usize = 1000;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// What the headers say.
    ///
    /// # Errors
    /// An encoding that the host did not ask for, or more than one: its name.
    pub fn of(headers: &HeaderMap) -> Result<Encoding, String> {
        let mut lines = headers.get_all(http::header::CONTENT_ENCODING).iter();
        let line = match (lines.next(), lines.next()) {
            (None, _) => return Ok(Encoding::Identity),
            (Some(one), None) => one.as_bytes().trim_ascii().to_ascii_lowercase(),
            (Some(_), Some(_)) => return Err("several encodings one after the other".to_owned()),
        };
        match line.as_slice() {
            b"" | b"identity" => Ok(Encoding::Identity),
            b"gzip" | b"x-gzip" => Ok(Encoding::Gzip),
            b"zstd" => Ok(Encoding::Zstd),
            other => Err(known(other)),
        }
    }

    /// A reader of the plain body. `stop` is asked before each slice of the packed bytes is looked at.
    ///
    /// # Errors
    /// The beginning is none of this encoding, as half a sentence.
    pub fn open<'b>(self, body: &'b [u8], stop: Stop) -> Result<Plain<'b>, String> {
        let body = Slices { body, stop };
        let reader: Box<dyn Read + Send + 'b> = match self {
            Encoding::Identity => Box::new(body),
            Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(body)),
            Encoding::Zstd => {
                Box::new(Frames { decoder: Some(frame(body).map_err(|e| format!("zstd: {e}"))?), seen: 1 })
            }
        };
        Ok(Plain { reader, name: self.name() })
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        }
    }
}

/// Says when to stop.
pub type Stop = Box<dyn Fn() -> bool + Send>;

/// Packed bytes, a slice at a time.
struct Slices<'b> {
    body: &'b [u8],
    stop: Stop,
}

impl Read for Slices<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if (self.stop)() {
            return Err(std::io::Error::other("it takes too long to undo"));
        }
        let most = out.len().min(SLICE);
        self.body.read(out.get_mut(..most).unwrap_or_default())
    }
}

/// The frames of a zstd body, one after the other (RFC 8878, 3): the end of one is not the end of the body.
struct Frames<'b> {
    decoder: Option<StreamingDecoder<Slices<'b>, FrameDecoder>>,
    seen: usize,
}

fn frame(body: Slices<'_>) -> Result<StreamingDecoder<Slices<'_>, FrameDecoder>, FrameDecoderError> {
    StreamingDecoder::new_with_max_window_size(body, ZSTD_WINDOW)
}

impl Read for Frames<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let read = decoder.read(out)?;
            if read > 0 || out.is_empty() || decoder.get_ref().body.is_empty() {
                return Ok(read);
            }
            self.seen += 1;
            if self.seen > FRAMES {
                return Err(std::io::Error::other("it has too many frames"));
            }
            let rest = self.decoder.take().map(StreamingDecoder::into_inner);
            self.decoder = rest.map(frame).transpose().map_err(std::io::Error::other)?;
        }
    }
}

/// The name of an encoding that others use. Any other text is the server's own, and could be a secret it was sent.
fn known(name: &[u8]) -> String {
    const NAMES: [&str; 8] = ["br", "compress", "deflate", "gzip", "identity", "x-compress", "x-gzip", "zstd"];
    let text = String::from_utf8_lossy(name);
    match text.len() <= 64 && text.split(',').all(|part| NAMES.contains(&part.trim())) {
        true => text.into_owned(),
        false => "an encoding that nobody knows".to_owned(),
    }
}

/// A body that is being inflated.
pub struct Plain<'b> {
    reader: Box<dyn Read + Send + 'b>,
    name: &'static str,
}

impl Plain<'_> {
    /// Appends the next piece; the answer is its length, 0 at the end.
    ///
    /// # Errors
    /// What came is broken, as half a sentence.
    pub fn piece(&mut self, out: &mut Vec<u8>) -> Result<usize, String> {
        (&mut self.reader)
            .take(PIECE as u64)
            .read_to_end(out)
            .map_err(|e| format!("{}: {}", self.name, crate::text::shorten(&e.to_string(), 200)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Write;

    fn of(values: &[&'static str]) -> Result<Encoding, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(http::header::CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        Encoding::of(&headers)
    }

    fn all(encoding: Encoding, body: &[u8]) -> Result<Vec<u8>, String> {
        let (mut out, mut plain) = (Vec::new(), encoding.open(body, Box::new(|| false))?);
        while plain.piece(&mut out)? > 0 {}
        Ok(out)
    }

    /// A zstd frame of one block that says: this byte, so many times.
    fn zstd(byte: u8, times: u32, window: u8) -> Vec<u8> {
        let block = (times << 3 | 1 << 1 | 1).to_le_bytes();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, window][..], &block[..3], &[byte]].concat()
    }

    #[test]
    fn one_encoding_that_was_asked_for() {
        assert_eq!(of(&[]), Ok(Encoding::Identity));
        assert_eq!(of(&["gzip"]), Ok(Encoding::Gzip));
        assert_eq!(of(&["GZIP "]), Ok(Encoding::Gzip));
        assert_eq!(of(&["zstd"]), Ok(Encoding::Zstd));
        for many in [&["gzip, gzip"][..], &["gzip", "gzip"], &["br"], &["deflate"], &["identity", "gzip"]] {
            assert!(of(many).is_err(), "{many:?}");
        }
        assert_eq!(of(&["gzip, gzip"]), Err("gzip, gzip".to_owned()));
        assert_eq!(of(&["s3cret"]), Err("an encoding that nobody knows".to_owned()), "it is not repeated");
    }

    #[test]
    fn gzip_and_zstd_are_undone_in_pieces() {
        let text = vec![b'x'; 3 * PIECE + 5];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&text).expect("gzip");
        assert_eq!(all(Encoding::Gzip, &gzip.finish().expect("gzip")), Ok(text));
        assert_eq!(all(Encoding::Zstd, &zstd(b'y', 100_000, 0x40)), Ok(vec![b'y'; 100_000]));
    }

    #[test]
    fn frames_follow_each_other_and_have_an_end() {
        let two = [zstd(b'y', 5, 0x40), zstd(b'z', 5, 0x40)].concat();
        assert_eq!(all(Encoding::Zstd, &two), Ok(b"yyyyyzzzzz".to_vec()));
        let many = zstd(b'y', 0, 0x40).repeat(FRAMES + 1);
        assert!(all(Encoding::Zstd, &many).is_err_and(|e| e.contains("too many frames")));
    }

    #[test]
    fn what_unfolds_to_nothing_is_stopped_in_its_middle() {
        let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default()).finish().expect("gzip");
        let bomb = empty.repeat(200_000);
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let stop = move || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 10;
        let mut plain = Encoding::Gzip.open(&bomb, Box::new(stop)).expect("a beginning");
        assert!(plain.piece(&mut Vec::new()).is_err_and(|e| e.contains("too long to undo")));
    }

    #[test]
    fn a_window_of_gigabytes_and_garbage_are_refused() {
        // Exponent 31 - 10: two gigabytes.
        assert!(all(Encoding::Zstd, &zstd(b'y', 10, 21 << 3)).is_err_and(|e| e.contains("zstd")));
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            assert!(all(encoding, b"this is none").is_err(), "{encoding:?}");
        }
    }
}
