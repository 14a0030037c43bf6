//! Egress: everything between a guest's HTTP request and the network. This is the security boundary.
//!
//! Pure decisions: [`asked`] (a manifest's wishes), [`target`] (canonical URLs), [`address`] (classes of addresses), [`policy`] (routes and
//! origins), [`headers`], [`overrides`], [`credentials`], [`form`], [`totp`], [`cookies`], [`retry`], [`decode`], [`mask`], [`flow`].
//! Effects: [`dial`] (resolve, connect, TLS), [`steps`] (one-time codes), [`answer`] (reading), [`throttle`] (the
//! pace), [`exchange`] (the order of it all).

pub mod address;
pub mod answer;
pub mod asked;
pub mod caps;
pub mod cookies;
pub mod counters;
pub mod credentials;
pub mod decode;
pub mod dial;
pub mod error;
pub mod exchange;
pub mod flow;
pub mod form;
pub mod headers;
pub mod mask;
pub mod overrides;
pub mod policy;
pub mod retry;
pub mod steps;
pub mod taped;
pub mod target;
#[cfg(test)]
mod tests;
pub mod throttle;
pub mod totp;
