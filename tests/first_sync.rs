//! The first sync of an account: what is asked, what is published, and how little it takes.

use std::collections::BTreeSet;

use support::chatwoot::{DEMO_TOKEN, FakeChatwoot};
use support::scene::{Scene, text};

#[test]
fn the_demo_account_is_published() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let run = scene.muster(["sync"]);
    run.exits(0).says("support: published as run 1").stderr_is_empty();
    run.says("11 resources, 3 entitlements, 10 grants").says("21 added, 0 changed, 0 removed; 6 requests");
}
