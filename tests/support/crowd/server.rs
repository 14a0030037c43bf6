//! The least of an HTTP server: GET, HTTP/1.1, connections that stay open, one thread for each.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use super::pages::Answers;

const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
const UNAUTHORIZED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
/// The head of a request, in bytes: what a host sends has no cookie and no long field.
const HEAD: usize = 4096;

struct Shared {
    answers: Answers,
    /// The whole header field, in lower case but for the token.
    authorization: String,
    latency: Duration,
    requests: AtomicU64,
    stopped: AtomicBool,
}

pub(super) struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(answers: Answers, token: &str, latency: Duration) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            answers,
            authorization: format!("\r\nauthorization: Bearer {token}\r\n"),
            latency,
            requests: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Ok(Server { shared, address, thread: Some(thread) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Relaxed);
        // Wakes the thread that accepts. Those of the connections end with their clients.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().map_while(Result::ok) {
        if shared.stopped.load(Relaxed) {
            return;
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || serve(stream, &shared));
    }
}

/// Answers request after request. A client waits for each answer before it sends the next.
fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut filled) = ([0; HEAD], 0);
    while filled < HEAD {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            shared.requests.fetch_add(1, Relaxed);
            if !shared.latency.is_zero() {
                std::thread::sleep(shared.latency);
            }
            stream.write_all(answer(&String::from_utf8_lossy(&buffer[..filled]), shared))?;
            filled = 0;
        }
    }
    Ok(())
}

fn answer<'s>(request: &str, shared: &'s Shared) -> &'s [u8] {
    if !request.contains(&shared.authorization) {
        return UNAUTHORIZED;
    }
    let target = request.strip_prefix("GET ").and_then(|rest| rest.split(' ').next());
    target.and_then(|target| shared.answers.get(target)).map_or(NOT_FOUND, |answer| answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status lines and bodies of requests on one connection.
    fn answers(requests: &[&str]) -> Vec<String> {
        let answers = Answers::from([("/a?page=1".to_owned(), (&b"HTTP/1.1 200 OK\r\n\r\nyes"[..]).into())]);
        let server = Server::start(answers, "Secret", Duration::ZERO).unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let mut one = |request: &&str| {
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = [0; HEAD];
            let count = stream.read(&mut answer).unwrap();
            String::from_utf8_lossy(&answer[..count]).replace("\r\n", "|")
        };
        let answers = requests.iter().map(&mut one).collect();
        assert_eq!(server.requests(), requests.len() as u64);
        answers
    }

    #[test]
    fn a_connection_serves_page_after_page_to_who_has_the_token() {
        let known = "GET /a?page=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer Secret\r\n\r\n";
        let gone = known.replace("page=1", "page=2");
        let stranger = known.replace("Secret", "secret");
        let got = answers(&[known, &gone, &stranger, known]);
        assert_eq!(got[0], "HTTP/1.1 200 OK||yes");
        assert!(got[1].starts_with("HTTP/1.1 404 ") && got[2].starts_with("HTTP/1.1 401 "), "{got:?}");
        assert_eq!(got[3], got[0]);
    }
}
