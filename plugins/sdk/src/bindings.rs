//! The contract as Rust types and functions, generated from `wit/`.
//!
//! A connector rarely needs this module: the crate's root re-exports the records under short names,
//! and [`connector!`](crate::connector!) does the exporting.

// Generated code cannot be documented or linted from here; it is the only place of the crate, beside
// the module that `connector!` expands to, where `unsafe` is allowed: it crosses the component boundary.
#![allow(unsafe_code, missing_docs, unreachable_pub, dead_code)]
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::panic, clippy::indexing_slicing, clippy::unimplemented)]

wit_bindgen::generate!({
    world: "connector",
    path: "../../wit",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "muster_sdk::bindings",
    additional_derives: [PartialEq],
    // It holds a handle, which has no equality.
    additional_derives_ignore: ["stream-error"],
});

/// The export `provisioning`, for connectors that have it; its other types are the ones above.
pub mod provisioning {
    wit_bindgen::generate!({
        inline: "package muster:sdk-provisioning; world provisioning-alone { export muster:connector/provisioning@0.1.0; }",
        path: "../../wit",
        with: { "muster:connector/types@0.1.0": crate::bindings::muster::connector::types },
        pub_export_macro: true,
        export_macro_name: "export_provisioning",
        default_bindings_module: "muster_sdk::bindings::provisioning",
        additional_derives: [PartialEq],
    });
}

/// The export `roster`, for connectors that have it.
pub mod roster {
    wit_bindgen::generate!({
        inline: "package muster:sdk-roster; world roster-alone { export muster:connector/roster@0.1.0; }",
        path: "../../wit",
        with: { "muster:connector/types@0.1.0": crate::bindings::muster::connector::types },
        pub_export_macro: true,
        export_macro_name: "export_roster",
        default_bindings_module: "muster_sdk::bindings::roster",
        additional_derives: [PartialEq],
    });
}
