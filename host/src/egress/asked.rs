//! What a manifest asks of the network, judged before anybody is asked to grant it. Pure.
//!
//! Rule: a manifest names origins as they are spelled here, and owns no header that is the host's. Reason: `init` writes
//! them out and the host sets them after policy. Attack: a credential called `host` or `transfer-encoding`, with which
//! the host itself would undo the policy.

use super::headers;
use super::target::Origin;
use crate::manifest::{Manifest, ManifestError, Scheme};
use crate::text::shorten;

/// Judges origins and credentials.
///
/// # Errors
/// The first that is refused.
pub fn judge(manifest: &Manifest) -> Result<(), ManifestError> {
    let refused = |what: String| ManifestError { name: manifest.name.clone(), what };
    let origins = manifest.routes.iter().map(|r| &r.origin).chain(manifest.credentials.iter().map(|c| &c.origin));
    for origin in origins.filter(|o| !o.starts_with('{')) {
        Origin::parse(origin).map_err(|why| refused(format!("the origin {:?} {why}", shorten(origin, 200))))?;
    }
    for credential in &manifest.credentials {
        if let Ok(Scheme::Header { name, .. }) = Scheme::read(credential)
            && headers::is_the_hosts(&name)
        {
            let id = shorten(&credential.id, 64);
            return Err(refused(format!("the credential {id} would set the header {name}, which belongs to the host")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    #[test]
    fn a_credential_may_not_frame_a_request() {
        let judged = |name: &str| {
            let mut manifest = sample();
            manifest.credentials[0].parameters[0].1 = name.into();
            judge(&manifest).map_err(|e| e.to_string())
        };
        for name in [
            "Host",
            "transfer-encoding",
            "Content_Length",
            "Cookie",
            "Connection",
            "Proxy-Authorization",
            "X-HTTP-Method-Override",
        ] {
            assert!(judged(name).is_err_and(|e| e.contains("belongs to the host")), "{name}");
        }
        for name in ["x-token", "Authorization", "api_access_token"] {
            assert_eq!(judged(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn an_origin_is_one() {
        for origin in ["https://a.test/x", "https://a.test\nallow-private = []", "http://0x7f.1", "https://user@a.test"]
        {
            let mut manifest = sample();
            manifest.routes[0].origin = origin.into();
            assert!(judge(&manifest).is_err(), "{origin}");
        }
        assert_eq!(judge(&sample()), Ok(()));
    }
}
