//! A scene with a fake ChartHop and its connection.

use std::ops::{Deref, DerefMut};

use super::{Builder, FakeChartHop};
use crate::scene::{Profile, Scene};

/// The variable that holds the token.
pub const TOKEN: &str = "CHARTHOP_TOKEN";
/// The name of the connection.
pub const CONNECTION: &str = "people";

/// A scene whose connection `people` reads a fake ChartHop. When it ends, nothing may have been asked that is none of
/// the connector's business.
pub struct Place {
    scene: Scene,
    fake: FakeChartHop,
}

impl Place {
    /// Starts the fake, and writes a connection that may be changed before.
    pub fn new(builder: Builder, change: impl FnOnce(Profile) -> Profile) -> Self {
        let fake = builder.start();
        let profile = change(profile(CONNECTION, &fake));
        let scene = Scene::new().built_connector("charthop").env(TOKEN, fake.token()).connection(profile);
        Place { scene, fake }
    }

    /// The fake.
    pub fn fake(&self) -> &FakeChartHop {
        &self.fake
    }
}

/// A connection to a fake, opened by its address.
pub fn profile(name: &str, fake: &FakeChartHop) -> Profile {
    Profile::new(name, "charthop")
        .setting("charthop-base-url", &fake.origin())
        .setting("charthop-org-id", &fake.org().slug)
        .setting_toml("charthop-api-token", &format!("{{ env = \"{TOKEN}\" }}"))
        .allow_private(&fake.address().to_string())
}

impl Deref for Place {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl DerefMut for Place {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let strangers = self.fake.strangers();
        assert!(strangers.is_empty() || std::thread::panicking(), "the connector asked for {strangers:?}");
    }
}
