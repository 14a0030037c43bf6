//! Components made without a compiler: connectors that are wrong in one way each, and tiny ones that are right.
//!
//! All of them are built from the repository's own `wit/`, so they change with the contract.

use std::path::PathBuf;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, Resolve, WorldId};

/// The folder of the contract.
pub fn wit_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"))
}

/// The contract, read, and its package.
pub fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit_folder()).expect("wit/ parses");
    (resolve, package)
}

/// The contract's version, as `wit/` says it.
pub fn contract_version() -> String {
    let (resolve, package) = contract();
    resolve.packages[package].name.version.as_ref().expect("the package has a version").to_string()
}

/// A connector that describes itself by this name, asks for nothing, accepts every account and finds nobody.
pub fn working(name: &str) -> Vec<u8> {
    working_for_contract(name, &contract_version())
}

/// The same, built for another version of the contract.
pub fn working_for_contract(name: &str, version: &str) -> Vec<u8> {
    let (resolve, package) = contract_of(version);
    let world = resolve.select_world(&[package], Some("connector")).expect("the world");
    component(&resolve, world, working_module(name, version, ""))
}

/// The core module of a working connector, with these fields more.
fn working_module(name: &str, version: &str, more: &str) -> Vec<u8> {
    let source = format!("muster:connector/source@{version}");
    // The answers lie in memory as the canonical ABI lays records out; what is not written is zero: the empty
    // list, the empty text, no value, `ok`.
    let describe = [text_at(NAME, name), text_at(VERSION, "1.2.3"), text_at(NAME, name), text_at(SUMMARY, "Nobody")];
    let account = [text_at(NAME, name), text_at(NAME, name)];
    let module = format!(
        r#"(module
  (memory (export "memory") 1)
  (data (i32.const {DESCRIPTION}) "{describe}")
  (data (i32.const {payload}) "{account}")
  (data (i32.const {NAME}) "{name}")
  (data (i32.const {VERSION}) "1.2.3")
  (data (i32.const {SUMMARY}) "Nobody")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const {SCRATCH})
  (func (export "{source}#describe") (result i32) i32.const {DESCRIPTION})
  (func (export "{source}#check") (result i32) i32.const {ACCOUNT})
  (func (export "{source}#sync") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const {NO_TASKS})
  {more})"#,
        describe = describe.concat(),
        payload = ACCOUNT + 8,
        account = account.concat(),
    );
    wat::parse_str(module).expect("a module")
}

const DESCRIPTION: u32 = 64;
/// `result<account, failure>`: the tag takes eight bytes, because a failure can hold a `u64`.
const ACCOUNT: u32 = 256;
const NO_TASKS: u32 = 512;
const NAME: u32 = 1024;
const VERSION: u32 = 2048;
const SUMMARY: u32 = 2064;
const SCRATCH: u32 = 32_768;

/// A text's address and length, as they stand in a data segment.
fn text_at(address: u32, text: &str) -> String {
    let length = u32::try_from(text.len()).expect("a short text");
    [address, length].iter().flat_map(|n| n.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
}

/// A connector of every type but no sense: whatever is called, it crashes, `describe` included.
pub fn crashing() -> Vec<u8> {
    let (resolve, package) = contract();
    dummy(&resolve, package, "connector")
}

/// The same with the exports `provisioning` and `roster`.
pub fn crashing_with_both() -> Vec<u8> {
    let (resolve, package) = contract();
    dummy(&resolve, package, "connector-with-both")
}

/// Built for another version of the contract, otherwise as [`crashing`].
pub fn for_contract(version: &str) -> Vec<u8> {
    let (resolve, package) = contract_of(version);
    dummy(&resolve, package, "connector")
}

/// The contract under another version.
fn contract_of(version: &str) -> (Resolve, PackageId) {
    let (mut resolve, package) = contract();
    let ours = contract_version();
    if version == ours {
        return (resolve, package);
    }
    let text = std::fs::read_to_string(wit_folder().join("connector.wit")).expect("the contract's text");
    let ours = format!("package muster:connector@{ours};");
    assert!(text.contains(&ours), "the contract's text names its package");
    let text = text.replace(&ours, &format!("package muster:connector@{version};"));
    let package = resolve.push_str("other.wit", &text).expect("the other contract parses");
    (resolve, package)
}

/// Wants a key-value store of WASI, which no host of Muster offers.
pub fn importing_key_value_store() -> Vec<u8> {
    let (mut resolve, _) = contract();
    let store = "package wasi:keyvalue@0.2.0; interface store { open: func(name: string) -> u32; }";
    resolve.push_str("keyvalue.wit", store).expect("the store's text parses");
    importing(resolve, "wasi:keyvalue/store@0.2.0")
}

/// Wants an interface that somebody made up.
pub fn importing_own_interface() -> Vec<u8> {
    let (mut resolve, _) = contract();
    let vault = "package acme:vault@1.0.0; interface secrets { reveal: func(name: string) -> string; }";
    resolve.push_str("vault.wit", vault).expect("the vault's text parses");
    importing(resolve, "acme:vault/secrets@1.0.0")
}

fn importing(mut resolve: Resolve, interface: &str) -> Vec<u8> {
    let version = contract_version();
    let world = format!(
        "package tests:nosy; world nosy {{ include muster:connector/connector@{version}; import {interface}; }}"
    );
    let package = resolve.push_str("nosy.wit", &world).expect("the world's text parses");
    dummy(&resolve, package, "nosy")
}

/// A good component that is no connector: it exports something else.
pub fn without_source() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let text = "package tests:idle; interface tool { run: func(); } world idle { export tool; }";
    let package = resolve.push_str("idle.wit", text).expect("the world's text parses");
    dummy(&resolve, package, "idle")
}

/// What a linker makes before it is wrapped into a component.
pub fn core_module() -> Vec<u8> {
    let (resolve, package) = contract();
    let world = resolve.select_world(&[package], Some("connector")).expect("the world");
    dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync))
}

/// A component whose code does not keep to its types; its sections are in order.
pub fn invalid() -> Vec<u8> {
    let module = "(component (core module (func (result i32) i64.const 1)))";
    wat::parse_str(module).expect("a component's text")
}

/// Half of a download.
pub fn truncated() -> Vec<u8> {
    let mut bytes = working("halved");
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A component's first bytes and then noise.
pub fn damaged() -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend(noise());
    bytes
}

/// 4 KB of noise, the same each time.
pub fn noise() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(4096).collect()
}

fn dummy(resolve: &Resolve, package: PackageId, world: &str) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).expect("the world");
    component(resolve, world, dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync)))
}

fn component(resolve: &Resolve, world: WorldId, mut module: Vec<u8>) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).expect("metadata fit");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    let encoder = encoder.module(&module).expect("the module fits its world");
    encoder.encode().expect("a component")
}

/// As [`working`], with so many memories of so many pages each.
pub fn with_memories(name: &str, memories: usize, pages: u64) -> Vec<u8> {
    let more: String = (1..memories).map(|_| format!("(memory {pages})\n")).collect();
    let (resolve, package) = contract();
    let world = resolve.select_world(&[package], Some("connector")).expect("the world");
    let module = working_module(name, &contract_version(), &more);
    component(&resolve, world, module)
}
