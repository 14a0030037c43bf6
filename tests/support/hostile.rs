//! Hostile servers on 127.0.0.1: honest until they are told otherwise, then byte by byte what no server should send.
//!
//! Each counts its connections, and how often its attack really began: a test whose attack did not begin must fail.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificate::Tls;
use crate::scene::{Profile, TOKEN};

/// No attack lasts longer: by then every test has failed.
const LONGEST: Duration = Duration::from_secs(40);

/// What an attack does to the client in front of it. The connection ends when it returns.
type Script = Arc<dyn Fn(&mut Peer) + Send + Sync>;

/// Where an attack begins, and what it does.
#[derive(Clone)]
pub struct Attack {
    at: At,
    script: Script,
    goes_on: bool,
}

#[derive(Clone)]
enum At {
    /// Before a byte of TLS or HTTP.
    Connection,
    /// At each request whose path ends so.
    Path(&'static str),
    /// After a TLS handshake that chose HTTP/2.
    Http2,
}

impl Attack {
    /// Begins at a request whose path ends so; all other requests are answered honestly.
    pub fn at(path: &'static str, script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self { at: At::Path(path), script: Arc::new(script), goes_on: false }
    }

    /// Begins at the list of agents, when the connection has been proved.
    pub fn agents(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::at("/agents", script)
    }

    /// The list of agents is answered with these bytes, and the connection is closed.
    pub fn bytes(answer: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::agents(move |peer| {
            peer.fire();
            peer.send(&answer);
        })
    }

    /// Begins with the connection, before a byte of TLS or HTTP.
    pub fn connection(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self { at: At::Connection, script: Arc::new(script), goes_on: false }
    }

    /// Begins at the first request over HTTP/2, which nobody answers.
    pub fn http2(script: impl Fn(&mut Peer, u32) + Send + Sync + 'static) -> Self {
        let script = move |peer: &mut Peer| {
            if let Some(stream) = peer.http2_request() {
                script(peer, stream);
            }
        };
        Self { at: At::Http2, script: Arc::new(script), goes_on: false }
    }

    /// The connection does not end with it: the next request is answered as if nothing had been.
    #[must_use]
    pub fn then_goes_on(mut self) -> Self {
        self.goes_on = true;
        self
    }
}

#[derive(Default)]
struct Shared {
    connections: AtomicU64,
    requests: AtomicU64,
    fired: AtomicU64,
    over: AtomicBool,
    attack: Mutex<Option<Attack>>,
    tls: Option<Arc<ServerConfig>>,
}

impl Shared {
    fn attack(&self) -> Option<Attack> {
        self.attack.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A running hostile server: a small honest Chatwoot until [`Hostile::attack`].
pub struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
    authority: Option<String>,
}

impl Hostile {
    /// A server without TLS.
    pub fn start() -> Self {
        Self::serve(Shared::default(), None)
    }

    /// A server that speaks TLS.
    pub fn tls(tls: &Tls) -> Self {
        let (config, authority) = tls.make();
        Self::serve(Shared { tls: Some(config), ..Shared::default() }, Some(authority))
    }

    fn serve(shared: Shared, authority: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(shared));
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if shared.over.load(Ordering::SeqCst) {
                        break;
                    }
                    shared.connections.fetch_add(1, Ordering::SeqCst);
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || connection(stream.unwrap(), shared));
                }
            }
        });
        Self { address, shared, authority }
    }

    /// From now on it is hostile.
    pub fn attack(&self, attack: Attack) {
        *self.shared.attack.lock().unwrap_or_else(PoisonError::into_inner) = Some(attack);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Requests over HTTP/1 that were understood.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How often the attack began.
    pub fn fired(&self) -> u64 {
        self.shared.fired.load(Ordering::SeqCst)
    }

    /// The certificate of the authority that vouches for a server with TLS, as PEM.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().expect("a server with TLS")
    }

    /// The connection that leads to it; with TLS by the name localhost.
    pub fn profile(&self, name: &str) -> Profile {
        let (scheme, host) = match self.authority {
            Some(_) => ("https", "localhost"),
            None => ("http", "127.0.0.1"),
        };
        let host_port = format!("{host}:{}", self.address.port());
        Profile::new(name, "chatwoot")
            .setting("chatwoot-base-url", &format!("{scheme}://{host_port}"))
            .setting("chatwoot-account-id", "1")
            .setting_toml("chatwoot-api-token", &format!("{{ env = \"{TOKEN}\" }}"))
            .allow_private(&host_port)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // The accepting thread sees it at its next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn connection(tcp: TcpStream, shared: Arc<Shared>) {
    let _ = tcp.set_nodelay(true);
    let _ = tcp.set_read_timeout(Some(LONGEST));
    let _ = tcp.set_write_timeout(Some(LONGEST));
    let attack = shared.attack();
    let begun = Instant::now();
    let mut peer = Peer { wire: Box::new(tcp.try_clone().unwrap()), tcp, shared, begun, read: Vec::new() };
    if let Some(Attack { at: At::Connection, script, .. }) = &attack {
        return script(&mut peer);
    }
    let http2 = matches!(&attack, Some(Attack { at: At::Http2, .. }));
    if let Some(config) = peer.shared.tls.clone() {
        let mut config = (*config).clone();
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let server = ServerConnection::new(Arc::new(config)).unwrap();
        peer.wire = Box::new(StreamOwned::new(server, peer.tcp.try_clone().unwrap()));
    }
    match attack {
        Some(Attack { script, .. }) if http2 => script(&mut peer),
        attack => {
            while let Some(path) = peer.request() {
                peer.shared.requests.fetch_add(1, Ordering::SeqCst);
                match &attack {
                    Some(Attack { at: At::Path(end), script, goes_on }) if path.ends_with(end) => {
                        script(&mut peer);
                        if !goes_on {
                            break;
                        }
                    }
                    _ => drop(peer.send(kept(honest(&path)))),
                }
            }
        }
    }
}

/// What an honest small Chatwoot answers.
pub fn honest(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rsplit('/').next() {
        Some("profile") => {
            r#"{"name":"Ada","email":"ada@example.test","accounts":[{"id":1,"name":"Acme","status":"active","role":"administrator"}]}"#
        }
        Some("agents") => {
            r#"[{"id":1,"name":"Ada","email":"ada@example.test","confirmed":true,"role":"administrator"},{"id":2,"name":"Bob","email":"bob@example.test","confirmed":true,"role":"agent"}]"#
        }
        Some("teams") => r#"[{"id":7,"name":"support"}]"#,
        Some("team_members") => r#"[{"id":1},{"id":2}]"#,
        _ => "{}",
    }
}

/// A good answer, and the last on its connection.
pub fn ok(json: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", json)
}

/// A good answer on a connection that is kept.
pub fn kept(json: impl AsRef<[u8]>) -> Vec<u8> {
    whole("200 OK", "content-type: application/json\r\n", json.as_ref())
}

/// A whole answer: status and reason, more header lines, the body; its length is true. It says that it is the last on
/// its connection, so that no other request meets its end: a retry of that would be counted with the attack's.
pub fn answer(status: &str, lines: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    whole(status, &format!("{lines}connection: close\r\n"), body.as_ref())
}

fn whole(status: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let mut all = format!("HTTP/1.1 {status}\r\n{lines}content-length: {}\r\n\r\n", body.len()).into_bytes();
    all.extend_from_slice(body);
    all
}

/// A body in this encoding, as JSON of an honest server would come.
pub fn encoded(encoding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", &format!("content-type: application/json\r\ncontent-encoding: {encoding}\r\n"), body)
}

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// The client, as a hostile server sees it.
pub struct Peer {
    wire: Box<dyn Wire>,
    tcp: TcpStream,
    shared: Arc<Shared>,
    begun: Instant,
    /// Read and not looked at yet.
    read: Vec<u8>,
}

impl Peer {
    /// The attack begins now.
    pub fn fire(&self) {
        self.shared.fired.fetch_add(1, Ordering::SeqCst);
    }

    /// Sends bytes; false when the client has gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.wire.write_all(bytes.as_ref()).and_then(|()| self.wire.flush()).is_ok()
    }

    /// Sends the same for ever: until the client goes. What the client says meanwhile is read and forgotten.
    pub fn flood(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let block = bytes.repeat((32 * 1024 / bytes.len()).max(1));
        while self.begun.elapsed() < LONGEST && self.send(&block) && self.hear_what_there_is() {}
    }

    /// Reads and forgets what the client has said by now; false when the client has gone.
    fn hear_what_there_is(&mut self) -> bool {
        let mut heard = [0; 64 * 1024];
        let _ = self.tcp.set_nonblocking(true);
        let result = self.wire.read(&mut heard);
        let _ = self.tcp.set_nonblocking(false);
        match result {
            Ok(count) => count > 0,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// Sends byte by byte with a pause after each; silent in the end, if it comes to that.
    pub fn trickle(&mut self, bytes: impl AsRef<[u8]>, pause: Duration) {
        for byte in bytes.as_ref() {
            if !self.send([*byte]) {
                return;
            }
            std::thread::sleep(pause);
        }
        self.silence();
    }

    /// Says nothing until the client goes.
    pub fn silence(&mut self) {
        let mut heard = [0; 4096];
        while matches!(self.wire.read(&mut heard), Ok(1..)) {}
    }

    /// Ends the connection with a reset.
    pub fn reset(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _entered = runtime.enter();
        let tcp = self.tcp.try_clone().unwrap();
        tcp.set_nonblocking(true).unwrap();
        let tcp = tokio::net::TcpStream::from_std(tcp).unwrap();
        tcp.set_zero_linger().unwrap();
    }

    /// Ends the server's direction; the client may still speak.
    pub fn hang_up(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// The next request's path; none when the client has gone.
    fn request(&mut self) -> Option<String> {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.hear().ok()?,
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        String::from_utf8_lossy(&head).split(' ').nth(1).map(str::to_owned)
    }

    /// The number of the first stream the client opens; our settings are sent.
    fn http2_request(&mut self) -> Option<u32> {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
        self.take(preface)?;
        self.send(frame(SETTINGS, 0, 0, [])).then_some(())?;
        self.http2_next()
    }

    /// The number of the next stream the client opens.
    pub fn http2_next(&mut self) -> Option<u32> {
        loop {
            let head = self.take(9)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            self.take(length as usize)?;
            if head[3] == HEADERS {
                return Some(u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            self.hear().ok()?;
        }
        Some(self.read.drain(..count).collect())
    }

    fn hear(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        match self.wire.read(&mut chunk)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
/// No more of these headers follow.
pub const END_HEADERS: u8 = 4;
/// Nothing follows on this stream.
pub const END_STREAM: u8 = 1;
/// `:status: 200`, as HPACK's table has it.
pub const STATUS_200: [u8; 1] = [0x88];

/// A frame of HTTP/2 (RFC 9113, 4.1).
pub fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut all = vec![length[1], length[2], length[3], kind, flags];
    all.extend_from_slice(&stream.to_be_bytes());
    all.extend_from_slice(payload);
    all
}

/// A Zstandard frame (RFC 8878) made by hand: this window, and `blocks` blocks that each unfold to 128 KiB of one
/// byte out of four bytes.
pub fn zstd_bomb(window: u8, blocks: u32) -> Vec<u8> {
    // Magic number, a descriptor without content size or checksum, and the window's exponent and mantissa.
    let mut all = vec![0x28, 0xb5, 0x2f, 0xfd, 0, window];
    for block in 1..=blocks {
        let last = u32::from(block == blocks);
        // Block type 1 repeats one byte.
        let head = (128 * 1024) << 3 | 1 << 1 | last;
        all.extend_from_slice(&head.to_le_bytes()[..3]);
        all.push(b' ');
    }
    all
}

/// Gzip of so many blanks.
pub fn gzip_bomb(bytes: u64) -> Vec<u8> {
    gzip(io::repeat(b' ').take(bytes))
}

/// Gzip of what is read.
pub fn gzip(mut from: impl Read) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(&mut from, &mut encoder).unwrap();
    encoder.finish().unwrap()
}
