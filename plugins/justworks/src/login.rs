//! The login of a browser: a token, the password's form, the second factor's form. The host fills in the secrets and
//! keeps the session.
//!
//! | request | what for |
//! | --- | --- |
//! | `GET /login` | the token that every form has to show |
//! | `POST /login` | user name and password, by the host; once |
//! | `GET /tfa` | which second factor is asked for, a token, perhaps a key |
//! | `POST /tfa` | the code, by the host; once more at the next 30-second step where it is refused |
//!
//! Nothing here is repeated but the code, and that once: Justworks locks accounts that fail too often.

use muster_sdk::Failure;

use crate::api::{Seen, Site, is_below, login_refused};
use crate::page::{self, Factor};
use crate::settings::{BASE_URL, CODE, PASSWORD, USERNAME};

/// Codes that are tried: the one of the moment and the next, in case the clocks differ.
const CODES: usize = 2;

/// How the login went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// Password and code were accepted.
    In,
    /// The password was accepted and no code was asked for.
    WithoutCode,
    /// Nothing was asked for: a session seems to live. Only the roster can tell.
    Before,
}

/// Logs in.
///
/// # Errors
/// What Justworks does not accept, and what to do.
pub(crate) fn open(site: &Site<'_>) -> Result<Signed, Failure> {
    let token = match site.page("/login", None)? {
        Seen::Page(page) => match page::token(&page) {
            Some(token) => token,
            None if page::is_captcha(&page) => return Err(captcha()),
            None => return Err(unknown_page("/login", "it holds no form_authenticity_token")),
        },
        Seen::Away(path) if is_below(&path, "/login") => {
            return Err(unknown_page("/login", &format!("it leads to {path}")));
        }
        Seen::Away(_) => return Ok(Signed::Before),
        Seen::Refused { page, .. } if page::is_captcha(&page) => return Err(captcha()),
        Seen::Refused { status: 404 | 410, sentence, .. } => {
            return Err(Failure::InvalidSettings(format!("{sentence}; does {BASE_URL} lead to Justworks?")));
        }
        Seen::Refused { sentence, .. } => {
            return Err(Failure::Forbidden(format!("the login page is refused: {sentence}")));
        }
    };
    // The host adds user name and password.
    match site.post("/login", &token, &[])? {
        Seen::Page(page) if !page::is_refusal(&page) => {}
        // A browser follows, and is in.
        answer @ Seen::Away(_) if !answer.is_login() => {}
        Seen::Page(page) | Seen::Refused { page, .. } => return Err(refused_for(&page).unwrap_or_else(login_refused)),
        Seen::Away(_) => return Err(login_refused()),
    }
    second_factor(site, token)
}

fn second_factor(site: &Site<'_>, mut token: String) -> Result<Signed, Failure> {
    for _ in 0..CODES {
        let asked = site.page("/tfa", Some(&token))?;
        let page = match &asked {
            Seen::Page(page) => page,
            Seen::Away(_) if asked.is_login() => {
                return Err(Failure::Unauthorized(format!(
                    "Justworks took {USERNAME} and {PASSWORD} and then asked for them again: log in with a browser and see what it wants"
                )));
            }
            Seen::Away(path) => return no_code(path),
            Seen::Refused { page, sentence, .. } => {
                let other = || Failure::Unexpected(format!("the page of the second factor is refused: {sentence}"));
                return Err(refused_for(page).unwrap_or_else(other));
            }
        };
        let key = match page::factor(page) {
            Factor::App { key } => key,
            Factor::Captcha => return Err(captcha()),
            Factor::Enrolment => return Err(enrolment()),
            Factor::Sms => return Err(no_app("only by text message or call")),
            Factor::Passkey => return Err(no_app("only by a passkey")),
            Factor::Other(methods) => return Err(no_app(&format!("only by {}", crate::text::quoted(&methods)))),
        };
        // Every form wants a fresh token: the page's own, else one of the login page.
        token = match page::token(page) {
            Some(token) => token,
            None => match site.page("/login", None)? {
                Seen::Page(page) => page::token(&page).unwrap_or(token),
                Seen::Away(_) | Seen::Refused { .. } => token,
            },
        };
        let mut fields = vec![("method", "app"), ("remember_this_device", "false")];
        fields.extend(key.as_deref().map(|key| ("key", key)));
        // The host adds the code, and waits for the next one where this one was used.
        let answer = site.post("/tfa", &token, &fields)?;
        match &answer {
            Seen::Page(page) if !page::is_refusal(page) => return Ok(Signed::In),
            Seen::Away(path) if !answer.is_login() && !is_below(path, "/tfa") => return Ok(Signed::In),
            Seen::Page(page) | Seen::Refused { page, .. } => {
                if let Some(failure) = refused_for(page) {
                    return Err(failure);
                }
            }
            // Thrown back to the beginning: a second code would want the password again.
            Seen::Away(_) if answer.is_login() => break,
            Seen::Away(_) => {}
        }
    }
    Err(Failure::Unauthorized(format!(
        "Justworks refused the one-time code: check {CODE}, and whether the clock of this machine is right"
    )))
}

/// The password was enough, or the page leads to another second factor.
fn no_code(path: &str) -> Result<Signed, Failure> {
    let path = path.to_ascii_lowercase();
    let leads = |words: &[&str]| words.iter().any(|word| path.contains(word));
    if leads(&["passkey", "webauthn"]) {
        Err(no_app("only by a passkey"))
    } else if leads(&["sms", "voice"]) {
        Err(no_app("only by text message or call"))
    } else if leads(&["tfa", "enroll", "enrol", "setup", "set_up", "set-up"]) {
        Err(enrolment())
    } else {
        Ok(Signed::WithoutCode)
    }
}

/// What a page that refuses is about, where it says more than no.
fn refused_for(page: &str) -> Option<Failure> {
    if page::is_captcha(page) {
        return Some(captcha());
    }
    page::is_locked(page).then(|| {
        Failure::Forbidden(format!(
            "Justworks has locked the account for having been tried too often: unlock it in Justworks, check {USERNAME}, {PASSWORD} and {CODE}, and wait before the next try"
        ))
    })
}

fn captcha() -> Failure {
    Failure::Forbidden(format!(
        "Justworks asks for a captcha, which only a person can answer: log in with a browser from this network once, see whether {USERNAME} and {PASSWORD} are right, and try again later"
    ))
}

fn enrolment() -> Failure {
    Failure::InvalidSettings(format!(
        "two-factor authentication is not set up yet for {USERNAME}: log in with a browser, turn it on under Account Settings with an \
         authenticator app, copy the long code at \"Can't scan barcode?\" into {CODE}, and finish with a code of the app"
    ))
}

fn no_app(how: &str) -> Failure {
    Failure::Forbidden(format!(
        "Justworks lets {USERNAME} prove the second factor {how}, which cannot be automated: turn on an authenticator app for that user \
         under Account Settings, and put its long code into {CODE}"
    ))
}

fn unknown_page(path: &str, why: &str) -> Failure {
    Failure::Unexpected(format!(
        "{path} is not the page this connector knows: {why}; does {BASE_URL} lead to Justworks?"
    ))
}
