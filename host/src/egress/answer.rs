//! Reading an answer: counted, inflated, masked, in pieces.

use super::caps::Caps;
use super::decode::Encoding;
use super::error::{self, EgressError};
use super::flow::Flow;
use super::mask::{Masker, Masking};
use super::target::Target;
use crate::held::{Held, Share};
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Instant;

/// Bytes set aside for a body before it comes, at most, whatever length is claimed.
const RESERVED: usize = 4 * 1024 * 1024;

/// Packed bytes that are inflated at once on the spot.
const SMALL: usize = 32 * 1024;

enum Trouble {
    TooLarge,
    Unread,
    Broken(String),
    Late,
}

/// A packed body, and what bounds it.
struct Inflating {
    encoding: Encoding,
    packed: Vec<u8>,
    /// The packed bytes count until they are inflated.
    packed_share: Share,
    limit: usize,
    masking: Masking,
    ends: Instant,
}

impl Inflating {
    fn run(mut self) -> Result<Clean, Trouble> {
        let mut share = self.packed_share.sibling();
        let reserved = self.packed.len().saturating_mul(4).min(RESERVED).min(self.limit);
        let (mut out, mut length) = (Vec::with_capacity(reserved), 0);
        let ends = self.ends;
        let late = move || Instant::now() >= ends;
        let mut plain = self.encoding.open(&self.packed, Box::new(late)).map_err(Trouble::Broken)?;
        loop {
            let piece = match plain.piece(&mut out) {
                Ok(piece) => piece,
                Err(_) if late() => return Err(Trouble::Late),
                Err(why) => return Err(Trouble::Broken(why)),
            };
            if piece == 0 {
                break;
            }
            length += piece;
            if length > self.limit {
                return Err(Trouble::TooLarge);
            }
            if !share.grow(piece) {
                return Err(Trouble::Unread);
            }
            self.masking.advance(&mut out);
        }
        let masked = self.masking.finish(&mut out);
        Ok(Clean { bytes: share.keep(out), length, masked })
    }
}

/// A body as the guest gets it.
pub struct Clean {
    /// Inflated and masked.
    pub bytes: Bytes,
    /// Its length before masking.
    pub length: usize,
    /// Secrets that were masked in it.
    pub masked: u64,
}

/// Reads a body to its end. The cap bounds it as it comes and as it is inflated.
///
/// # Errors
/// It is too long, broken, or encoded in a way nobody asked for.
pub async fn read(
    target: &Target,
    headers: &http::HeaderMap,
    mut body: Incoming,
    caps: &Caps,
    masker: &Masker,
    flow: &Flow,
    held: &Arc<Held>,
) -> Result<Clean, EgressError> {
    let (host_port, limit) = (|| target.origin.host_port(), caps.response_body);
    let too_large = || EgressError::TooLarge { host_port: host_port(), limit };
    let unread = || EgressError::Unread { limit: held.limit() };
    let undone = |encoding: String| EgressError::Encoding { host_port: host_port(), encoding };
    let encoding = Encoding::of(headers).map_err(undone)?;
    let mut masking = masker.begin();
    // A length that is claimed is only a hint: what comes is counted.
    let claimed = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(RESERVED).min(limit);
    let mut out = Vec::new();
    let mut length = 0;
    let mut share = Share::of(held);
    // A body that came in one piece and holds no secret is handed on as it is.
    let mut whole: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| error::in_body(host_port(), &e))?;
        let Ok(data) = frame.into_data() else { continue };
        flow.delivered(data.len());
        length += data.len();
        if length > limit {
            return Err(too_large());
        }
        if !share.grow(data.len()) {
            return Err(unread());
        }
        if whole.is_none() && out.is_empty() {
            whole = Some(data);
            continue;
        }
        if let Some(first) = whole.take() {
            out = Vec::with_capacity(claimed.max(first.len() + data.len()));
            out.extend_from_slice(&first);
        }
        out.extend_from_slice(&data);
        if encoding == Encoding::Identity {
            masking.advance(&mut out);
        }
    }
    if let Some(whole) = whole {
        // It keeps the connection's buffer alive, and is counted as that.
        let rest = caps.response_head.saturating_sub(whole.len());
        if encoding == Encoding::Identity && !masker.finds(&whole) && share.grow(rest) {
            return Ok(Clean { bytes: share.keep(whole), length, masked: 0 });
        }
        out = whole.to_vec();
    }
    // The answer to a HEAD says how its body would be encoded, and has none.
    if encoding != Encoding::Identity && !out.is_empty() {
        let packed = std::mem::take(&mut out);
        let work =
            Inflating { encoding, packed, packed_share: share, limit, masking, ends: Instant::now() + caps.deadline };
        let inflated = match work.packed.len() <= SMALL {
            true => work.run(),
            // What unfolds to nothing takes long all the same: it must not hold a thread that others wait for.
            false => match tokio::task::spawn_blocking(move || work.run()).await {
                Ok(inflated) => inflated,
                Err(e) => return Err(undone(e.to_string())),
            },
        };
        return inflated.map_err(|e| match e {
            Trouble::TooLarge => too_large(),
            Trouble::Unread => unread(),
            Trouble::Broken(why) => undone(why),
            Trouble::Late => EgressError::Deadline { host_port: host_port(), seconds: caps.deadline.as_secs() },
        });
    }
    let masked = masking.finish(&mut out);
    Ok(Clean { bytes: share.keep(out), length, masked })
}
