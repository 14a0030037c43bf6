//! The names of the settings: sentences for the operator say which one to change.

/// The user name of the Justworks user made for this purpose.
pub(crate) const USERNAME: &str = "justworks-username";
/// That user's password, whose value only the host knows.
pub(crate) const PASSWORD: &str = "justworks-password";
/// The secret that one-time codes are made of, whose value only the host knows.
pub(crate) const CODE: &str = "justworks-2fa-secret";
/// The name of the head of the organization.
pub(crate) const ORG_HEAD: &str = "justworks-org-head";
/// Where one logs in to Justworks.
pub(crate) const BASE_URL: &str = "justworks-base-url";
/// The path of the roster, which Justworks does not document.
pub(crate) const ROSTER_PATH: &str = "justworks-roster-path";
