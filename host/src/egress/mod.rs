//! Egress: everything between a guest's HTTP request and the network. This is the security boundary.
//!
//! Pure decisions: [`target`] (canonical URLs), [`address`] (classes of addresses), [`policy`] (routes and
//! origins), [`headers`], [`retry`], [`mask`]. Effects: [`dial`] (resolve, connect, TLS), [`exchange`] (the
//! order of it all), [`throttle`] (the pace).

pub mod address;
pub mod credentials;
pub mod dial;
pub mod error;
pub mod exchange;
pub mod headers;
pub mod mask;
pub mod policy;
pub mod retry;
pub mod target;
#[cfg(test)]
mod tests;
pub mod throttle;
