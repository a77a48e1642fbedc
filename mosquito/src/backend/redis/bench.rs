//! What calls are on the wire, without a server: for the benchmarks.

use ::redis::{ConnectionLike, RedisResult, Script, ScriptInvocation, Value};

use super::{replies, settlement};
use crate::backend::{Claimed, Settlement};

/// Writes and reads what goes over a connection.
#[derive(Debug)]
pub struct Wire {
    settle: Script,
}

impl Default for Wire {
    fn default() -> Self {
        Self { settle: Script::new("") }
    }
}

impl Wire {
    /// The bytes of a settling call, but for its keys.
    #[must_use]
    pub fn settle(&self, settlements: &[Settlement]) -> Vec<u8> {
        let mut call = self.settle.prepare_invoke();
        settlement::tell(&mut call, settlements);
        bytes(&call)
    }

    /// Reads the bytes that answer a claim.
    ///
    /// # Panics
    ///
    /// When they are no such answer.
    #[must_use]
    pub fn claimed(&self, answer: &[u8]) -> Claimed {
        let answer = ::redis::parse_redis_value(answer).expect("it is what a server answers");
        replies::claimed(answer).expect("it is what the script answers")
    }
}

/// A connection to nowhere, which keeps what is sent.
#[derive(Default)]
struct Kept(Vec<u8>);

fn bytes(call: &ScriptInvocation<'_>) -> Vec<u8> {
    let mut kept = Kept::default();
    let _: Value = call.invoke(&mut kept).expect("nothing answers nothing");
    kept.0
}

impl ConnectionLike for Kept {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        self.0 = command.to_vec();
        Ok(Value::Nil)
    }

    fn req_packed_commands(&mut self, commands: &[u8], _: usize, _: usize) -> RedisResult<Vec<Value>> {
        self.0 = commands.to_vec();
        Ok(Vec::new())
    }

    fn get_db(&self) -> i64 {
        0
    }

    fn check_connection(&mut self) -> bool {
        true
    }

    fn is_open(&self) -> bool {
        true
    }
}
