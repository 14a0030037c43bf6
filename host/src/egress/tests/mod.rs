//! Egress from outside: an injected resolver, a server of canned answers on loopback.

mod exchange;
mod login;
mod scene;
