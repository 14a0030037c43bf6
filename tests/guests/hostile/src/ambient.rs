//! Looking for what lies about: environment, arguments, input, files, sockets.

use crate::bindings::wasi::cli::{environment, stdin};
use crate::bindings::wasi::filesystem::preopens;
use crate::bindings::wasi::io::streams::StreamError;
use crate::bindings::wasi::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use crate::bindings::wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket, udp_create_socket};
use crate::{Outcome, count, done, fail, setting, warn};

/// Where the setting `target` points: `127.0.0.1:PORT`.
fn address() -> IpSocketAddress {
    let port = setting("target").rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(1);
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) })
}

/// Runs a mode of this file. What was found is the failure's sentence.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        "environment" => fail(format!(
            "environment {:?}, arguments {:?}, folder {:?}",
            environment::get_environment(),
            environment::get_arguments(),
            environment::initial_cwd()
        )),
        "stdin" => match stdin::get_stdin().blocking_read(100) {
            Ok(bytes) => fail(format!("read {} bytes", bytes.len())),
            Err(StreamError::Closed) => fail("input closed"),
            Err(_) => fail("input broken"),
        },
        "files" => {
            let folders: Vec<String> = preopens::get_directories().into_iter().map(|(_, path)| path).collect();
            fail(format!("folders {folders:?}"))
        }
        "tcp" => fail(tcp()),
        "udp" => fail(udp()),
        "name" => {
            let network = instance_network::instance_network();
            match ip_name_lookup::resolve_addresses(&network, "localhost") {
                Ok(stream) => loop {
                    match stream.resolve_next_address() {
                        Ok(found) => return fail(format!("resolved {found:?}")),
                        Err(crate::bindings::wasi::sockets::network::ErrorCode::WouldBlock) => {
                            stream.subscribe().block();
                        }
                        Err(error) => return fail(format!("lookup {error:?}")),
                    }
                },
                Err(error) => fail(format!("lookup {error:?}")),
            }
        }
        // Each may cost the host a descriptor.
        "many-sockets" => {
            let mut held = Vec::new();
            for _ in 0..count() {
                match tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4) {
                    Ok(socket) => held.push(socket),
                    Err(error) => {
                        warn(&format!("after {} sockets: {error:?}", held.len()));
                        break;
                    }
                }
            }
            let _ = crate::http::send(&crate::requests::from_settings("/measure"));
            done()
        }
        _ => None,
    }
}

fn tcp() -> String {
    let socket = match tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4) {
        Ok(socket) => socket,
        Err(error) => return format!("create {error:?}"),
    };
    let network = instance_network::instance_network();
    if let Err(error) = socket.start_connect(&network, address()) {
        return format!("connect {error:?}");
    }
    loop {
        match socket.finish_connect() {
            Ok(_) => return "connected".to_owned(),
            Err(crate::bindings::wasi::sockets::network::ErrorCode::WouldBlock) => socket.subscribe().block(),
            Err(error) => return format!("connect {error:?}"),
        }
    }
}

fn udp() -> String {
    let socket = match udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4) {
        Ok(socket) => socket,
        Err(error) => return format!("create {error:?}"),
    };
    let network = instance_network::instance_network();
    let any = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });
    if let Err(error) = socket.start_bind(&network, any).and_then(|()| socket.finish_bind()) {
        return format!("bind {error:?}");
    }
    match socket.stream(Some(address())) {
        Ok(_) => "sent".to_owned(),
        Err(error) => format!("stream {error:?}"),
    }
}
