//! The contract in `wit/`: it parses, is whole, is documented item by item, and is the one that the host speaks.

use std::collections::BTreeSet;

use support::components::{self, contract, contract_version, wit_folder};
use support::scene::Scene;
use wit_parser::{Docs, Interface, Resolve, Type, TypeDef, TypeDefKind};

/// Fields and cases whose name, or whose type's comment, says all there is to say.
const SELF_EVIDENT: [&str; 42] = [
    "resource-type.kind",
    "employment.title",
    "user.given-name",
    "user.family-name",
    "user.status",
    "user.employment",
    "details.user",
    "details.group",
    "details.other",
    "resource.id",
    "resource.details",
    "entitlement.resource",
    "entitlement.purpose",
    "grant.resource",
    "item.resource",
    "item.entitlement",
    "item.grant",
    "setting.kind",
    "setting.required",
    "route.use",
    "parameter.name",
    "credential.parameters",
    "description.display-name",
    "description.resource-types",
    "description.settings",
    "description.routes",
    "description.credentials",
    "description.rate",
    "level.debug",
    "level.info",
    "level.warn",
    "level.error",
    "update.id",
    "departure.id",
    "roster-change.hire",
    "roster-change.update",
    "roster-change.depart",
    "progress.outcomes",
    "update.fields",
    "result-of.applied",
    "outcome.index",
    "progress.next",
];

#[test]
fn the_four_worlds_import_and_export_what_their_names_say() {
    let (resolve, package) = contract();
    let name_of = |id: &wit_parser::InterfaceId| resolve.id_of(*id).expect("a named interface");
    let ours = |name: &str| name.strip_prefix("muster:connector/").map(|n| n.split('@').next().unwrap().to_owned());
    let interfaces = |items: &wit_parser::IndexMap<wit_parser::WorldKey, wit_parser::WorldItem>| -> BTreeSet<String> {
        let one = |key: &wit_parser::WorldKey| match key {
            wit_parser::WorldKey::Interface(id) => name_of(id),
            wit_parser::WorldKey::Name(name) => panic!("{name} is no interface"),
        };
        items.keys().map(one).collect()
    };
    let table = [
        ("connector", vec!["source"]),
        ("connector-with-provisioning", vec!["provisioning", "source"]),
        ("connector-with-roster", vec!["roster", "source"]),
        ("connector-with-both", vec!["provisioning", "roster", "source"]),
    ];
    let worlds: Vec<&str> = resolve.packages[package].worlds.keys().map(String::as_str).collect();
    assert_eq!(worlds, table.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, exports) in table {
        let world = &resolve.worlds[resolve.packages[package].worlds[name]];
        let exported: Vec<String> = interfaces(&world.exports).iter().filter_map(|n| ours(n)).collect();
        assert_eq!(exported, exports, "{name}");
        let imported = interfaces(&world.imports);
        let known: BTreeSet<String> = imported.iter().filter_map(|n| ours(n)).collect();
        let expected = ["collector", "log", "manifest", "settings", "types"].map(str::to_owned);
        assert!(known.iter().all(|n| expected.contains(n)), "{name} imports {known:?}");
        let needed = ["collector", "log", "settings"];
        assert!(needed.iter().all(|n| known.contains(*n)), "{name} imports {known:?}");
        assert!(imported.iter().any(|n| n.starts_with("wasi:http/outgoing-handler@0.2.")), "{name}: {imported:?}");
        let doors = ["wasi:cli/", "wasi:filesystem/", "wasi:sockets/"];
        assert!(!imported.iter().any(|n| doors.iter().any(|d| n.starts_with(d))), "{name}: {imported:?}");
    }
}

#[test]
fn every_item_is_documented() {
    let (resolve, package) = contract();
    let mut bare = Vec::new();
    let mut ask = |what: String, docs: &Docs| {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            bare.push(what);
        }
    };
    let package = &resolve.packages[package];
    ask("the package".to_owned(), &package.docs);
    for (name, id) in &package.worlds {
        ask(format!("the world {name}"), &resolve.worlds[*id].docs);
    }
    for (name, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        ask(format!("the interface {name}"), &interface.docs);
        for (function, it) in &interface.functions {
            ask(format!("the function {name}.{function}"), &it.docs);
        }
        for (type_name, it) in own_types(&resolve, interface) {
            ask(format!("the type {name}.{type_name}"), &it.docs);
            for (part, docs) in parts(it) {
                let part = format!("{type_name}.{part}");
                if !SELF_EVIDENT.contains(&part.as_str()) {
                    ask(format!("{name}.{part}"), docs);
                }
            }
        }
    }
    assert!(bare.is_empty(), "{} items of wit/connector.wit have no comment:\n{}", bare.len(), bare.join("\n"));
}

/// Types that the interface defines, without those it only uses.
fn own_types<'r>(resolve: &'r Resolve, interface: &'r Interface) -> impl Iterator<Item = (&'r String, &'r TypeDef)> {
    let all = interface.types.iter().map(|(name, id)| (name, &resolve.types[*id]));
    all.filter(|(_, it)| !matches!(it.kind, TypeDefKind::Type(Type::Id(_))))
}

/// Fields and cases.
fn parts(it: &TypeDef) -> Vec<(&str, &Docs)> {
    match &it.kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|f| (f.name.as_str(), &f.docs)).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|c| (c.name.as_str(), &c.docs)).collect(),
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|c| (c.name.as_str(), &c.docs)).collect(),
        other => panic!("a kind of type that this test does not know: {other:?}"),
    }
}

#[test]
fn no_self_evident_name_is_listed_in_vain() {
    let (resolve, package) = contract();
    let interfaces = resolve.packages[package].interfaces.values().map(|id| &resolve.interfaces[*id]);
    let undocumented: BTreeSet<String> = interfaces
        .flat_map(|interface| own_types(&resolve, interface))
        .flat_map(|(name, it)| parts(it).into_iter().map(move |(part, docs)| (format!("{name}.{part}"), docs)))
        .filter(|(_, docs)| docs.contents.is_none())
        .map(|(name, _)| name)
        .collect();
    let vain: Vec<&&str> = SELF_EVIDENT.iter().filter(|name| !undocumented.contains(**name)).collect();
    assert!(vain.is_empty(), "these are documented or gone; take them from the list: {vain:?}");
}

#[test]
fn the_host_speaks_the_version_of_the_contract() {
    let scene = Scene::new().connector("other.wasm", components::for_contract("0.999.0"));
    let speaks = format!("this host speaks {};", contract_version());
    scene.muster(["inspect", "connectors/other.wasm"]).exits(2).errs(&speaks);
}

#[test]
fn the_changes_name_this_version_first() {
    let changes = std::fs::read_to_string(wit_folder().join("CHANGES.md")).expect("wit/CHANGES.md");
    let newest = changes.lines().find_map(|line| line.strip_prefix("## ")).expect("an entry");
    assert_eq!(newest.trim(), contract_version());
    let entry = changes.split("\n## ").nth(1).and_then(|entry| entry.split_once('\n')).expect("an entry").1;
    assert!(entry.lines().any(|line| line.starts_with("- ")), "the entry of {newest} says nothing");
}
