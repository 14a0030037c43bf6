//! A fake Justworks: a login as section 3.1 of what is known describes it, and the roster that is assumed.
//!
//! It is strict where the real site may be: every form has to show the token of the page before it, every request has to
//! bring the cookies back, a code is good once, and five wrong tries lock the account.

mod pages;
mod site;
#[cfg(test)]
mod tests;
pub mod totp;
mod world;

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::pages::SecondFactor;
pub use self::site::Door;
use self::site::{Account, Site};
pub use self::world::{Person, Unknown, World, demo, large};
use crate::certificate::Tls;
use crate::scene::{Profile, Scene};
use crate::server::{FakeServer, Options};

/// Who logs in.
pub const USERNAME: &str = "roster.reader@lantern.test";
/// With characters that a form, a shell and HTML escape.
pub const PASSWORD: &str = "p4ss+W&rd <7> \"qu%te\"";
/// What makes the codes.
pub const SECRET: &str = "JBSWY3DPEHPK3PXPGEZDGNBVGY3TQOJQ";
/// The variables that hold the secrets.
pub const PASSWORD_VARIABLE: &str = "JUSTWORKS_PASSWORD";
pub const SECRET_VARIABLE: &str = "JUSTWORKS_2FA_SECRET";
/// Where the roster is unless a fake is told otherwise.
pub const ROSTER: &str = "/members.json";

/// Turns on with every roster, so that no two come in one order.
fn turn() -> u64 {
    static TURN: AtomicU64 = AtomicU64::new(0);
    TURN.fetch_add(1, Ordering::Relaxed)
}

fn percent_decoded(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A running fake Justworks; everything of [`FakeServer`] is there, too.
pub struct FakeJustworks {
    server: FakeServer,
    site: Arc<Mutex<Site>>,
}

impl FakeJustworks {
    /// The company of [`demo`].
    pub fn demo() -> Builder {
        Builder::new(demo())
    }

    /// A company of this many people.
    pub fn large(people: usize) -> Builder {
        Builder::new(large(people))
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the company between requests.
    pub fn edit<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.site().world)
    }

    /// A copy of the company as it is now.
    pub fn world(&self) -> World {
        self.site().world.clone()
    }

    /// What happened at the door.
    pub fn door(&self) -> Door {
        self.site().door.clone()
    }

    /// Forgets which codes were used: for a second run within the same 30 seconds, together with the host's memory.
    pub fn forget_codes(&self) {
        self.site().forget_codes();
    }

    /// A connection to this fake, opened by its address; the secrets come from the environment.
    pub fn profile(&self, name: &str) -> Profile {
        Profile::new(name, "justworks")
            .setting("justworks-base-url", &self.origin())
            .setting("justworks-username", USERNAME)
            .setting_toml("justworks-password", &format!("{{ env = \"{PASSWORD_VARIABLE}\" }}"))
            .setting_toml("justworks-2fa-secret", &format!("{{ env = \"{SECRET_VARIABLE}\" }}"))
            .setting("justworks-org-head", "Meg Field")
            .allow_private(&self.address().to_string())
    }

    /// A folder with the connection `people` to this fake, the connector and the secrets.
    pub fn scene(&self) -> Scene {
        self.scene_with(|profile| profile)
    }

    /// The same with a connection that is changed before it is written.
    pub fn scene_with(&self, change: impl FnOnce(Profile) -> Profile) -> Scene {
        Scene::new()
            .built_connector("justworks")
            .env(PASSWORD_VARIABLE, PASSWORD)
            .env(SECRET_VARIABLE, SECRET)
            .connection(change(self.profile("people")))
    }
}

impl Deref for FakeJustworks {
    type Target = FakeServer;

    fn deref(&self) -> &FakeServer {
        &self.server
    }
}

/// What a fake Justworks shall hold and how it shall behave.
#[derive(Clone, Debug)]
pub struct Builder {
    world: World,
    account: Account,
    options: Options,
}

impl Builder {
    fn new(world: World) -> Self {
        let account = Account {
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            secret: SECRET.to_owned(),
            second_factor: SecondFactor::App,
            token_on_login_page_only: false,
            wall: false,
            captcha: false,
            refuse_codes: 0,
            redirects: false,
            roster_path: ROSTER.to_owned(),
            revoke_after: None,
            says_401: false,
        };
        Self { world, account, options: Options::default() }
    }

    /// Changes the company.
    #[must_use]
    pub fn edited(mut self, change: impl FnOnce(&mut World)) -> Self {
        change(&mut self.world);
        self
    }

    /// What the page of the second factor shows.
    #[must_use]
    pub fn second_factor(mut self, kind: SecondFactor) -> Self {
        self.account.second_factor = kind;
        self
    }

    /// The page of the second factor holds no token: only the login page does.
    #[must_use]
    pub fn token_on_login_page_only(mut self) -> Self {
        self.account.token_on_login_page_only = true;
        self
    }

    /// A captcha stands before the login page.
    #[must_use]
    pub fn wall(mut self) -> Self {
        self.account.wall = true;
        self
    }

    /// The password's form wants a captcha solved.
    #[must_use]
    pub fn captcha(mut self) -> Self {
        self.account.captcha = true;
        self
    }

    /// So many right codes are refused, as where clocks differ.
    #[must_use]
    pub fn refuse_codes(mut self, codes: u32) -> Self {
        self.account.refuse_codes = codes;
        self
    }

    /// Forms that are accepted answer with a redirect.
    #[must_use]
    pub fn redirects(mut self) -> Self {
        self.account.redirects = true;
        self
    }

    /// Where the roster is.
    #[must_use]
    pub fn roster_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.account.roster_path);
        self
    }

    /// All sessions end after so many rosters.
    #[must_use]
    pub fn revoke_after(mut self, rosters: u64) -> Self {
        self.account.revoke_after = Some(rosters);
        self
    }

    /// Who has no session is answered 401 instead of being led to the login.
    #[must_use]
    pub fn says_401(mut self) -> Self {
        self.account.says_401 = true;
        self
    }

    /// Speaks TLS.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.options.tls = Some(tls);
        self
    }

    /// Binds and serves.
    pub fn start(self) -> FakeJustworks {
        let site = Arc::new(Mutex::new(Site::new(self.world, self.account)));
        let handler = {
            let site = Arc::clone(&site);
            move |request: &crate::server::Request| site.lock().unwrap_or_else(PoisonError::into_inner).answer(request)
        };
        let server = FakeServer::start(self.options, handler).expect("a free port on loopback");
        FakeJustworks { server, site }
    }
}
