//! A certificate authority of its own for each TLS server of the tests.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// How a fake speaks TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Names and addresses the certificate is for.
    pub names: Vec<String>,
    /// Whether it ran out long ago.
    pub expired: bool,
    /// The protocols offered, best first.
    pub protocols: Vec<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            names: ["localhost", "127.0.0.1"].map(str::to_owned).to_vec(),
            expired: false,
            protocols: ["h2", "http/1.1"].map(str::to_owned).to_vec(),
        }
    }
}

impl Tls {
    /// A certificate for these names instead of those of the local machine.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// A certificate that ran out long ago.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Offers HTTP/1.1 only.
    #[must_use]
    pub fn http1_only(mut self) -> Self {
        self.protocols = vec!["http/1.1".to_owned()];
        self
    }

    /// The server's side, and the authority's certificate as PEM for clients that shall trust it.
    pub(crate) fn make(&self) -> (Arc<ServerConfig>, String) {
        let (leaf, key, authority) = self.issue();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        config.alpn_protocols = self.protocols.iter().map(|name| name.clone().into_bytes()).collect();
        (Arc::new(config), authority)
    }

    /// Certificate, key and the authority's certificate, each as PEM, for a server that reads files.
    pub(crate) fn pem(&self) -> [String; 3] {
        let (leaf, key, authority) = self.issue();
        [leaf.pem(), key.serialize_pem(), authority]
    }

    fn issue(&self) -> (Certificate, KeyPair, String) {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "Fake vendors' authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();

        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(self.names.clone()).unwrap();
        leaf.distinguished_name.push(DnType::CommonName, "Fake vendor");
        if self.expired {
            leaf.not_before = rcgen::date_time_ymd(2001, 1, 1);
            leaf.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let leaf = leaf.signed_by(&key, &authority).unwrap();
        (leaf, key, authority.pem())
    }
}
