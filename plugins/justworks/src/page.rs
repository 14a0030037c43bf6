//! What the pages of Justworks say. Pure.
//!
//! The pages carry their data as JSON in elements like
//! `<script hydration-key="form_authenticity_token" type="application/json">"…"</script>`. No page is parsed as HTML: it is
//! searched for these elements and, where something was refused, for a few words. Whatever a page holds, the answer
//! is a value or none.

use serde_json::Value;

/// A token that is longer is none; Rails makes them of 88 characters.
const TOKEN_CHARS: usize = 1024;
/// The methods that a code of an authenticator app answers to, as far as they are known.
const APPS: [&str; 5] = ["app", "authenticator", "totp", "google", "okta"];

/// How Justworks wants the second factor proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    /// With a code of an authenticator app. The key is handed back where the page has one.
    App { key: Option<String> },
    /// Not at all yet: the page sets it up.
    Enrolment,
    /// By a text message or a call only.
    Sms,
    /// By a passkey only.
    Passkey,
    /// By other methods only, by the page's own names.
    Other(String),
    /// Something asks for proof that a person is there.
    Captcha,
}

/// The JSON of the element with this key.
pub(crate) fn hydration(page: &str, key: &str) -> Option<Value> {
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("hydration-key") {
        rest = after;
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        let quoted = value.and_then(|v| v.strip_prefix('"').or_else(|| v.strip_prefix('\'')));
        let named = quoted.and_then(|v| v.strip_prefix(key)).filter(|v| v.starts_with(['"', '\'']));
        let Some(named) = named else { continue };
        // Where this element does not end, none after it does.
        let (content, more) = named.split_once('>').and_then(|(_, v)| v.split_once('<'))?;
        // As it stands, or escaped as in an attribute.
        if let Ok(json) = serde_json::from_str(content).or_else(|_| serde_json::from_str(&unescaped(content))) {
            return Some(json);
        }
        rest = more;
    }
    None
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The token that every form has to show. It goes into a header: what no header can carry is no token.
pub(crate) fn token(page: &str) -> Option<String> {
    match hydration(page, "form_authenticity_token")? {
        Value::String(token) => Some(token)
            .filter(|t| !t.is_empty() && t.len() <= TOKEN_CHARS && t.bytes().all(|byte| byte.is_ascii_graphic())),
        _ => None,
    }
}

/// Which second factor a page asks for. What a page does not say counts as an app's code: a refusal tells.
pub(crate) fn factor(page: &str) -> Factor {
    let info = hydration(page, "tfaInfo");
    let has = |word: &str| page.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w.eq_ignore_ascii_case(word));
    let lower = page.to_ascii_lowercase();
    let enrolled = info.as_ref().and_then(|info| info.get("enrolled")).and_then(Value::as_bool);
    if enrolled == Some(false) || ["barcode", "qr code", "qr-code"].iter().any(|sign| lower.contains(sign)) {
        return Factor::Enrolment;
    }
    let methods = info.as_ref().map(methods).unwrap_or_default();
    if !methods.is_empty() {
        if methods.iter().any(|method| APPS.iter().any(|app| method.contains(app))) {
            return Factor::App { key: info.as_ref().and_then(key) };
        }
        let all = |known: &[&str]| methods.iter().all(|method| known.iter().any(|k| method.contains(k)));
        return if all(&["sms", "text", "voice", "call", "phone"]) {
            Factor::Sms
        } else if all(&["passkey", "webauthn", "security"]) {
            Factor::Passkey
        } else {
            Factor::Other(methods.join(", "))
        };
    }
    if info.is_none() && !has("authenticator") {
        // A page that is not the one we know: it is judged by its words before a code is spent on it.
        if is_captcha(page) {
            return Factor::Captcha;
        }
        if has("passkey") || has("webauthn") {
            return Factor::Passkey;
        }
        if has("sms") || has("texted") || lower.contains("text message") {
            return Factor::Sms;
        }
    }
    Factor::App { key: info.as_ref().and_then(key) }
}

/// What is handed back with the code.
fn key(info: &Value) -> Option<String> {
    match info.get("key")? {
        Value::String(key) => Some(key.clone()).filter(|key| !key.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The methods that the page offers, lower case: texts, or objects that name one.
fn methods(info: &Value) -> Vec<String> {
    let list = ["methods", "availableMethods", "available_methods"].iter().find_map(|key| info.get(key)?.as_array());
    let name = |method: &Value| match method {
        Value::String(name) => Some(name.to_ascii_lowercase()),
        Value::Object(of) => {
            ["method", "type", "name"].iter().find_map(|key| of.get(*key)?.as_str()).map(str::to_ascii_lowercase)
        }
        _ => None,
    };
    list.into_iter().flatten().filter_map(name).collect()
}

/// Whether the answer of a form is a refusal: the rule of the one client that is known.
pub(crate) fn is_refusal(page: &str) -> bool {
    page.contains("error")
}

/// Whether something asks for proof that a person is there.
pub(crate) fn is_captcha(page: &str) -> bool {
    page.to_ascii_lowercase().contains("captcha")
}

/// Whether the account is locked for having been tried too often.
pub(crate) fn is_locked(page: &str) -> bool {
    const SIGNS: [&str; 6] = ["is locked", "been locked", "locked out", "account locked", "account_locked", "too many"];
    let page = page.to_ascii_lowercase();
    SIGNS.iter().any(|sign| page.contains(sign))
}

/// Whether a page asks for a password: where something else was expected, the session is over.
pub(crate) fn is_login(page: &str) -> bool {
    let page = page.to_ascii_lowercase();
    page.contains("type=\"password\"") || page.contains("type='password'")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn element(key: &str, json: &str) -> String {
        format!("<script hydration-key=\"{key}\" type=\"application/json\">{json}</script>")
    }

    #[test]
    fn an_element_is_found_by_its_key_in_every_spelling() {
        for (page, expected) in [
            (element("a", "\"x\""), Some(json!("x"))),
            (element("other", "1") + &element("a", "{\"b\":[1]}"), Some(json!({"b": [1]}))),
            ("<div type=x hydration-key = 'a' data-x=\"1\" >[1]</div>".into(), Some(json!([1]))),
            ("<p hydration-key=\"a\">{&quot;b&quot;:&quot;&amp;&quot;}</p>".into(), Some(json!({"b": "&"}))),
            // The first that is JSON counts.
            (element("a", "{oops") + &element("a", "2"), Some(json!(2))),
            (element("ab", "1"), None),
            (element("b", "\"hydration-key=a\""), None),
            ("hydration-key=\"a\" type=\"application/json\">\"never closed".into(), None),
            ("hydration-key=\"a\"".into(), None),
            ("hydration-key=".into(), None),
            ("hydration-key=\"a".into(), None),
            ("<a hydration-key=\"a\"></a>".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(hydration(&page, "a"), expected, "{page}");
        }
    }

    #[test]
    fn a_page_of_any_length_and_content_gives_an_answer() {
        let deep = element("tfaInfo", &"[".repeat(100_000));
        for page in ["\u{202e}é\0<>".repeat(1000), "hydration-key=\"".repeat(10_000), "<".repeat(100_000), deep] {
            assert_eq!((token(&page), factor(&page)), (None, Factor::App { key: None }));
        }
    }

    #[test]
    fn a_page_that_is_cut_off_anywhere_gives_an_answer() {
        let page =
            element("form_authenticity_token", "\"é+/\"") + &element("tfaInfo", r#"{"key":"k","methods":["app"]}"#);
        for at in (0..page.len()).filter(|at| page.is_char_boundary(*at)) {
            let page = page.split_at(at).0;
            assert_eq!((token(page), matches!(factor(page), Factor::App { .. })), (None, true), "{page}");
        }
    }

    #[test]
    fn a_page_of_elements_without_end_is_not_read_again_and_again() {
        // Each of them would parse the same long text: that took minutes before the text was skipped.
        let page = "<a hydration-key=\"a\" ".repeat(40_000) + ">[" + &"1,".repeat(100_000) + "<";
        assert_eq!(hydration(&page, "a"), None);
    }

    #[test]
    fn a_token_is_a_text_that_a_header_can_carry() {
        for (json, expected) in [
            (r#""abc+/=""#, Some("abc+/=")),
            (r#""\u0061\u003d""#, Some("a=")),
            (r#""""#, None),
            (r#""a\r\nx-evil: 1""#, None),
            (r#""é""#, None),
            ("null", None),
            ("7", None),
            (r#"{"token":"a"}"#, None),
            (&format!("\"{}\"", "a".repeat(2000)), None),
        ] {
            assert_eq!(token(&element("form_authenticity_token", json)).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn the_second_factor_is_told_by_the_page() {
        let info = |json: &str| element("tfaInfo", json);
        let app = |key: Option<&str>| Factor::App { key: key.map(str::to_owned) };
        for (page, expected) in [
            (info(r#"{"key":"k1"}"#), app(Some("k1"))),
            (info(r#"{"key":17}"#), app(Some("17"))),
            (info("{}"), app(None)),
            (info(r#"{"key":null}"#), app(None)),
            (info(r#"{"key":""}"#), app(None)),
            (info("null"), app(None)),
            ("<h1>Enter your code</h1>".into(), app(None)),
            (info(r#"{"methods":["sms","app"],"key":"k"}"#), app(Some("k"))),
            (info(r#"{"methods":[{"type":"APP"}]}"#), app(None)),
            (info(r#"{"methods":["sms"]}"#), Factor::Sms),
            (info(r#"{"methods":["sms","voice"],"key":"k"}"#), Factor::Sms),
            (info(r#"{"methods":["passkey"]}"#), Factor::Passkey),
            (info(r#"{"availableMethods":[{"method":"webauthn"}]}"#), Factor::Passkey),
            (info(r#"{"methods":["passkey","sms"]}"#), Factor::Other("passkey, sms".into())),
            (info(r#"{"methods":[]}"#), app(None)),
            (info(r#"{"methods":"sms"}"#), app(None)),
            (info(r#"{"key":"ABC","enrolled":false}"#), Factor::Enrolment),
            (info(r#"{"key":"ABC"}"#) + "<a>Can't scan barcode?</a>", Factor::Enrolment),
            ("<p>Scan this QR code with your app</p>".into(), Factor::Enrolment),
            ("<p>Enter the code of the text message we sent</p>".into(), Factor::Sms),
            ("<p>We sent an SMS</p>".into(), Factor::Sms),
            ("<p>Use your passkey</p>".into(), Factor::Passkey),
            ("<p>Use your authenticator app, a passkey or SMS</p>".into(), app(None)),
            (info(r#"{"key":"k"}"#) + "<a>Send a text message instead</a>", app(Some("k"))),
            ("<div class=g-recaptcha></div>".into(), Factor::Captcha),
            (info("{}") + "<script src=recaptcha.js>", app(None)),
        ] {
            assert_eq!(factor(&page), expected, "{page}");
        }
    }

    #[test]
    fn refusals_are_told_apart_by_their_words() {
        assert!(is_refusal(r#"{"error":"x"}"#) && is_refusal("<p class=\"errors\">"));
        assert!(!is_refusal("<h1>Welcome</h1>") && !is_refusal(""));
        assert!(is_captcha("<div class='h-Captcha'>") && !is_captcha("capture"));
        assert!(is_locked("Your account is LOCKED") && is_locked("Too many tries"));
        assert!(!is_locked("wrong") && !is_locked(r#"{"locked":false}"#) && !is_locked("blocked"));
        assert!(is_login("<INPUT type=\"password\">") && is_login("<input type='password'>") && !is_login("password"));
    }
}
