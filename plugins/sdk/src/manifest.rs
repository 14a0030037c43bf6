//! Short ways to write a manifest.

use crate::{Credential, Description, Kind, Parameter, Rate, ResourceType, Route, RouteUse, Setting, SettingKind};

impl Description {
    /// A manifest that asks for nothing yet: fill its fields, or chain the methods below.
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        display_name: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        Description {
            name: name.into(),
            version: version.into(),
            display_name: display_name.into(),
            summary: summary.into(),
            documentation: None,
            resource_types: Vec::new(),
            settings: Vec::new(),
            routes: Vec::new(),
            credentials: Vec::new(),
            keeps_cookies: false,
            rate: None,
        }
    }

    /// A page for people.
    pub fn documentation(mut self, url: impl Into<String>) -> Self {
        self.documentation = Some(url.into());
        self
    }

    /// Adds a resource type.
    pub fn resource_type(mut self, resource_type: ResourceType) -> Self {
        self.resource_types.push(resource_type);
        self
    }

    /// Adds a setting.
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// Adds a route.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds a credential.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credentials.push(credential);
        self
    }

    /// Asks the host for a cookie jar.
    pub fn keeping_cookies(mut self) -> Self {
        self.keeps_cookies = true;
        self
    }

    /// Asks for a pace: so many requests in so many seconds, so many at once.
    pub fn rate(mut self, requests: u32, per_seconds: u32, at_once: u32) -> Self {
        self.rate = Some(Rate { requests, per_seconds, at_once });
        self
    }
}

impl ResourceType {
    /// A type of any kind; see [`Kind`].
    pub fn new(
        id: impl Into<String>,
        kind: Kind,
        display_name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let (id, display_name) = (id.into(), display_name.into());
        ResourceType { id, display_name, description: description.into(), kind }
    }
}

impl Setting {
    /// A setting that is not required, without default and pattern.
    pub fn new(name: impl Into<String>, kind: SettingKind, label: impl Into<String>, help: impl Into<String>) -> Self {
        Setting {
            name: name.into(),
            label: label.into(),
            help: help.into(),
            kind,
            required: false,
            default: None,
            pattern: None,
        }
    }

    /// The operator has to give it.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Used where the operator gives none. Never grants an origin.
    pub fn default_value(mut self, value: impl Into<String>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// A regular expression the whole value matches.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }
}

impl Route {
    /// GET and HEAD.
    pub fn read(origin: impl Into<String>, path: impl Into<String>) -> Self {
        Route::of(origin.into(), &["GET", "HEAD"], path.into(), RouteUse::Read)
    }

    /// A POST that only reads.
    pub fn read_by_post(origin: impl Into<String>, path: impl Into<String>) -> Self {
        Route::of(origin.into(), &["POST"], path.into(), RouteUse::ReadByPost)
    }

    /// A POST that opens a session.
    pub fn login(origin: impl Into<String>, path: impl Into<String>) -> Self {
        Route::of(origin.into(), &["POST"], path.into(), RouteUse::Login)
    }

    /// A change at the vendor, only inside `apply`.
    pub fn write(origin: impl Into<String>, methods: &[&str], path: impl Into<String>) -> Self {
        Route::of(origin.into(), methods, path.into(), RouteUse::Write)
    }

    fn of(origin: String, methods: &[&str], path: String, use_: RouteUse) -> Self {
        let methods = methods.iter().map(|&method| method.to_owned()).collect();
        Route { origin, methods, path, use_ }
    }
}

impl Credential {
    /// A header field, as `X-Token` from `{vendor-token}`.
    pub fn header(
        id: impl Into<String>,
        origin: impl Into<String>,
        name: impl Into<String>,
        template: impl Into<String>,
    ) -> Self {
        Credential::of(
            id.into(),
            origin.into(),
            "header",
            vec![parameter("name", name), parameter("template", template)],
        )
    }

    /// `Authorization: Bearer …`, as from `{vendor-token}`.
    pub fn bearer(id: impl Into<String>, origin: impl Into<String>, template: impl Into<String>) -> Self {
        Credential::of(id.into(), origin.into(), "bearer", vec![parameter("template", template)])
    }

    /// `Authorization: Basic …`, as from `{vendor-user}` and `{vendor-password}`.
    pub fn basic(
        id: impl Into<String>,
        origin: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        let parameters = vec![parameter("user", user), parameter("password", password)];
        Credential::of(id.into(), origin.into(), "basic", parameters)
    }

    /// A parameter of every query, as `api_key` from `{vendor-key}`.
    pub fn query(
        id: impl Into<String>,
        origin: impl Into<String>,
        name: impl Into<String>,
        template: impl Into<String>,
    ) -> Self {
        Credential::of(
            id.into(),
            origin.into(),
            "query",
            vec![parameter("name", name), parameter("template", template)],
        )
    }

    /// Fields of a form that is posted to exactly this path, a login route: name and template, which may be
    /// `{totp:setting}`.
    pub fn form(
        id: impl Into<String>,
        origin: impl Into<String>,
        path: impl Into<String>,
        fields: &[(&str, &str)],
    ) -> Self {
        let fields = fields.iter().map(|(name, template)| parameter(&format!("field:{name}"), *template));
        let parameters = std::iter::once(parameter("path", path)).chain(fields).collect();
        Credential::of(id.into(), origin.into(), "form", parameters)
    }

    fn of(id: String, origin: String, scheme: &str, parameters: Vec<Parameter>) -> Self {
        Credential { id, origin, scheme: scheme.into(), parameters }
    }
}

fn parameter(name: &str, value: impl Into<String>) -> Parameter {
    Parameter { name: name.into(), value: value.into() }
}
