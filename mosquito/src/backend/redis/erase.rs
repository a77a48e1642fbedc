//! Removes everything under a prefix: the end of a test.

use std::time::Duration;

use ::redis::{Client, Commands, RedisResult, ScanOptions};

/// How long a server may take to answer each command of a test that is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many keys are looked at, or deleted, in one command: the server may hold many that are not the test's.
const AT_ONCE: usize = 1_000;

/// Deletes every key that begins with the prefix and a colon. Blocks, since it is called when a test is dropped.
pub(crate) fn erase(url: &str, prefix: &str) -> RedisResult<()> {
    let mut connection = Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let ours = ScanOptions::default().with_pattern(format!("{prefix}:*")).with_count(AT_ONCE);
    let keys: Vec<String> = connection.scan_options(ours)?.collect::<RedisResult<_>>()?;
    keys.chunks(AT_ONCE).try_for_each(|some| connection.unlink(some))
}
