//! Connecting: resolve once, refuse or dial exactly what was checked, TLS by name.
//!
//! Rule: the address that is dialed is the address that was checked, and one forbidden address refuses the
//! whole answer. Reason: a name can resolve to something else the second time. Attack: DNS rebinding, and an
//! answer that mixes a public with a private address in the hope that one of them is tried.
//! Deliberately absent: proxies from the environment.

use super::address::{self, Class};
use super::error::{EgressError, FLOOD};
use super::flow::Flow;
use super::policy::{Denial, Policy};
use super::target::Origin;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Time for a TCP connection and for a TLS handshake, each: part of the exchange's deadline.
const CONNECT: Duration = Duration::from_secs(10);

/// Turns a name into addresses. Injected, so that refusals are tested without DNS.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of the name, in the order to try them.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver.
#[derive(Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) })
    }
}

/// A connection, plain or with TLS.
pub enum Conn {
    /// Only for a host and port the operator opened.
    Plain(Wire),
    /// By name.
    Tls(Box<TlsStream<Wire>>),
}

/// A TCP connection whose incoming bytes are counted.
pub struct Wire {
    stream: TcpStream,
    flow: Arc<Flow>,
}

/// Opens connections for one run. Its TLS session store lives as long as it does.
#[derive(Clone)]
pub struct Dialer {
    resolver: Arc<dyn Resolver>,
    policy: Arc<Policy>,
    authorities: Arc<[CertificateDer<'static>]>,
    tls: Arc<OnceLock<Arc<rustls::ClientConfig>>>,
}

impl Dialer {
    /// A dialer for one run. It trusts the system's authorities, and these.
    pub fn new(resolver: Arc<dyn Resolver>, policy: Arc<Policy>, authorities: Vec<CertificateDer<'static>>) -> Dialer {
        Dialer { resolver, policy, authorities: authorities.into(), tls: Arc::default() }
    }

    async fn dial(self, uri: Uri) -> Result<TokioIo<Conn>, EgressError> {
        let origin = Origin::parse(&format!(
            "{}://{}",
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map(http::uri::Authority::as_str).unwrap_or_default()
        ))
        .map_err(|e| EgressError::Denied(Denial::firm("url", format!("the URL {e}"))))?;
        self.policy.judge_origin(&origin).map_err(EgressError::Denied)?;
        let addresses = self.addresses(&origin).await?;
        judge_addresses(&self.policy, &origin, &addresses).map_err(EgressError::Denied)?;
        let stream = Wire { stream: connect(&origin, &addresses).await?, flow: Arc::default() };
        if !origin.https {
            return Ok(TokioIo::new(Conn::Plain(stream)));
        }
        let tls = |source| EgressError::Tls { host_port: origin.host_port(), source };
        let name = ServerName::try_from(origin.host.trim_matches(['[', ']']).to_owned())
            .map_err(|e| tls(io::Error::other(e)))?;
        let config = Arc::clone(self.tls.get_or_init(|| client_config(&self.authorities)));
        let handshake = tokio_rustls::TlsConnector::from(config).connect(name, stream);
        match tokio::time::timeout(CONNECT, handshake).await {
            Ok(Ok(stream)) => Ok(TokioIo::new(Conn::Tls(Box::new(stream)))),
            Ok(Err(source)) => Err(tls(source)),
            Err(_) => Err(tls(io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long"))),
        }
    }

    async fn addresses(&self, origin: &Origin) -> Result<Vec<SocketAddr>, EgressError> {
        if let Ok(ip) = origin.host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, origin.port)]);
        }
        let resolve = |why: String| EgressError::Resolve { host: origin.host.clone(), why };
        let found = tokio::time::timeout(CONNECT, self.resolver.resolve(origin.host.clone(), origin.port)).await;
        match found {
            Ok(Ok(list)) if list.is_empty() => Err(resolve("the name has no address".to_owned())),
            Ok(Ok(list)) => Ok(list),
            Ok(Err(e)) => Err(resolve(e.to_string())),
            Err(_) => Err(resolve("no answer from DNS".to_owned())),
        }
    }
}

/// Refuses the whole answer if one address is not to be dialed.
///
/// # Errors
/// The denial, with the line that would open the address where one can.
pub fn judge_addresses(policy: &Policy, origin: &Origin, addresses: &[SocketAddr]) -> Result<(), Denial> {
    let opened = policy.is_opened(origin);
    let literal = origin.host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    for address in addresses {
        let Some(class) = address::class(address.ip()) else { continue };
        let shown = match literal {
            true => origin.host_port(),
            false => format!("{} ({})", origin.host_port(), address.ip()),
        };
        match class {
            Class::Private if opened => {}
            Class::LinkLocal if opened && literal => {}
            Class::Private => {
                return Err(Denial {
                    label: "private-address",
                    sentence: format!("{shown} is a private address, and connectors reach only the public internet"),
                    help: policy.help_to_open(origin),
                });
            }
            Class::LinkLocal => {
                return Err(Denial {
                    label: "metadata-address",
                    sentence: format!(
                        "{shown} is a link-local or metadata address, which is opened only as a literal in allow-private"
                    ),
                    help: if literal { policy.help_to_open(origin) } else { Vec::new() },
                });
            }
        }
    }
    Ok(())
}

async fn connect(origin: &Origin, addresses: &[SocketAddr]) -> Result<TcpStream, EgressError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for address in addresses {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A request is written whole: waiting to fill a segment only adds latency.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(e)) => last = e,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer"),
        }
    }
    match last.kind() {
        io::ErrorKind::ConnectionRefused => Err(EgressError::Refused { host_port: origin.host_port() }),
        _ => Err(EgressError::Connect { host_port: origin.host_port(), source: last }),
    }
}

/// What the system trusts, read once a process; where the system has no store (a bare container), Mozilla's list.
fn system_roots() -> &'static rustls::RootCertStore {
    static ROOTS: OnceLock<rustls::RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        roots
    })
}

/// TLS for one run: its session store is its own.
fn client_config(authorities: &[CertificateDer<'static>]) -> Arc<rustls::ClientConfig> {
    let mut roots = system_roots().clone();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

impl tower_service::Service<Uri> for Dialer {
    type Response = TokioIo<Conn>;
    type Error = EgressError;
    type Future = BoxFuture<'static, Result<Self::Response, EgressError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

impl Connection for Conn {
    fn connected(&self) -> Connected {
        // Handed on with each answer, so that its body is booked on the connection it came by.
        let with = |wire: &Wire| Connected::new().extra(Arc::clone(&wire.flow));
        match self {
            Conn::Plain(wire) => with(wire),
            Conn::Tls(tls) => {
                let (wire, session) = tls.get_ref();
                let connected = with(wire);
                if session.alpn_protocol() == Some(b"h2") { connected.negotiated_h2() } else { connected }
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        Poll::Ready(match this.flow.received(buf.filled().len().saturating_sub(before)) {
            true => read,
            false => Err(io::Error::other(FLOOD)),
        })
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Conn {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Conn::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Conn::Tls(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Conn::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Conn::Tls(s) => Pin::new(s).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Conn::Plain(s) => Pin::new(s).poll_flush(cx),
            Conn::Tls(s) => Pin::new(s).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Conn::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Conn::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::policy::Network;
    use crate::manifest::sample;
    use crate::settings::Settings;

    fn judge(origin: &str, opened: bool, ips: &[&str]) -> Result<(), &'static str> {
        let origin = Origin::parse(origin).expect(origin);
        let mut network = Network::default();
        if opened {
            network.allow_private.insert(origin.host_port());
        }
        let policy = Policy::new(&sample(), &Settings::default(), &network).expect("policy");
        let list: Vec<SocketAddr> = ips.iter().map(|ip| SocketAddr::new(ip.parse().expect(ip), 443)).collect();
        judge_addresses(&policy, &origin, &list).map_err(|d| d.label)
    }

    #[test]
    fn one_forbidden_address_refuses_the_whole_answer() {
        assert_eq!(judge("https://a.test", false, &["1.1.1.1"]), Ok(()));
        assert_eq!(judge("https://a.test", false, &["1.1.1.1", "10.0.0.1"]), Err("private-address"));
        assert_eq!(judge("https://a.test", false, &["1.1.1.1", "169.254.169.254"]), Err("metadata-address"));
    }

    #[test]
    fn an_opened_name_reaches_private_addresses_but_never_metadata() {
        assert_eq!(judge("https://intra.test", true, &["10.0.0.1", "fd00::1"]), Ok(()));
        assert_eq!(judge("https://intra.test", true, &["169.254.169.254"]), Err("metadata-address"));
        assert_eq!(judge("https://169.254.169.254", true, &["169.254.169.254"]), Ok(()));
        assert_eq!(judge("https://169.254.169.254", false, &["169.254.169.254"]), Err("metadata-address"));
    }
}
