//! The contract and the rest of WASI as Rust types and functions, generated from the repository's `wit/` and the
//! world beside this crate.

// Generated code cannot be documented or linted from here; beside the export it is the only place with `unsafe`.
#![allow(unsafe_code, missing_docs, unreachable_pub, dead_code)]
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::panic, clippy::indexing_slicing, clippy::unimplemented)]

wit_bindgen::generate!({
    world: "tests:hostile/hostile",
    path: ["../../../wit", "wit"],
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "crate::bindings",
});
