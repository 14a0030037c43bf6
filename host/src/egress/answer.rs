//! Reading an answer: counted, inflated, masked, in pieces.

use super::caps::Caps;
use super::decode::Encoding;
use super::error::{self, EgressError};
use super::flow::Flow;
use super::held::{Held, Share};
use super::mask::Masker;
use super::target::Target;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;

/// Bytes set aside for a body before it comes, at most, whatever length is claimed.
const RESERVED: usize = 4 * 1024 * 1024;
/// Bytes inflated before others get their turn.
const TURN: usize = 1024 * 1024;

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
        let frame = frame.map_err(|e| error::broken(host_port(), error::chain(&e)))?;
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
        let (packed, _packed_share) = (std::mem::take(&mut out), std::mem::replace(&mut share, Share::of(held)));
        let mut plain = encoding.open(&packed).map_err(undone)?;
        (length, out) = (0, Vec::with_capacity(packed.len().saturating_mul(4).min(RESERVED).min(limit)));
        let mut turn = 0;
        loop {
            let piece = plain.piece(&mut out).map_err(undone)?;
            if piece == 0 {
                break;
            }
            length += piece;
            if length > limit {
                return Err(too_large());
            }
            if !share.grow(piece) {
                return Err(unread());
            }
            masking.advance(&mut out);
            turn += piece;
            if turn >= TURN {
                turn = 0;
                tokio::task::yield_now().await;
            }
        }
    }
    let masked = masking.finish(&mut out);
    Ok(Clean { bytes: share.keep(out), length, masked })
}
