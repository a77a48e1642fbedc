//! What a server's errors mean.

use ::redis::{ErrorKind, RedisError, ServerErrorKind};

use super::location::Node;
use crate::backend::redis::{permission, tls};
use crate::error::Error;

/// What passes by itself: when somebody makes room, a replica is back, or another server has taken over.
const PASSING: [&str; 13] = [
    "OOM",
    "MISCONF",
    "BUSY",
    "NOREPLICAS",
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "UNBLOCKED",
    "MOVED",
    "ASK",
    // Somebody emptied the cache of scripts between the loading of one and its call.
    "NOSCRIPT",
];

/// What says that the server, or the connection, is not the one to talk to now.
const ELSEWHERE: [&str; 5] = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "UNBLOCKED"];

/// That a sentinel did not let us in.
pub(super) const SENTINELS_REFUSE: &str = "the sentinels refuse";

/// What an error means to the one who called.
pub(super) fn explain(name: &str, error: RedisError) -> Error {
    let backend = name.to_owned();
    if let Some(reason) = permission::refusal(&error) {
        return Error::Denied { backend, reason, source: error.into() };
    }
    match refusal(&error) {
        Some(reason) => Error::Refused { backend, reason, source: error.into() },
        None => Error::Unavailable { backend, source: error.into() },
    }
}

/// Whether no patience helps.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    refusal(error).is_some()
}

/// Why no patience helps, if so.
fn refusal(error: &RedisError) -> Option<String> {
    let reason = match error.kind() {
        ErrorKind::Io => return tls::refusal(error),
        // A connection that broke in the middle of a reply.
        ErrorKind::Parse => return None,
        ErrorKind::MasterNameNotFoundBySentinel => return None,
        // It says so in place of the first answer, be it about a password.
        _ if error.to_string().contains("max number of clients reached") => return None,
        _ if says(error, &PASSING) => return None,
        ErrorKind::AuthenticationFailed if error.to_string().starts_with(SENTINELS_REFUSE) => {
            "the `sentinel_user` or `sentinel_password` in its URL is wrong or missing"
        }
        _ if is_login_refusal(error) => "the user or password in its URL is wrong or missing",
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            "its user may not use a command or key that mosquito needs"
        }
        _ if error.to_string().contains("cluster support disabled") => {
            "it is not a cluster: redis:// is for a single server"
        }
        _ => "it answered with an error",
    };
    Some(reason.into())
}

pub(super) fn is_login_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || says(error, &["NOAUTH", "WRONGPASS"])
}

/// Whether the connection is of no use any more: it is broken, silent, or leads to a server that is not the master.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || says(error, &ELSEWHERE)
}

/// Where a server of a cluster says that a slot is: for good, or for this once.
pub(super) enum Elsewhere {
    Moved(u16, Node),
    Ask(Node),
}

/// What a server says of a slot that it does not hold; `asked` is where it was asked.
pub(super) fn elsewhere(error: &RedisError, asked: &Node) -> Option<Elsewhere> {
    let errors = error.clone().into_server_errors()?;
    let (_, error) = errors.iter().find(|(_, error)| matches!(error.code(), "MOVED" | "ASK"))?;
    let (slot, address) = error.details()?.split_once(' ')?;
    let (host, port) = address.split_whitespace().next()?.rsplit_once(':')?;
    let host = if host.is_empty() { asked.host.clone() } else { host.trim_matches(['[', ']']).into() };
    let node = Node { host, port: port.parse().ok()? };
    match error.code() {
        "MOVED" => Some(Elsewhere::Moved(slot.parse().ok()?, node)),
        _ => Some(Elsewhere::Ask(node)),
    }
}

/// Whether the server answered with one of these codes: by itself, within a transaction or a pipeline, or, before Redis
/// 7, within a script, which wraps it.
fn says(error: &RedisError, codes: &[&str]) -> bool {
    let Some(errors) = error.clone().into_server_errors() else { return false };
    errors.iter().any(|(_, error)| {
        let wrapped = |text: &str| codes.iter().any(|code| text.contains(&format!("-{code} ")));
        codes.contains(&error.code()) || error.code() == "ERR" && error.details().is_some_and(wrapped)
    })
}
