//! What a stranger compressed is undone in pieces of a known size, or refused.

use flate2::Compression;
use flate2::write::GzEncoder;
use muster::egress::decode::Encoding;
use std::io::Write;

/// Bytes that one piece may have, as `decode` says.
const PIECE: usize = 64 * 1024;

/// Bytes: a packed body in both encodings.
pub fn any(data: &[u8]) {
    for (encoding, magic) in [(Encoding::Gzip, &[0x1f, 0x8b, 8][..]), (Encoding::Zstd, &[0x28, 0xb5, 0x2f, 0xfd])] {
        let _ = unpack(encoding, data, 1 << 20);
        let _ = unpack(encoding, &[magic, data].concat(), 1 << 20);
        is_never_half(encoding, data, 1 << 15);
    }
}

/// Unpacks as the host does, up to a limit: no piece is longer than a piece may be, and its length is the one said.
///
/// # Errors
/// The body is broken, or unfolds to more than the limit.
pub fn unpack(encoding: Encoding, body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut plain = encoding.open(body, Box::new(|| false))?;
    loop {
        let before = out.len();
        let said = plain.piece(&mut out)?;
        assert!(said <= PIECE, "{encoding:?}: a piece of {said} bytes");
        assert_eq!(out.len(), before + said, "{encoding:?}: it says another length than it appends");
        match said {
            0 => return Ok(out),
            _ if out.len() > limit => return Err("too long".to_owned()),
            _ => {}
        }
    }
}

/// What was packed in parts, one after the other, comes back whole. Both formats say that it does.
pub fn comes_back_whole(encoding: Encoding, parts: &[Vec<u8>]) {
    let packed = parts.iter().flat_map(|part| pack(encoding, part)).collect::<Vec<u8>>();
    let plain = unpack(encoding, &packed, usize::MAX);
    assert_eq!(plain.as_ref(), Ok(&parts.concat()), "{encoding:?} in {} parts", parts.len());
}

/// A body whose end is missing is never taken for a whole one. `cut` says how many bytes are left, of 65,536.
pub fn is_never_half(encoding: Encoding, body: &[u8], cut: u16) {
    let packed = pack(encoding, body);
    let left = packed.len() * usize::from(cut) / 65_536;
    // Nothing at all is the answer to a HEAD: the host does not unpack it.
    if left > 0 {
        let plain = unpack(encoding, &packed[..left], usize::MAX);
        assert!(plain.is_err(), "{encoding:?}: {left} of {} bytes are taken for all", packed.len());
    }
}

/// What was packed well and then spoiled at a place is undone as far as it goes, in pieces of a known size, or refused.
pub fn broken(encoding: Encoding, body: &[u8], at: usize, with: &[u8]) {
    let mut packed = pack(encoding, body);
    let at = at % packed.len();
    packed.iter_mut().skip(at).zip(with).for_each(|(old, new)| *old = *new);
    let _ = unpack(encoding, &packed, 1 << 20);
}

fn pack(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => body.to_vec(),
        Encoding::Gzip => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(body).expect("memory takes everything");
            gzip.finish().expect("memory takes everything")
        }
        Encoding::Zstd => ruzstd::encoding::compress_to_vec(body, ruzstd::encoding::CompressionLevel::Fastest),
    }
}
