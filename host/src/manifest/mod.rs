//! What a connector says of itself.

mod rules;
#[cfg(test)]
mod sample;
mod scheme;
mod types;

#[cfg(test)]
pub(crate) use sample::sample;
pub use scheme::Scheme;
pub use types::{Credential, Manifest, ManifestError, Rate, ResourceType, Route, RouteUse, Setting, SettingKind};
