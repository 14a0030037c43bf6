//! The fake against the facts: it lets nobody in who does not do every step right.

use super::{FakeJustworks, PASSWORD, ROSTER, SECRET, USERNAME, totp};
use crate::raw::{Raw, send};

/// A browser: it keeps cookies.
#[derive(Default)]
struct Browser(Vec<(String, String)>);

impl Browser {
    fn send(&mut self, fake: &FakeJustworks, method: &str, path: &str, token: &str, body: &str) -> Raw {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers
            .extend([("cookie", cookies.as_str()), ("x-csrf-token", token)].into_iter().filter(|(_, v)| !v.is_empty()));
        let raw = send(fake.address(), method, path, &headers, body);
        for line in raw.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.0.retain(|(known, _)| known != name);
            self.0.push((name.to_owned(), value.to_owned()));
        }
        raw
    }

    fn get(&mut self, fake: &FakeJustworks, path: &str) -> Raw {
        self.send(fake, "GET", path, "", "")
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).expect("it is there").0
}

fn token(page: &Raw) -> String {
    between(page.text(), "hydration-key=\"form_authenticity_token\" type=\"application/json\">\"", "\"<").to_owned()
}

fn credentials(password: &str) -> String {
    format!("username={}&password={}", encoded(USERNAME), encoded(password))
}

fn code_form(page: &Raw, code: &str) -> String {
    let key = between(page.text(), "\"key\":\"", "\"").to_owned();
    format!("method=app&remember_this_device=false&key={key}&auth_code={code}")
}

/// After the password.
fn half_in(fake: &FakeJustworks) -> (Browser, Raw) {
    let mut browser = Browser::default();
    let page = browser.get(fake, "/login");
    let raw = browser.send(fake, "POST", "/login", &token(&page), &credentials(PASSWORD));
    assert!(raw.status == 200 && !raw.text().contains("error"), "{}", raw.text());
    let page = browser.get(fake, "/tfa");
    (browser, page)
}

#[test]
fn who_does_every_step_gets_the_roster() {
    let fake = FakeJustworks::demo().start();
    let (mut browser, page) = half_in(&fake);
    assert_eq!(browser.get(&fake, ROSTER).status, 302, "half in is not in");
    let code = totp::code(SECRET, totp::step());
    let raw = browser.send(&fake, "POST", "/tfa", &token(&page), &code_form(&page, &code));
    assert!(raw.status == 200 && !raw.text().contains("error"), "{}", raw.text());
    assert_eq!(browser.get(&fake, ROSTER).json()["members"].as_array().unwrap().len(), 8);
    assert_eq!(fake.door().malformed, Vec::<String>::new());
}

#[test]
fn a_code_is_good_once_and_only_now() {
    let fake = FakeJustworks::demo().start();
    let step = totp::step();
    for (code, works) in
        [(totp::code(SECRET, step - 3), false), (totp::code(SECRET, step), true), (totp::code(SECRET, step), false)]
    {
        let (mut browser, page) = half_in(&fake);
        let raw = browser.send(&fake, "POST", "/tfa", &token(&page), &code_form(&page, &code));
        assert_eq!((raw.status, raw.text().contains("error")), (200, !works), "{code}");
    }
    let door = fake.door();
    assert_eq!((door.wrong, door.repeated_codes, door.codes.len()), (2, 1, 3));
}

#[test]
fn a_form_without_a_fresh_token_or_without_cookies_is_rejected() {
    let fake = FakeJustworks::demo().start();
    let mut browser = Browser::default();
    let page = browser.get(&fake, "/login");
    let stale = token(&page);
    let fresh = token(&browser.get(&fake, "/login"));
    for token in [stale.as_str(), "", "other"] {
        let mut same = Browser(browser.0.clone());
        assert_eq!(same.send(&fake, "POST", "/login", token, &credentials(PASSWORD)).status, 422, "{token}");
        // A wrong token spends the right one.
        browser.get(&fake, "/login");
    }
    assert_eq!(browser.send(&fake, "POST", "/login", &fresh, &credentials(PASSWORD)).status, 422, "spent");
    let page = browser.get(&fake, "/login");
    assert_eq!(Browser::default().send(&fake, "POST", "/login", &token(&page), &credentials(PASSWORD)).status, 422);
    browser.0.retain(|(name, _)| name != "jw_device");
    assert_eq!(browser.send(&fake, "POST", "/login", &token(&page), &credentials(PASSWORD)).status, 422);
    assert_eq!(fake.door().malformed.len(), 6);
}

#[test]
fn five_wrong_passwords_lock_the_account() {
    let fake = FakeJustworks::demo().start();
    let mut browser = Browser::default();
    let mut last = String::new();
    for password in ["1", "2", "3", "4", "5", PASSWORD] {
        let page = browser.get(&fake, "/login");
        last = browser.send(&fake, "POST", "/login", &token(&page), &credentials(password)).text().to_owned();
        assert!(last.contains("error"), "{last}");
    }
    assert!(last.contains("locked"), "{last}");
    assert_eq!(fake.door().wrong, 5);
}
