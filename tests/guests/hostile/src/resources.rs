//! Taking what the host has: time, memory, handles, its log.

use crate::bindings::muster::connector::{log, settings};
use crate::bindings::wasi::cli::{exit, stderr, stdout};
use crate::bindings::wasi::clocks::monotonic_clock::subscribe_duration;
use crate::bindings::wasi::http::types::Fields;
use crate::bindings::wasi::io::poll;
use crate::bindings::wasi::random::random;
use crate::http::{Request, send};
use crate::{Outcome, count, done, fail, setting, warn};
use std::hint::black_box;

const HOUR: u64 = 3_600_000_000_000;

/// Never comes back.
pub fn spin() -> ! {
    loop {
        black_box(());
    }
}

fn work(rounds: u64) {
    for round in 0..rounds {
        black_box(round);
    }
}

#[allow(unconditional_recursion, reason = "that is the attack")]
fn deeper(level: u64) -> u64 {
    let frame = black_box([level; 16]);
    deeper(level + 1) + frame.iter().sum::<u64>()
}

/// Asks for so many pages more; whether they came.
#[cfg(target_arch = "wasm32")]
fn grow(pages: usize) -> bool {
    core::arch::wasm32::memory_grow::<0>(pages) != usize::MAX
}

#[cfg(not(target_arch = "wasm32"))]
fn grow(_pages: usize) -> bool {
    false
}

/// Runs a mode of this file.
pub fn sync(mode: &str) -> Outcome {
    match mode {
        "spin" => spin(),
        // Short bursts between short waits: no single stretch is long.
        "spin-in-bursts" => loop {
            work(2_000_000);
            subscribe_duration(1_000_000).block();
        },
        "sleep" => {
            subscribe_duration(HOUR).block();
            done()
        }
        "memory" => {
            // A host that gives twice what it should would give the rest as well.
            let mut hoard = Vec::new();
            for _ in 0..600 {
                hoard.push(vec![black_box(1u8); 1 << 20]);
            }
            fail(format!("{} MiB were to be had", hoard.len()))
        }
        // Untouched pages, then a word about it: the host's total is what refuses them.
        "grow-together" => {
            let base = setting("base-url");
            let _ = send(&Request::to("GET", &format!("{base}/together")));
            let grown = grow(setting("pages").parse().unwrap_or(0));
            let _ = send(&Request::to("GET", &format!("{base}/together")));
            if grown { done() } else { fail("there was no more memory") }
        }
        "grow" => {
            let mut pages = 0;
            while grow(64) {
                pages += 64;
            }
            warn(&format!("grew by {pages} pages"));
            done()
        }
        "handles" => {
            for _ in 0..100_000 {
                std::mem::forget(Fields::new());
            }
            done()
        }
        "pollables" => {
            for _ in 0..100_000 {
                std::mem::forget(subscribe_duration(HOUR));
            }
            done()
        }
        "long-string" => {
            log::write(log::Level::Debug, &"x".repeat(20 << 20));
            done()
        }
        "long-question" => {
            let _ = settings::get(&"x".repeat(20 << 20));
            done()
        }
        "many-headers" => headers(40_000, 10),
        "one-header" => headers(1, 1 << 20),
        "header-list" => {
            let entries: Vec<(String, Vec<u8>)> = (0..40_000).map(|n| (format!("x-{n}"), vec![b'x'])).collect();
            match Fields::from_list(&entries) {
                Ok(_) => done(),
                Err(error) => fail(format!("{error:?}")),
            }
        }
        "recursion" => fail(deeper(0).to_string()),
        "trap" => std::process::abort(),
        "trap-in-the-host" => {
            let _ = poll::poll(&[]);
            done()
        }
        "exit" => {
            exit::exit(Ok(()));
            done()
        }
        "exit-failure" => {
            exit::exit(Err(()));
            done()
        }
        "random" => {
            let _ = random::get_random_bytes(1 << 30);
            done()
        }
        "log-flood" => {
            (0..count()).for_each(|n| warn(&format!("flood {n} {}", "x".repeat(300))));
            done()
        }
        "log-escape-flood" => {
            (0..count()).for_each(|_| warn(&"\u{1b}".repeat(4000)));
            done()
        }
        "log-long-line" => {
            warn(&"y".repeat(1 << 20));
            done()
        }
        "stdout-flood" => {
            let (out, err) = (stdout::get_stdout(), stderr::get_stderr());
            for _ in 0..count() {
                let _ = out.blocking_write_and_flush(&[b'z'; 4096]);
                let _ = err.blocking_write_and_flush(&[b'z'; 4096]);
            }
            done()
        }
        _ => None,
    }
}

/// Makes so many fields of so many bytes.
fn headers(many: usize, bytes: usize) -> Outcome {
    let fields = Fields::new();
    for n in 0..many {
        match fields.append(&format!("x-field-{n}"), &vec![b'x'; bytes]) {
            Ok(()) => {}
            Err(error) => return fail(format!("the field {n}: {error:?}")),
        }
    }
    fail("all of the fields fitted")
}
