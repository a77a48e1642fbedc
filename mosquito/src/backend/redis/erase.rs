//! Removes everything under a prefix: the end of a test.

use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, FromRedisValue, RedisError, cmd};

use super::connection::{Connections, Location};
use crate::error::{Error, Result};

/// How long a server may take to answer each command of a test that is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many keys are looked at, or deleted, in one command: the server may hold many that are not the test's.
const AT_ONCE: usize = 1_000;

/// Deletes every key that begins with the prefix and a colon, of one server or one master. Blocks, since it is called
/// when a test is dropped.
pub(crate) fn erase(url: &str, prefix: &str) -> Result<()> {
    // On a thread of its own: the test's own runtime, if this is called within it, cannot be waited for.
    std::thread::scope(|scope| {
        let erased = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|why| Error::Unavailable {
                backend: "the operating system".into(),
                source: why.into(),
            })?;
            runtime.block_on(erase_all(url, prefix))
        });
        erased.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

async fn erase_all(url: &str, prefix: &str) -> Result<()> {
    let connections = in_time(Connections::open(Location::parse(url)?)).await??;
    let mut server = connections.commands(prefix);
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}:*")).arg("COUNT").arg(AT_ONCE);
        let scanned = in_time(ask(&mut server, &scan)).await?;
        let (next, keys): (u64, Vec<String>) = scanned.map_err(|error| connections.explain(error))?;
        if !keys.is_empty() {
            let removed = in_time(ask::<()>(&mut server, cmd("UNLINK").arg(keys))).await?;
            removed.map_err(|error| connections.explain(error))?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

async fn ask<T: FromRedisValue>(server: &mut impl ConnectionLike, command: &Cmd) -> Result<T, RedisError> {
    command.query_async(server).await
}

async fn in_time<T>(call: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, call)
        .await
        .map_err(|late| Error::Unavailable { backend: "the Redis of a test".into(), source: late.into() })
}
