//! What a server's errors mean.

use ::redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::backend::redis::tls;
use crate::error::Error;

/// What passes by itself: when somebody makes room, a replica is back, or another server has taken over.
const PASSING: [&str; 11] = [
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
];

/// What says that the server is not the one to talk to now, or that its connection is not.
const ELSEWHERE: [&str; 4] = ["READONLY", "LOADING", "MASTERDOWN", "UNBLOCKED"];

/// What an error means to the one who called.
pub(super) fn explain(name: &str, error: RedisError) -> Error {
    let backend = name.to_owned();
    let refused = |reason: &str, error: RedisError| Error::Refused {
        backend: name.to_owned(),
        reason: reason.into(),
        source: error.into(),
    };
    if let Some(reason) = tls::refusal(&error) {
        return refused(&reason, error);
    }
    match error.kind() {
        ErrorKind::Io => Error::Unavailable { backend, source: error.into() },
        _ if says(&error, &PASSING) => Error::Unavailable { backend, source: error.into() },
        ErrorKind::AuthenticationFailed => refused("the user or password in its URL is wrong", error),
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            refused("its user may not use a command or key that mosquito needs", error)
        }
        _ if says(&error, &["NOAUTH", "WRONGPASS"]) => {
            refused("the user or password in its URL is wrong or missing", error)
        }
        _ => refused("it answered with an error", error),
    }
}

/// Whether the connection is of no use any more: it is broken, silent, or leads to a server that is not the master.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || says(error, &ELSEWHERE)
}

/// Whether the server answered with one of these codes: by itself, within a transaction or a pipeline, or, before Redis
/// 7, within a script, which wraps it.
fn says(error: &RedisError, codes: &[&str]) -> bool {
    let Some(errors) = error.clone().into_server_errors() else { return false };
    errors.iter().any(|(_, error)| {
        codes.contains(&error.code())
            || error.code() == "ERR"
                && error.details().is_some_and(|text| {
                    // There is no code of its own for it.
                    text.starts_with("max number of clients reached")
                        || codes.iter().any(|code| text.contains(&format!("-{code} ")))
                })
    })
}
