//! The HTTP client: JSON in and out, typed errors, a limit on what is held.

use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::{Deserialize, Serialize};

use crate::each::each;
use crate::error::{HttpError, HttpErrorKind};
use crate::host::Host;
use crate::multipart::{Upload, form};
use crate::request::{Method, Request, Response};
use crate::url::{Url, encode};

/// At most so much of a body is taken unless a request says otherwise: the host's own limit.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Makes requests. From [`Context::http`](crate::Context::http).
#[derive(Clone, Copy)]
pub struct Client<'h> {
    host: &'h dyn Host,
}

impl<'h> Client<'h> {
    pub(crate) fn new(host: &'h dyn Host) -> Self {
        Client { host }
    }

    /// Begins a GET.
    pub fn get(self, url: impl AsRef<str>) -> RequestBuilder<'h> {
        self.request(Method::Get, url)
    }

    /// Begins a POST.
    pub fn post(self, url: impl AsRef<str>) -> RequestBuilder<'h> {
        self.request(Method::Post, url)
    }

    /// Begins a request of any method. A text that is no URL becomes the error of [`RequestBuilder::send`].
    pub fn request(self, method: Method, url: impl AsRef<str>) -> RequestBuilder<'h> {
        let url = url.as_ref();
        RequestBuilder {
            host: self.host,
            method,
            url: Url::parse(url).map_err(|error| (url.to_owned(), error.to_string())),
            headers: Vec::new(),
            body: None,
            limit: BODY_LIMIT,
        }
    }

    /// GET, and the JSON of a 2xx answer.
    pub fn get_json<T: DeserializeOwned>(self, url: impl AsRef<str>) -> Result<T, HttpError> {
        self.get(url).send()?.json()
    }

    /// POST of a JSON body, and the JSON of a 2xx answer.
    pub fn post_json<T: DeserializeOwned>(self, url: impl AsRef<str>, body: &impl Serialize) -> Result<T, HttpError> {
        self.post(url).json(body).send()?.json()
    }
}

/// A request in the making.
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder<'h> {
    host: &'h dyn Host,
    method: Method,
    /// Or the text and why it is no URL.
    url: Result<Url, (String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Result<Vec<u8>, String>>,
    limit: usize,
}

impl RequestBuilder<'_> {
    /// Adds a name and a value to the query, encoded.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        if let Ok(url) = &mut self.url {
            url.push_query(name, &value.to_string());
        }
        self
    }

    /// Sets a header field; a second one of the same name replaces the first. Fields that a
    /// credential owns, and the host's own, are replaced by the host.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        let name = name.to_ascii_lowercase();
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
        self
    }

    /// A JSON body.
    pub fn json(self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).map_err(|error| format!("its body: {error}"));
        let mut this = self.header("content-type", "application/json");
        this.body = Some(bytes);
        this
    }

    /// An url-encoded form as the body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut this = self.header("content-type", "application/x-www-form-urlencoded");
        this.body = Some(Ok(pairs.join("&").into_bytes()));
        this
    }

    /// A file as the body, in a form of one field (RFC 7578).
    pub fn file(self, field: &str, name: &str, media_type: &str, bytes: &[u8]) -> Self {
        let (content_type, body) = form(&Upload { field, name, media_type, bytes });
        let mut this = self.header("content-type", content_type);
        this.body = Some(Ok(body));
        this
    }

    /// Takes at most so many bytes of the answer's body.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sends it and reads the whole answer. Any status but 2xx is an error that holds the
    /// beginning of the body.
    pub fn send(mut self) -> Result<Answer, HttpError> {
        let method = self.method;
        if !self.headers.iter().any(|(name, _)| name == "accept") {
            self.headers.push(("accept".to_owned(), "application/json".to_owned()));
        }
        let bad = |path: &str, why| Err(HttpError::new(method, path, HttpErrorKind::BadRequest(why)));
        let url = match self.url {
            Ok(url) => url,
            Err((text, why)) => {
                let why = format!("this is no URL to ask for: {why}");
                return bad(text.split('?').next().unwrap_or_default(), why);
            }
        };
        let body = match self.body.transpose() {
            Ok(body) => body,
            Err(why) => return bad(url.path(), why),
        };
        let request = Request { method, url, headers: self.headers, body, limit: self.limit };
        let path = request.url.path();
        let response = self.host.send(&request).map_err(|fault| HttpError::fault(method, path, fault))?;
        if !(200..300).contains(&response.status) {
            return Err(HttpError::refused(method, path, &response));
        }
        Ok(Answer { url: request.url, method, response })
    }
}

/// A 2xx answer.
#[derive(Clone, Debug)]
pub struct Answer {
    url: Url,
    method: Method,
    response: Response,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// What was asked for; links of the answer join to it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The first header field of a name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.response.body
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.response.body).map_err(|error| self.not_json(&error))
    }

    /// The items of a JSON array, one by one: only the one in hand takes memory beside the body, and its
    /// texts may borrow from it. The inner result is what `take` ended with; an error of `take` ends the
    /// reading. What was taken before the JSON turns out to be broken does not count where it was emitted:
    /// a task that fails emits nothing.
    pub fn each<'a, T, E>(&'a self, take: impl FnMut(T) -> Result<(), E>) -> Result<Result<(), E>, HttpError>
    where
        T: Deserialize<'a>,
    {
        each(&self.response.body, take).map_err(|error| self.not_json(&error))
    }

    /// The body as JSON, read by a seed: for what `json` and `each` cannot say, as a list inside of an object that
    /// is handed over record by record.
    pub fn seed<'a, S: DeserializeSeed<'a>>(&'a self, seed: S) -> Result<S::Value, HttpError> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.response.body);
        let read = seed.deserialize(&mut deserializer);
        read.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| self.not_json(&error))
    }

    fn not_json(&self, error: &serde_json::Error) -> HttpError {
        let Response { headers, body, .. } = &self.response;
        HttpError::not_json(self.method, self.url.path(), headers, body, error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::transport::Fault;
    use crate::{Failure, Item, Level};

    /// Answers every request alike and keeps the last one.
    struct Vendor {
        reply: Result<Response, Fault>,
        asked: RefCell<Option<Request>>,
    }

    impl Vendor {
        fn answering(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let headers = headers.iter().map(own).collect();
            Vendor::with(Ok(Response { status, headers, body: body.as_ref().to_vec() }))
        }

        fn with(reply: Result<Response, Fault>) -> Self {
            Vendor { reply, asked: RefCell::new(None) }
        }

        fn failure(&self) -> Failure {
            let client = Client::new(self);
            client.get_json::<Vec<u32>>("https://v.test/list?key=private").unwrap_err().into()
        }

        fn asked(&self) -> Request {
            self.asked.take().unwrap()
        }
    }

    impl Host for Vendor {
        fn setting(&self, _: &str) -> Option<String> {
            None
        }
        fn log(&self, _: Level, _: &str) {}
        fn emit(&self, _: Vec<Item>) -> Result<(), String> {
            Ok(())
        }
        fn send(&self, request: &Request) -> Result<Response, Fault> {
            *self.asked.borrow_mut() = Some(request.clone());
            self.reply.clone()
        }
    }

    #[test]
    fn a_status_becomes_the_failure_it_means() {
        let text = |status| format!("GET /list answered {status} without a body");
        for (status, headers, expected) in [
            (400, &[][..], Failure::Unexpected(text(400))),
            (401, &[], Failure::Unauthorized(text(401))),
            (403, &[], Failure::Forbidden(text(403))),
            (404, &[], Failure::Unexpected(text(404))),
            (429, &[], Failure::RateLimited(None)),
            (429, &[("Retry-After", "30")], Failure::RateLimited(Some(30))),
            (429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Failure::RateLimited(None)),
            (429, &[("retry-after", "-1")], Failure::RateLimited(None)),
            (500, &[], Failure::Unavailable(text(500))),
            (503, &[], Failure::Unavailable(text(503))),
            (503, &[("retry-after", "90")], Failure::RateLimited(Some(90))),
            (599, &[], Failure::Unavailable(text(599))),
        ] {
            assert_eq!(Vendor::answering(status, headers, "").failure(), expected, "{headers:?}");
        }
    }

    #[test]
    fn what_is_not_the_expected_json_is_said_in_one_sentence() {
        let html = [("content-type", "Text/HTML; charset=utf-8")];
        for (headers, body, expected) in [
            (&html[..], "<html>\n<b>hi</b>", "expected JSON, got text/html that begins: <html> <b>hi</b>"),
            (&[], "Retry later", "expected JSON, got a body without a type that begins: Retry later"),
            (&html, " \r\n", "expected JSON, got an empty body"),
            (&[], "[1, 2", "the JSON breaks off after 5 bytes"),
            (&[], "[1, 2}", "the JSON is malformed: expected `,` or `]` at line 1 column 6"),
            (
                &[],
                r#"{"token":"s3cret"}"#,
                "the JSON is not as expected: invalid type: map, expected a sequence at line 1 column 0",
            ),
            (&[], "\u{1b}[2J", "expected JSON, got a body without a type that begins: ·[2J"),
        ] {
            let failure = Vendor::answering(200, headers, body).failure();
            assert_eq!(failure, Failure::Unexpected(format!("GET /list: {expected}")), "{body:?}");
        }
    }

    #[test]
    fn a_long_page_is_quoted_by_its_first_200_characters() {
        let page = "x".repeat(100_000);
        for status in [200, 400] {
            let Failure::Unexpected(text) = Vendor::answering(status, &[], &page).failure() else {
                panic!("another failure");
            };
            assert!(text.chars().filter(|c| *c == 'x').count() <= 202, "{}", text.len());
            assert!(text.ends_with("x…"));
        }
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_quoted_all_the_same() {
        let failure = Vendor::answering(400, &[("content-type", "text/plain")], b"\xff\xfe!").failure();
        assert_eq!(failure, Failure::Unexpected("GET /list answered 400: \u{fffd}\u{fffd}!".into()));
    }

    #[test]
    fn the_vendors_own_words_are_found_in_the_usual_keys() {
        for body in [
            r#"{"error":"no such list"}"#,
            r#"{"error":{"code":7,"message":"no such list"}}"#,
            r#"{"message":"no such list","attributes":["name"]}"#,
            r#"{"errors":["no such list","and more"]}"#,
            r#"{"errors":[{"message":"no such list"}]}"#,
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no such list"}"#,
        ] {
            let failure = Vendor::answering(422, &[], body).failure();
            let expected = "GET /list answered 422: no such list";
            assert_eq!(failure, Failure::Unexpected(expected.into()), "{body}");
        }
    }

    #[test]
    fn items_come_one_by_one_until_the_json_breaks_off_or_somebody_has_enough() {
        let read = |body: &str, enough: u32| {
            let vendor = Vendor::answering(200, &[], body);
            let answer = Client::new(&vendor).get("https://v.test/list").send().unwrap();
            let mut taken = Vec::new();
            let end = answer.each(|item: u32| {
                taken.push(item);
                if taken.len() as u32 == enough { Err("enough") } else { Ok(()) }
            });
            (taken, end.map_err(|error| error.to_string()))
        };
        assert_eq!(read("[1, 2]", 9), (vec![1, 2], Ok(Ok(()))));
        assert_eq!(read("[]", 9), (vec![], Ok(Ok(()))));
        assert_eq!(read("[1, 2, 3]", 2), (vec![1, 2], Ok(Err("enough"))));
        let broken = "GET /list: the JSON breaks off after 5 bytes".to_owned();
        assert_eq!(read("[1, 2", 9), (vec![1, 2], Err(broken)));
        let trailing = read("[1] x", 9).1.unwrap_err();
        assert!(trailing.contains("the JSON is malformed"), "{trailing}");
        let object = read(r#"{"a":1}"#, 9).1.unwrap_err();
        assert!(object.contains("expected a sequence"), "{object}");
    }

    #[test]
    fn a_seed_reads_a_body_to_its_end() {
        let read = |body: &str| {
            let vendor = Vendor::answering(200, &[], body);
            let answer = Client::new(&vendor).get("https://v.test/list").send().unwrap();
            answer.seed(std::marker::PhantomData::<Vec<u32>>).map_err(|error| error.to_string())
        };
        assert_eq!(read("[1, 2]"), Ok(vec![1, 2]));
        assert_eq!(read("[1, 2"), Err("GET /list: the JSON breaks off after 5 bytes".to_owned()));
        let trailing = read("[1] x").unwrap_err();
        assert!(trailing.contains("the JSON is malformed"), "{trailing}");
    }

    #[test]
    fn a_redirect_is_not_followed_and_says_where_it_points() {
        let location = [("location", "https://other.test/\u{7}")];
        let expected = "GET /list answered 302 and points to https://other.test/·; redirects are not followed";
        let failure = Vendor::answering(302, &location, "").failure();
        assert_eq!(failure, Failure::Unexpected(expected.into()));
    }

    #[test]
    fn no_answer_is_told_in_the_hosts_words() {
        let sentence = "cannot connect to 127.0.0.1:3000: connection refused";
        let failure = Vendor::with(Err(Fault::Host(sentence.into()))).failure();
        assert_eq!(failure, Failure::Unavailable(sentence.into()));
        let failure = Vendor::with(Err(Fault::Broken("no answer came in time"))).failure();
        assert_eq!(failure, Failure::Unavailable("GET /list: no answer came in time".into()));
        let failure = Vendor::with(Err(Fault::Denied)).failure();
        assert_eq!(failure, Failure::Unexpected("GET /list: the host denied the request".into()));
        let failure = Vendor::with(Err(Fault::TooLarge(64))).failure();
        let expected = "GET /list: the answer is larger than 64 bytes";
        assert_eq!(failure, Failure::Unexpected(expected.into()));
    }

    #[test]
    fn what_is_no_url_is_never_sent() {
        let vendor = Vendor::answering(200, &[], "[]");
        let error = Client::new(&vendor).get("chat.test/list?key=private").send().unwrap_err();
        let expected = "GET chat.test/list cannot be sent: this is no URL to ask for: it does not begin \
                        with https://";
        assert_eq!(error.to_string(), expected);
        assert!(vendor.asked.borrow().is_none());
    }

    #[test]
    fn a_request_is_built_as_it_was_said() {
        let vendor = Vendor::answering(200, &[], r#"{"ok":true}"#);
        let client = Client::new(&vendor);
        let answer: serde_json::Value =
            client.post_json("https://v.test/search", &serde_json::json!({"q": "Zoë"})).unwrap();
        assert_eq!(answer["ok"], true);
        let asked = vendor.asked();
        assert_eq!(asked.method, Method::Post);
        assert_eq!(asked.body.as_deref(), Some(r#"{"q":"Zoë"}"#.as_bytes()));
        let header = |name| crate::request::header(&asked.headers, name);
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("accept"), Some("application/json"));

        client
            .get("https://v.test/list")
            .query("page", 2)
            .query("q", "a&b")
            .header("accept", "text/plain")
            .header("Accept", "text/csv")
            .limit(10)
            .send()
            .unwrap();
        let asked = vendor.asked();
        assert_eq!(asked.url.path_and_query(), "/list?page=2&q=a%26b");
        assert_eq!((asked.limit, asked.body), (10, None));
        assert_eq!(asked.headers, [("accept".to_owned(), "text/csv".to_owned())]);

        client.post("https://v.test/login").form(&[("user", "a b"), ("code", "1&2")]).send().unwrap();
        assert_eq!(vendor.asked().body.as_deref(), Some(&b"user=a%20b&code=1%262"[..]));
    }
}
