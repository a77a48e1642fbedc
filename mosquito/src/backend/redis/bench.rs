//! What calls are on the wire, without a server: for the benchmarks.

use ::redis::Script;

use super::call::Call;
use super::exchange::{sorted, tell_all};
use super::replies::{self, Reply};
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
        let mut call = Call::new(&self.settle, std::iter::empty());
        tell_all(&mut call, settlements, &sorted(settlements), None);
        call.bytes()
    }

    /// Reads the bytes that answer a claim, by a ticket whose tokens begin with `claim`.
    ///
    /// # Panics
    ///
    /// When they are no such answer.
    #[must_use]
    pub fn claimed(&self, answer: &[u8], claim: &str) -> Claimed {
        let answer = ::redis::parse_redis_value(answer).expect("it is what a server answers");
        let mut reply = Reply::new(answer).expect("it is a list");
        replies::settled(&mut reply, 0).expect("nothing was settled");
        replies::claimed(&mut reply, claim).expect("it is what the script answers")
    }
}
