//! Reads the forms of URL that name one server, a service behind sentinels, or a cluster.

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use percent_encoding::percent_decode_str;

use super::location::{Node, Servers};
use crate::error::{Error, Result, without_password};

const ONE: &str = "redis://user:password@127.0.0.1:6379/0";
const SENTINEL: &str = "redis+sentinel://user:password@10.0.0.1:26379,10.0.0.2:26379/service/0";
const CLUSTER: &str = "redis+cluster://user:password@10.0.0.1:6379,10.0.0.2:6379";

const SENTINEL_PORT: u16 = 26379;
const PORT: u16 = 6379;

/// What a URL says: who knows where the keys are, how servers let us in, and how sentinels do.
pub(super) struct Read {
    pub(super) servers: Servers,
    pub(super) entry: ConnectionInfo,
    pub(super) sentinel_login: RedisConnectionInfo,
}

/// Reads a URL; see [`Mosquito::connect`](crate::Mosquito::connect) for its forms.
pub(super) fn read(url: &str) -> Result<Read> {
    let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
    let (tls, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let (read, example) = match (tls, kind) {
        ("redis" | "rediss", "") => (one(url, rest), ONE),
        ("redis" | "rediss", "sentinel") => (sentinels(tls, rest), SENTINEL),
        ("redis" | "rediss", "cluster") => (cluster(tls, rest), CLUSTER),
        _ => (Err("it starts with none of redis://, redis+sentinel:// and redis+cluster://".into()), ONE),
    };
    read.map_err(|why| Error::Url {
        url: without_password(url),
        reason: format!("{why}; it looks like {}", example.replacen("redis", tls, 1)),
    })
}

fn one(url: &str, rest: &str) -> Result<Read, String> {
    let parts = Parts::of(rest)?;
    parts.query(&["protocol"])?;
    if parts.hosts.contains(',') {
        return Err("it names several hosts, which `redis+sentinel` and `redis+cluster` do".into());
    }
    let entry = url.into_connection_info().map_err(|why| why.to_string())?;
    let node = address(&entry)?;
    Ok(Read { servers: Servers::One(node), entry, sentinel_login: RedisConnectionInfo::default() })
}

fn sentinels(tls: &str, rest: &str) -> Result<Read, String> {
    let parts = Parts::of(rest)?;
    let query = parts.query(&["sentinel_user", "sentinel_password", "protocol"])?;
    let (service, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    let service = decode(service)?;
    if service.is_empty() {
        return Err("behind the sentinels the name of the service that they watch is missing".into());
    }
    let nodes = parts.nodes(SENTINEL_PORT)?;
    let entry = parts.entry(tls, &nodes[0], database)?;
    let mut sentinel_login = RedisConnectionInfo::default();
    for (key, value) in query {
        sentinel_login = match key {
            "sentinel_user" => sentinel_login.set_username(decode(value)?),
            "sentinel_password" => sentinel_login.set_password(decode(value)?),
            _ => sentinel_login,
        };
    }
    if sentinel_login.username().is_some() && sentinel_login.password().is_none() {
        return Err("`sentinel_user` has no `sentinel_password`".into());
    }
    Ok(Read { servers: Servers::Sentinels { sentinels: nodes, service }, entry, sentinel_login })
}

fn cluster(tls: &str, rest: &str) -> Result<Read, String> {
    let parts = Parts::of(rest)?;
    parts.query(&["protocol"])?;
    if !parts.path.is_empty() {
        return Err(format!("a cluster has no databases to choose from, so `/{}` has no place", parts.path));
    }
    let seeds = parts.nodes(PORT)?;
    let entry = parts.entry(tls, &seeds[0], "")?;
    Ok(Read { servers: Servers::Cluster { seeds }, entry, sentinel_login: RedisConnectionInfo::default() })
}

/// What stands behind `://`: `[login@]hosts[/path][?query]`.
struct Parts<'a> {
    login: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, String> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        if path.contains('@') || query.contains('@') {
            let code = "a `/`, `?`, `#` or `@` in a password is written as %2F, %3F, %23 or %40";
            return Err(code.into());
        }
        Ok(Self { login, hosts, path: path.trim_end_matches('/'), query })
    }

    /// The keys and values behind `?`, of which each key must be one of these, given once.
    fn query(&self, known: &[&str]) -> Result<Vec<(&'a str, &'a str)>, String> {
        let mut found: Vec<(&str, &str)> = Vec::new();
        for part in self.query.split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            if !known.contains(&key) {
                let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
                return Err(format!("`{key}` is nothing it can say behind `?`: {} is", known.join(" or ")));
            }
            if found.iter().any(|(other, _)| *other == key) {
                return Err(format!("it says `{key}` twice"));
            }
            found.push((key, value));
        }
        Ok(found)
    }

    /// At least one.
    fn nodes(&self, port: u16) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        for host in self.hosts.split(',') {
            if host.is_empty() {
                return Err("it lacks a host, or has a `,` too many".into());
            }
            let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
            let whole = if has_port { format!("redis://{host}") } else { format!("redis://{host}:{port}") };
            let info = whole.as_str().into_connection_info();
            nodes.push(address(&info.map_err(|why| format!("`{host}` is no host and port: {why}"))?)?);
        }
        Ok(nodes)
    }

    /// How servers let us in; their own addresses are found out later.
    fn entry(&self, tls: &str, node: &Node, database: &str) -> Result<ConnectionInfo, String> {
        let login = if self.login.is_empty() { String::new() } else { format!("{}@", self.login) };
        let query = self.query.split('&').find(|part| part.starts_with("protocol=")).unwrap_or_default();
        let url = format!("{tls}://{login}{node}/{database}?{query}");
        url.as_str().into_connection_info().map_err(|why| why.to_string())
    }
}

fn address(info: &ConnectionInfo) -> Result<Node, String> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Ok(Node { host: host.clone(), port: *port })
        }
        other => Err(format!("{other} is no host")),
    }
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "what it says in %-signs is no UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::{Node, Read, Servers, read};

    fn node(host: &str, port: u16) -> Node {
        Node { host: host.into(), port }
    }

    fn refusal(url: &str) -> String {
        read(url).err().expect("it cannot be used").to_string()
    }

    #[test]
    fn sentinels_have_a_service_and_a_login_of_their_own() {
        let url = "redis+sentinel://app:p%40ss@one:26380,two,[::1]:5/jobs/3?sentinel_user=s&sentinel_password=a%26b";

        let Read { servers, entry, sentinel_login } = read(url).unwrap();

        let sentinels = vec![node("one", 26380), node("two", 26379), node("::1", 5)];
        assert_eq!(servers, Servers::Sentinels { sentinels, service: "jobs".into() });
        let login = entry.redis_settings();
        assert_eq!((login.username(), login.password(), login.db()), (Some("app"), Some("p@ss"), 3));
        assert_eq!((sentinel_login.username(), sentinel_login.password()), (Some("s"), Some("a&b")));
    }

    #[test]
    fn a_cluster_is_named_by_some_of_its_servers() {
        let Read { servers, entry, .. } = read("rediss+cluster://:pw@one:7000,two/").unwrap();

        assert_eq!(servers, Servers::Cluster { seeds: vec![node("one", 7000), node("two", 6379)] });
        assert_eq!(entry.redis_settings().password(), Some("pw"));
        assert!(entry.addr().to_string().starts_with("one:"));
    }

    #[test]
    fn a_malformed_url_is_told_what_would_be_right() {
        for (url, why) in [
            ("redis+sentinel://h:26379", "the name of the service that they watch is missing"),
            ("redis+sentinel://h:26379/?sentinel_user=u", "the name of the service"),
            ("redis+sentinel:///jobs", "it lacks a host"),
            ("redis+sentinel://a,,b/jobs", "a `,` too many"),
            ("redis+sentinel://a:port/jobs", "`a:port` is no host and port"),
            ("redis+sentinel://a/jobs/many", "database"),
            ("redis+sentinel://a/jobs?sentinel_user=u", "has no `sentinel_password`"),
            ("redis+sentinel://a/jobs?password=x", "`password` is nothing it can say"),
            ("redis+sentinel://a/jobs?protocol=2&protocol=3", "twice"),
            ("redis+cluster://a:1/2", "a cluster has no databases to choose from, so `/2` has no place"),
            ("redis+cluster://", "it lacks a host"),
            ("redis+cluster://a?sentinel_password=x", "`sentinel_password` is nothing it can say"),
            ("redis://a,b/", "names several hosts"),
            ("redis://a/?db=1", "`db` is nothing it can say"),
            ("redis+magic://a/", "starts with none of"),
        ] {
            let told = refusal(url);

            assert!(told.contains(why), "{url}: {told}");
            assert!(told.contains("; it looks like redis"), "{url}: {told}");
        }
        assert!(refusal("rediss+cluster://a/1").contains("it looks like rediss+cluster://user"));
    }

    #[test]
    fn a_password_that_is_not_encoded_is_told_how_and_not_shown() {
        let told = refusal("redis+sentinel://u:se/cret@h/jobs");

        assert!(told.contains("%2F") && !told.contains("cret"), "{told}");
    }
}
