//! One call of a script. Its command is written as it is put together, without a copy of each argument.

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, ToRedisArgs};

pub(super) struct Call<'a> {
    script: &'a Script,
    command: Cmd,
}

impl<'a> Call<'a> {
    pub(super) fn new(script: &'a Script, keys: impl ExactSizeIterator<Item = String>) -> Self {
        let mut command = ::redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(keys.len());
        for key in keys {
            command.arg(key);
        }
        Self { script, command }
    }

    /// Adds an argument behind those that it has.
    pub(super) fn arg(&mut self, arg: impl ToRedisArgs) -> &mut Self {
        self.command.arg(arg);
        self
    }

    /// Its bytes on the wire.
    #[cfg(feature = "bench")]
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.command.get_packed_command()
    }

    /// Sends it.
    pub(super) async fn send<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<T> {
        ask(connection, self.script, &self.command).await
    }
}

/// Calls a script, which the server is told when it does not know it.
pub(super) async fn ask<T: FromRedisValue>(
    connection: &mut impl ConnectionLike,
    script: &Script,
    call: &Cmd,
) -> RedisResult<T> {
    match call.query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            script.prepare_invoke().load_async(connection).await?;
            call.query_async(connection).await
        }
        answer => answer,
    }
}
