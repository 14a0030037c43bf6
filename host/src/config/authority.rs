//! Certificates that the operator trusts beside the system's: a company's own authority.

use super::error::ConfigError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

/// Bytes of such a file: far more than any company has authorities.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads the certificates of a PEM file.
///
/// # Errors
/// It cannot be read, or holds no certificate that could be an authority's.
pub fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let wrong = |why: &str| ConfigError::new(format!("ca-file {} {why}", path.display()));
    let unreadable = |e: std::io::Error| wrong(&format!("cannot be read: {}", crate::text::io_words(&e)));
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES {
        return Err(wrong(&format!("has more than {FILE_BYTES} bytes")));
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    let found: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| wrong("is no PEM file"))?;
    let mut roots = rustls::RootCertStore::empty();
    let (good, bad) = roots.add_parsable_certificates(found.iter().cloned());
    match (good, bad) {
        (0, _) => Err(wrong("holds no certificate").with_help("it has to hold -----BEGIN CERTIFICATE----- blocks")),
        (_, 0) => Ok(found),
        _ => Err(wrong(&format!("holds {bad} certificates that cannot be read"))),
    }
}
