//! The pages: as section 3.1 of what is known says, with the data in elements that have a `hydration-key`.

/// What a page of the second factor shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFactor {
    /// It asks for an app's code, with a key that has to come back.
    #[default]
    App,
    /// The same without a key.
    AppWithoutKey,
    /// It asks for a code and holds no data at all.
    PlainPage,
    /// Nothing was set up yet: the page shows a new secret.
    Enrolment,
    /// A text message only.
    Sms,
    /// A passkey only.
    Passkey,
    /// It leads to the company's page at once.
    None,
}

fn element(key: &str, json: &serde_json::Value) -> String {
    format!("<script hydration-key=\"{key}\" type=\"application/json\">{json}</script>\n")
}

fn page(title: &str, elements: &str, body: &str) -> String {
    format!("<!DOCTYPE html>\n<html><head><title>{title}</title>\n{elements}</head>\n<body>{body}</body></html>\n")
}

pub(super) fn login(csrf: &str) -> String {
    let form = "<form action=\"/login\" method=\"post\"><input name=\"username\"><input name=\"password\" type=\"password\"></form>";
    let data = element("form_authenticity_token", &csrf.into()) + &element("locale", &"en-US".into());
    page("Log in | Justworks", &data, form)
}

/// The wall before the login: no form, no token.
pub(super) fn wall() -> String {
    page("One moment", "", "<div class=\"h-captcha\" data-sitekey=\"x\"></div><p>Are you a person?</p>")
}

/// A password that was refused, with a captcha beside it.
pub(super) fn captcha() -> String {
    page("Log in | Justworks", "", "<p class=\"error\">Please solve the captcha</p><div class=\"g-recaptcha\"></div>")
}

pub(super) fn home() -> String {
    page("Home | Justworks", "", "<h1>Welcome back</h1>")
}

pub(super) fn refused() -> String {
    serde_json::json!({"error": "Your user name, password or code does not match."}).to_string()
}

pub(super) fn locked() -> String {
    serde_json::json!({"error": "Your account is locked. Reset your password."}).to_string()
}

pub(super) fn second_factor(kind: SecondFactor, csrf: Option<&str>, key: &str) -> String {
    let token = csrf.map(|csrf| element("form_authenticity_token", &csrf.into())).unwrap_or_default();
    let info = |json: serde_json::Value| token.clone() + &element("tfaInfo", &json);
    let form = "<form><input name=\"auth_code\"></form>";
    match kind {
        SecondFactor::App => page("Verify", &info(serde_json::json!({"key": key, "phone": null})), form),
        SecondFactor::AppWithoutKey => page("Verify", &info(serde_json::json!({"phone": null})), form),
        SecondFactor::PlainPage | SecondFactor::None => page("Verify", &token, form),
        SecondFactor::Enrolment => {
            let text = "<h1>Set up an app</h1><img alt=\"code\"><a>Can't scan barcode?</a>";
            page("Set up", &info(serde_json::json!({"key": "KRUGS43JONXW4ZJAGEZDGNBV"})), text)
        }
        SecondFactor::Sms => {
            let data = info(serde_json::json!({"methods": ["sms", "voice"], "phone": "***-***-0199"}));
            page("Verify", &data, "<p>We texted a code to ***-***-0199</p>")
        }
        SecondFactor::Passkey => {
            page("Verify", &info(serde_json::json!({"methods": ["passkey"]})), "<button>Use your passkey</button>")
        }
    }
}
