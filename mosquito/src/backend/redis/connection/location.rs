//! Where the servers are, and what they are told about who we are: all that a URL says.

use std::fmt;

use ::redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    TlsCertificates,
};

use crate::error::{Error, Result, without_password};

/// What a URL says.
#[derive(Clone)]
pub(in crate::backend::redis) struct Location {
    pub(super) servers: Servers,
    /// How to be let in by a server: user, password, number of the database, TLS.
    entry: ConnectionInfo,
    /// Whom TLS trusts and what it shows; what browsers trust, when there is nothing.
    pub(in crate::backend::redis) certificates: Option<TlsCertificates>,
}

/// Who knows where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Servers {
    One(Node),
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
        let refuse = |why: &dyn fmt::Display| Error::Url {
            url: without_password(url),
            reason: format!("{why}; it looks like redis://user:password@127.0.0.1:6379/0"),
        };
        let entry = url.into_connection_info().map_err(|why| refuse(&why))?;
        let node = match entry.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Node { host: host.clone(), port: *port }
            }
            other => return Err(refuse(&format!("{other} is no host"))),
        };
        Ok(Self { servers: Servers::One(node), entry, certificates: None })
    }

    /// Whether connections are made by TLS.
    pub(in crate::backend::redis) fn uses_tls(&self) -> bool {
        matches!(self.entry.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// What makes connections to a server: the one place where that is decided.
    pub(super) fn client(&self, node: &Node) -> RedisResult<Client> {
        self.client_as(node, self.entry.redis_settings().clone())
    }

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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.servers {
            Servers::One(node) => write!(f, "Redis at {node}"),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
