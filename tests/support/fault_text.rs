//! Faults as people write them: `GET /api/v1/accounts/1/teams/*/team_members 500 x3`.

use std::str::FromStr;
use std::time::Duration;

use http::Method;

use crate::fault::{Fault, FaultKind};

/// The grammar, for `--help`.
pub const GRAMMAR: &str = "\
METHOD PATH KIND [xTIMES] [after=REQUESTS]
  METHOD  GET, POST, … or * for any
  PATH    * is one segment, a last ** is any rest
  KIND    a status (500, 503, 429 …), with [retry-after=VALUE] and [body=TEXT] behind it
          hang            never answers
          drip[=BYTES/MS] the body in small pieces (default 64/20)
          reset           a TCP reset instead of an answer
          reset-body      a TCP reset in the middle of the body
          lost            the request is done, and a TCP reset comes instead of its answer
          cut             half of the JSON as if it were all of it
          short           a content-length that promises more than comes
          html            200 with a web page
          gzip            the body compressed
          type=VALUE      another content type
          redirect=URL    302
          drop-header=NAME  the request header is lost, as at a proxy
          delay=MS        the answer comes later
  xTIMES  how often it fires at most (default: for ever)
  after=  how many matching requests pass before";

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let (Some(method), Some(path), Some(kind)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("`{text}` is no fault: write METHOD PATH KIND, as in `GET /api/v1/profile 500 x3`"));
        };
        if !(path.starts_with('/') || path == "**") {
            return Err(format!("the path `{path}` of a fault starts with a slash, or is **"));
        }
        let known = ["*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        if !known.contains(&method) {
            return Err(format!("`{method}` is no method: GET, POST, … or *"));
        }
        let method = if method == "*" { None } else { Method::from_bytes(method.as_bytes()).ok() };
        let mut fault = Self { method, path: path.to_owned(), times: None, after: 0, kind: parse_kind(kind)? };
        for word in words {
            fault = option(fault, word)?;
        }
        Ok(fault)
    }
}

fn parse_kind(word: &str) -> Result<FaultKind, String> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let needed = |what: &str| value.map(str::to_owned).ok_or_else(|| format!("`{name}` needs a value: {name}={what}"));
    let bare = |kind: FaultKind| match value {
        None => Ok(kind),
        Some(value) => Err(format!("`{name}` takes no value, but was given `{value}`")),
    };
    match name {
        "hang" => bare(FaultKind::Hang),
        "reset" => bare(FaultKind::Reset),
        "reset-body" => bare(FaultKind::ResetMidBody),
        "lost" => bare(FaultKind::LostAnswer),
        "withheld" => bare(FaultKind::Withheld),
        "cut" => bare(FaultKind::CutJson),
        "short" => bare(FaultKind::ShortBody),
        "html" => bare(FaultKind::Html),
        "gzip" => bare(FaultKind::Gzip),
        "drip" => parse_drip(value),
        "type" => {
            let value = needed("text/plain")?;
            http::HeaderValue::from_str(&value).map_err(|_| format!("`{value}` cannot be a header's value"))?;
            Ok(FaultKind::ContentType(value))
        }
        "redirect" => {
            let value = needed("https://elsewhere.test/")?;
            http::HeaderValue::from_str(&value).map_err(|_| format!("`{value}` cannot be a header's value"))?;
            Ok(FaultKind::Redirect(value))
        }
        "drop-header" => Ok(FaultKind::DropHeader(needed("api_access_token")?.to_ascii_lowercase())),
        "delay" => Ok(FaultKind::Delay(Duration::from_millis(number(name, &needed("500")?)?))),
        _ => match name.parse::<u16>() {
            Ok(status) if (200..600).contains(&status) => bare(FaultKind::status(status)),
            _ => Err(format!("`{word}` is no kind of fault")),
        },
    }
}

fn parse_drip(value: Option<&str>) -> Result<FaultKind, String> {
    let (chunk, every) = value.unwrap_or("64/20").split_once('/').ok_or("write drip=BYTES/MS")?;
    let chunk = usize::try_from(number("drip", chunk)?).unwrap_or(usize::MAX).max(1);
    Ok(FaultKind::Drip { chunk, every: Duration::from_millis(number("drip", every)?) })
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number, but `{name}` needs one"))
}

fn option(mut fault: Fault, word: &str) -> Result<Fault, String> {
    if let Some(times) = word.strip_prefix('x').and_then(|times| times.parse().ok()) {
        return Ok(fault.times(times));
    }
    match (word.split_once('='), &mut fault.kind) {
        (Some(("after", count)), _) => fault.after = number("after", count)?,
        (Some(("retry-after", value)), FaultKind::Status { headers, .. }) => {
            http::HeaderValue::from_str(value).map_err(|_| format!("`{value}` cannot be a header's value"))?;
            headers.push(("retry-after".to_owned(), value.to_owned()));
        }
        (Some(("body", value)), FaultKind::Status { body, content_type, .. }) => {
            *body = value.to_owned().into();
            *content_type =
                if value.starts_with(['{', '[']) { "application/json; charset=utf-8" } else { "text/plain" }.to_owned();
        }
        _ => return Err(format!("`{word}` does not belong behind that fault")),
    }
    Ok(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let fault: Fault = "GET /api/v1/accounts/1/teams/*/team_members 500 x3".parse().unwrap();
        assert_eq!(fault.method, Some(Method::GET));
        assert_eq!(fault.times, Some(3));
        assert_eq!(fault.kind, FaultKind::status(500));

        let fault: Fault = "* ** 503 retry-after=2 body={\"a\":1} after=4".parse().unwrap();
        assert_eq!((fault.method, fault.after, fault.times), (None, 4, None));
        assert_eq!(fault.kind, FaultKind::json(503, "{\"a\":1}").header("retry-after", "2"));

        let table = [
            ("hang", FaultKind::Hang),
            ("drip=5/7", FaultKind::Drip { chunk: 5, every: Duration::from_millis(7) }),
            ("drip", FaultKind::Drip { chunk: 64, every: Duration::from_millis(20) }),
            ("reset", FaultKind::Reset),
            ("reset-body", FaultKind::ResetMidBody),
            ("lost", FaultKind::LostAnswer),
            ("withheld", FaultKind::Withheld),
            ("cut", FaultKind::CutJson),
            ("short", FaultKind::ShortBody),
            ("html", FaultKind::Html),
            ("gzip", FaultKind::Gzip),
            ("type=text/plain", FaultKind::ContentType("text/plain".to_owned())),
            ("redirect=http://a.test/?x=1", FaultKind::Redirect("http://a.test/?x=1".to_owned())),
            ("drop-header=Api_Access_Token", FaultKind::DropHeader("api_access_token".to_owned())),
            ("delay=250", FaultKind::Delay(Duration::from_millis(250))),
        ];
        for (word, kind) in table {
            assert_eq!(format!("GET /a {word}").parse::<Fault>().unwrap().kind, kind, "{word}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "",
            "GET /a",
            "GET a 500",
            "FETCH /a 500",
            "GET /a nonsense",
            "GET /a 99",
            "GET /a delay",
            "GET /a delay=soon",
            "GET /a hang=1",
            "GET /a hang retry-after=1",
            "GET /a 500 often",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
