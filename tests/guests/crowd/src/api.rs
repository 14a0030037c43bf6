//! The directory's requests and answers.

use std::borrow::Cow;
use std::marker::PhantomData;

use muster_sdk::http::Answer;
use muster_sdk::{Account, Context, Failure};
use serde::Deserialize;

use crate::page::{Page, SIZE};

pub(crate) const BASE_URL: &str = "crowd-base-url";

/// A part of a list, and how long the list is.
#[derive(Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) total: u64,
    pub(crate) items: Vec<T>,
}

/// A user. Texts borrow from the body where they need no unescaping.
#[derive(Deserialize)]
pub(crate) struct User<'a> {
    pub(crate) id: u64,
    #[serde(borrow)]
    pub(crate) login: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) given_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) family_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) email: Cow<'a, str>,
    pub(crate) active: bool,
    #[serde(borrow)]
    pub(crate) department: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) title: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) office: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) employee_number: Cow<'a, str>,
}

/// A group, and how many are in it.
#[derive(Deserialize)]
pub(crate) struct Group<'a> {
    pub(crate) id: u64,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) description: Cow<'a, str>,
    pub(crate) members: u64,
}

/// A member of a group. The list repeats more of the user; who it is, is all that counts.
#[derive(Deserialize)]
pub(crate) struct Member {
    pub(crate) id: u64,
}

#[derive(Deserialize)]
struct Directory {
    id: u64,
    name: String,
}

/// The directory.
pub(crate) struct Api<'c> {
    context: &'c Context<'c>,
    base: String,
}

/// The answer that a page borrows from.
pub(crate) struct Body(Answer);

impl Body {
    /// What it lists.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<Listed<T>, Failure> {
        Ok(self.0.seed(PhantomData::<Listed<T>>)?)
    }
}

impl<'c> Api<'c> {
    pub(crate) fn new(context: &'c Context<'c>) -> Result<Self, Failure> {
        let base = context.required_setting(BASE_URL)?;
        Ok(Api { context, base: base.trim_end_matches('/').to_owned() })
    }

    /// Who we are talking to.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        let Directory { id, name } = self.context.http().get_json(format!("{}/account", self.base))?;
        Ok(Account::new(id, name))
    }

    /// A page of a list.
    pub(crate) fn page(&self, path: &str, page: Page) -> Result<Body, Failure> {
        let request = self.context.http().get(format!("{}{path}", self.base));
        Ok(Body(request.query("page", page.number).query("per_page", SIZE).send()?))
    }
}
