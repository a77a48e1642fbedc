//! Where the servers are, and what they are told about who we are.

use std::fmt;

use ::redis::{Client, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates};

use super::url;
use crate::error::Result;

/// What a URL says, and what TLS needs beside it.
#[derive(Clone)]
pub(in crate::backend::redis) struct Location {
    pub(super) servers: Servers,
    /// How to be let in by a server: user, password, number of the database, TLS.
    entry: ConnectionInfo,
    /// How to be let in by a sentinel.
    sentinel_login: RedisConnectionInfo,
    /// Whom TLS trusts and what it shows; what browsers trust, when there is nothing.
    pub(in crate::backend::redis) certificates: Option<TlsCertificates>,
}

/// Who knows where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Servers {
    /// One server has them.
    One(Node),
    /// The master of a service has them, and sentinels know which server that is.
    Sentinels { sentinels: Vec<Node>, service: String },
    /// Each master of a cluster has some, and each of its servers knows which.
    Cluster { seeds: Vec<Node> },
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Location {
    /// Reads a URL; see [`Mosquito::connect`](crate::Mosquito::connect) for its forms.
    pub(in crate::backend::redis) fn parse(url: &str) -> Result<Self> {
        let url::Read { servers, entry, sentinel_login } = url::read(url)?;
        Ok(Self { servers, entry, sentinel_login, certificates: None })
    }

    /// Whether connections are made by TLS.
    pub(in crate::backend::redis) fn uses_tls(&self) -> bool {
        matches!(self.entry.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// Whether keys are in several servers.
    pub(in crate::backend::redis) fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Cluster { .. })
    }

    /// What makes connections to a server.
    pub(super) fn client(&self, node: &Node) -> RedisResult<Client> {
        self.client_as(node, self.entry.redis_settings().clone())
    }

    /// What makes connections to a sentinel.
    pub(super) fn sentinel(&self, node: &Node) -> RedisResult<Client> {
        self.client_as(node, self.sentinel_login.clone())
    }

    /// The one place where it is decided how a connection is made.
    fn client_as(&self, node: &Node, login: RedisConnectionInfo) -> RedisResult<Client> {
        let Node { host, port } = node.clone();
        let address = match self.entry.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let info = self.entry.clone().set_addr(address).set_redis_settings(login);
        match &self.certificates {
            Some(certificates) if self.uses_tls() => Client::build_with_tls(info, certificates.clone()),
            _ => Client::open(info),
        }
    }
}

impl fmt::Display for Location {
    /// As errors call it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |nodes: &[Node]| nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(", ");
        match &self.servers {
            Servers::One(node) => write!(f, "Redis at {node}"),
            Servers::Sentinels { sentinels, service } => {
                write!(f, "Redis service `{service}` of the sentinels at {}", list(sentinels))
            }
            Servers::Cluster { seeds } => write!(f, "Redis Cluster at {}", list(seeds)),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}
