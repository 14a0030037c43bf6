//! What a component may import: interface by interface, nothing ambient.
//!
//! Rule: every import is named here. Reason: an interface that nobody decided on is a door nobody watches.
//! `cli`, `filesystem` and `sockets` are offered because language runtimes import them unasked, and inert: no
//! arguments, no environment, closed input, output thrown away, no folder, no address. `exit` is a trap.

use super::bindings::muster::connector as contract;
use super::clocks::Clocks;
use super::guest::Guest;
use wasmtime::Engine;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi_http::p2::bindings::http;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView as _};

/// Interfaces a component may import, without their version; `contract` compares against this list before
/// anything is compiled.
pub const OFFERED: [&str; 34] = [
    "muster:connector/types",
    "muster:connector/manifest",
    "muster:connector/collector",
    "muster:connector/settings",
    "muster:connector/log",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:http/types",
    "wasi:http/outgoing-handler",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:sockets/network",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

fn table(guest: &mut Guest) -> &mut ResourceTable {
    guest.ctx().table
}

/// The linker of every connector.
///
/// # Errors
/// An interface is linked twice: a mistake in this file.
pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::<Guest>::new(engine);
    let l = &mut linker;
    wasi::io::error::add_to_linker::<Guest, Io>(l, table)?;
    wasi::io::poll::add_to_linker::<Guest, Io>(l, table)?;
    wasi::io::streams::add_to_linker::<Guest, Io>(l, table)?;
    wasi::clocks::wall_clock::add_to_linker::<Guest, WasiClocks>(l, Guest::clocks)?;
    wasi::clocks::monotonic_clock::add_to_linker::<Guest, Clocks>(l, Guest::monotonic)?;
    wasi::random::random::add_to_linker::<Guest, WasiRandom>(l, |g| g.ctx().ctx.random())?;
    wasi::random::insecure::add_to_linker::<Guest, WasiRandom>(l, |g| g.ctx().ctx.random())?;
    wasi::random::insecure_seed::add_to_linker::<Guest, WasiRandom>(l, |g| g.ctx().ctx.random())?;
    let options = http::types::LinkOptions::default();
    http::types::add_to_linker::<Guest, WasiHttp>(l, &options, Guest::http)?;
    http::outgoing_handler::add_to_linker::<Guest, WasiHttp>(l, Guest::http)?;
    inert(l)?;
    contract::types::add_to_linker::<Guest, HasSelf<Guest>>(l, |g| g)?;
    contract::manifest::add_to_linker::<Guest, HasSelf<Guest>>(l, |g| g)?;
    contract::collector::add_to_linker::<Guest, HasSelf<Guest>>(l, |g| g)?;
    contract::settings::add_to_linker::<Guest, HasSelf<Guest>>(l, |g| g)?;
    contract::log::add_to_linker::<Guest, HasSelf<Guest>>(l, |g| g)?;
    Ok(linker)
}

fn inert(l: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use wasi::{cli, filesystem, sockets};
    cli::exit::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::environment::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::stdin::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::stdout::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::stderr::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_input::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_output::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    filesystem::types::add_to_linker::<Guest, WasiFilesystem>(l, Guest::filesystem)?;
    filesystem::preopens::add_to_linker::<Guest, WasiFilesystem>(l, Guest::filesystem)?;
    sockets::tcp::add_to_linker::<Guest, WasiSockets>(l, Guest::sockets)?;
    sockets::udp::add_to_linker::<Guest, WasiSockets>(l, Guest::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<Guest, WasiSockets>(l, Guest::sockets)?;
    sockets::udp_create_socket::add_to_linker::<Guest, WasiSockets>(l, Guest::sockets)?;
    sockets::instance_network::add_to_linker::<Guest, WasiSockets>(l, Guest::sockets)?;
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<Guest, WasiSockets>(l, &options, Guest::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<Guest, WasiSockets>(l, Guest::sockets)?;
    Ok(())
}
