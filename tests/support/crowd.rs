//! A fake directory of very many people, in numbered pages, for measuring.
//!
//! Every answer is bytes before the first request comes, so what it costs to serve them is not what is measured.
//! What it lacks, and [`FakeServer`](crate::server::FakeServer) has: faults, a journal, HTTP/2, TLS.

mod order;
mod pages;
mod server;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::server::Server;

/// The token that lets in.
pub const TOKEN: &str = "crowd-token-0123456789";
/// Users, groups or members of a page: what the connector asks for.
pub const PAGE: u64 = 100;

/// How large a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub users: u64,
    pub groups: u64,
    /// Of each group; there have to be so many users.
    pub members: u64,
}

impl Size {
    /// Users and groups.
    pub fn resources(self) -> u64 {
        self.users + self.groups
    }

    /// Members of all groups.
    pub fn grants(self) -> u64 {
        self.groups * self.members
    }

    /// Resources, one entitlement a group, and grants.
    pub fn records(self) -> u64 {
        self.resources() + self.groups + self.grants()
    }

    /// What reading all of it takes: the account, and every page. A list without anybody has a first page.
    pub fn requests(self) -> u64 {
        1 + self.users.div_ceil(PAGE).max(1)
            + self.groups.div_ceil(PAGE).max(1)
            + self.groups * self.members.div_ceil(PAGE)
    }
}

/// A directory that is served until it is dropped.
pub struct FakeCrowd {
    server: Server,
}

impl FakeCrowd {
    /// Renders every page and serves them. A seed shuffles users, groups, and members of each group over their pages:
    /// the same people and memberships in another order.
    pub fn start(size: Size, shuffled: Option<u64>, latency: Duration) -> io::Result<FakeCrowd> {
        let answers = pages::render(size, shuffled);
        Ok(FakeCrowd { server: Server::start(answers, TOKEN, latency)? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The base URL.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    /// How many requests came.
    pub fn requests(&self) -> u64 {
        self.server.requests()
    }
}
