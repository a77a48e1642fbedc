//! Removes everything under a prefix: the end of a test.

use std::time::Duration;

use ::redis::{Client, Commands, RedisResult};

/// How long a server may take to answer each command of a test that is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// Deletes every key that begins with the prefix and a colon. Blocks, since it is called when a test is dropped.
pub(crate) fn erase(url: &str, prefix: &str) -> RedisResult<()> {
    let mut connection = Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let keys: Vec<String> = connection.scan_match(format!("{prefix}:*"))?.collect::<RedisResult<_>>()?;
    if keys.is_empty() { Ok(()) } else { connection.unlink(keys) }
}
