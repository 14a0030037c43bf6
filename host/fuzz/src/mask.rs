//! No form of a secret survives, wherever an answer is cut into pieces.

use crate::spelling;
use muster::egress::mask::Masker;
use muster::settings::Secret;

/// Bytes: a secret, 0, a second one, 0, and a body; pieces are as long as the body's own bytes say.
pub fn any(data: &[u8]) {
    let mut parts = data.splitn(3, |b| *b == 0);
    let mut text = || parts.next().and_then(|p| std::str::from_utf8(p).ok()).unwrap_or_default().to_owned();
    let secrets = [text(), text()];
    let body = parts.next().unwrap_or_default();
    if secrets.iter().all(|s| s.contains('*')) {
        return;
    }
    let secrets: Vec<String> = secrets.into_iter().filter(|s| !s.contains('*')).collect();
    let cuts: Vec<usize> = body.iter().map(|b| usize::from(*b)).collect();
    nothing_survives(&secrets, body, &cuts);
    each_form_is_replaced_whole(&secrets);
    for secret in &secrets {
        for (_, form) in forms(secret) {
            nothing_survives(&secrets, &[body, form.as_bytes(), body].concat(), &cuts);
        }
    }
}

/// The closed list: what a vendor may make of a secret, and how that is called.
pub fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let mut out = vec![("raw", secret.to_owned())];
    for upper in [true, false] {
        for space in ["%20", "+"] {
            out.push(("percent", spelling::percent(secret, "-._~", upper, space)));
        }
    }
    for html in [None, Some(true), Some(false)] {
        for ascii in [None, Some(true), Some(false)] {
            for slash in [true, false] {
                out.push(("JSON", spelling::json(secret, html, slash, ascii)));
            }
        }
    }
    for apostrophe in ["'", "&#39;", "&#039;", "&#x27;", "&apos;"] {
        for quote in ["\"", "&quot;", "&#34;"] {
            for plus in ["+", "&#43;"] {
                out.push(("HTML", spelling::html(secret, apostrophe, quote, plus)));
            }
        }
    }
    for before in 0..3 {
        for url in [true, false] {
            out.push(("Base64", spelling::base64(secret.as_bytes(), before, url)));
        }
    }
    out.retain(|(_, form)| form.len() >= 4);
    out
}

/// After masking the body holds no form of any secret; it is the same for every cutting; what held none is as it was,
/// and what did has changed. `cuts` are the lengths of the pieces, again and again. A secret has no `*`, of which the
/// mask is made, and fewer than four bytes are none.
pub fn nothing_survives(secrets: &[String], body: &[u8], cuts: &[usize]) {
    let long: Vec<&String> = secrets.iter().filter(|s| s.len() >= 4).collect();
    let masker = masker(secrets);
    let masked = in_pieces(&masker, body, &[]);
    let forms: Vec<(&str, String)> = long.iter().flat_map(|s| forms(s)).collect();
    for (name, form) in &forms {
        assert!(!holds(&masked, form.as_bytes()), "the {name} form {form:?} survives in {}", shown(&masked));
    }
    let held = forms.iter().any(|(_, form)| holds(body, form.as_bytes()));
    // Beside the list only what the host itself makes of a secret may be masked.
    let sent = long.iter().any(|s| holds(body, spelling::percent(s, "*-._", true, "+").as_bytes()));
    assert!(masked != body || !held, "a body that holds a secret is as it was: {}", shown(body));
    assert!(masked == body || held || sent, "a body without a secret is changed: {}", shown(body));
    assert_eq!(masker.finds(body), masked != body, "what is found is what is changed: {}", shown(body));
    assert_eq!(masker.bytes(body).unwrap_or_else(|| body.to_vec()), masked, "in one call and in one piece");
    let cut = in_pieces(&masker, body, cuts);
    assert!(cut == masked, "cut into {cuts:?}: {} instead of {}", shown(&cut), shown(&masked));
}

/// Each form alone is replaced whole, though another secret may be its beginning.
pub fn each_form_is_replaced_whole(secrets: &[String]) {
    let masker = masker(secrets);
    for (name, form) in secrets.iter().filter(|s| s.len() >= 4).flat_map(|s| forms(s)) {
        assert_eq!(masker.text(&form), "***", "of the {name} form {form:?} something is left");
    }
}

/// A masker that grew is one that knew all secrets at once.
pub fn grows(first: &[String], second: &[String], body: &[u8]) {
    let all = [first, second].concat();
    let grown = masker(first).with(&secrets(second));
    assert_eq!(grown.bytes(body), masker(&all).bytes(body), "{}", shown(body));
}

/// Base64 of a text with a secret in it tells no byte of the secret that is certain, wherever the secret stands.
pub fn base64_around(secret: &str, before: &[u8], after: &[u8]) {
    let whole = [before, secret.as_bytes(), after].concat();
    for text in [data_encoding::BASE64.encode(&whole), data_encoding::BASE64URL_NOPAD.encode(&whole)] {
        let masked = masker(&[secret.to_owned()]).text(&text);
        let certain = [false, true].map(|url| spelling::base64(secret.as_bytes(), before.len() % 3, url));
        assert!(certain.iter().all(|c| !masked.contains(c)), "{masked} still holds {secret:?}");
    }
}

fn secrets(texts: &[String]) -> Vec<Secret> {
    texts.iter().cloned().map(Secret::new).collect()
}

fn masker(texts: &[String]) -> Masker {
    Masker::new(&secrets(texts))
}

/// As an answer comes; without cuts in one piece.
fn in_pieces(masker: &Masker, body: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut out, mut masking, mut rest) = (Vec::new(), masker.begin(), body);
    for cut in cuts.iter().cycle().take(4 * body.len()) {
        let (piece, later) = rest.split_at((*cut).min(rest.len()));
        out.extend_from_slice(piece);
        masking.advance(&mut out);
        rest = later;
    }
    out.extend_from_slice(rest);
    masking.finish(&mut out);
    out
}

fn holds(body: &[u8], form: &[u8]) -> bool {
    body.windows(form.len()).any(|w| w == form)
}

fn shown(body: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(body))
}
