//! The numbers that bound an exchange.

use std::time::Duration;

/// Numbers of the egress limits; see [`crate::limits`] for their reasons.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Whole exchange, retries and waiting included.
    pub deadline: Duration,
    /// Exchanges in progress at once.
    pub at_once: usize,
    /// Bytes of a request body.
    pub request_body: usize,
    /// Bytes of a response's head, and of the buffer that a connection reads into.
    pub response_head: usize,
    /// Fields of a response's head.
    pub response_fields: usize,
    /// Bytes of a response body, decoded.
    pub response_body: usize,
    /// Bytes of all bodies that the host holds.
    pub held: usize,
}
