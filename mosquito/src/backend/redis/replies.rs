//! Reads what the scripts answer.

use std::collections::VecDeque;

use ::redis::{ErrorKind, RedisError, Value};

use super::exchange::token;
use crate::backend::{Claim, ClaimToken, Claimed, Enqueued, Lease, List, Settled, StoredRun};
use crate::clock;
use crate::job_run::{History, NewRun};
use crate::name::{OverseerId, RunId};

/// The items of an answer, taken one by one.
pub(super) struct Reply(VecDeque<Value>);

impl Reply {
    pub(super) fn new(value: Value) -> Result<Self, RedisError> {
        match value {
            Value::Array(items) => Ok(Self(items.into())),
            other => Err(unexpected(&format!("a list, not {other:?}"))),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, RedisError> {
        match self.next()? {
            Value::BulkString(bytes) => Ok(bytes),
            other => Err(unexpected(&format!("text, not {other:?}"))),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, RedisError> {
        String::from_utf8(self.bytes()?).map_err(|_| unexpected("UTF-8"))
    }

    pub(super) fn int(&mut self) -> Result<i64, RedisError> {
        match self.next()? {
            Value::Int(number) => Ok(number),
            other => Err(unexpected(&format!("a number, not {other:?}"))),
        }
    }

    /// Whatever somebody wrote there by hand. One that is not UTF-8 is shown with replacements; a claim puts its run
    /// to the dead.
    pub(super) fn id(&mut self) -> Result<RunId, RedisError> {
        Ok(RunId::stored(&String::from_utf8_lossy(&self.bytes()?)))
    }

    pub(super) fn ids(&mut self) -> Result<Vec<RunId>, RedisError> {
        Self::new(self.next()?)?.all_ids()
    }

    /// What is left, which is ids.
    pub(super) fn all_ids(mut self) -> Result<Vec<RunId>, RedisError> {
        std::iter::from_fn(|| (!self.is_empty()).then(|| self.id())).collect()
    }

    /// A history that cannot be read is one that somebody wrote by hand: the run counts as never attempted.
    fn history(&mut self) -> Result<History, RedisError> {
        match self.next()? {
            Value::Nil => Ok(History::default()),
            Value::BulkString(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            other => Err(unexpected(&format!("a history, not {other:?}"))),
        }
    }

    fn next(&mut self) -> Result<Value, RedisError> {
        self.0.pop_front().ok_or_else(|| unexpected("one more item"))
    }
}

pub(super) fn unexpected(what: &str) -> RedisError {
    (ErrorKind::UnexpectedReturnType, "a script should have answered", what.to_owned()).into()
}

/// What became of each run.
pub(super) fn enqueued(runs: &[NewRun], answers: &[Value]) -> Result<Vec<Enqueued>, RedisError> {
    if answers.len() != runs.len() {
        return Err(unexpected(&format!("of {} runs, not of {}", runs.len(), answers.len())));
    }
    runs.iter().zip(answers).map(|(run, answer)| became(&run.id, answer)).collect()
}

/// 1, 0, or a letter and the id of the run that is there.
fn became(id: &RunId, answer: &Value) -> Result<Enqueued, RedisError> {
    let other = |bytes: &[u8]| RunId::stored(&String::from_utf8_lossy(bytes));
    match answer {
        Value::Int(1) => Ok(Enqueued::New(id.clone())),
        Value::Int(0) => Ok(Enqueued::Duplicate(id.clone())),
        Value::BulkString(bytes) if bytes.first() == Some(&b'd') => {
            Ok(Enqueued::Duplicate(other(&bytes[1..])))
        }
        Value::BulkString(bytes) if bytes.first() == Some(&b'r') => {
            Ok(Enqueued::Replaced(other(&bytes[1..])))
        }
        _ => Err(unexpected("1, 0, d or r")),
    }
}

/// What became of so many settlements, in the order in which they were told.
pub(super) fn settled(reply: &mut Reply, count: usize) -> Result<Vec<Settled>, RedisError> {
    match reply.next()? {
        Value::Int(done) if usize::try_from(done) == Ok(count) => Ok(vec![Settled::Done; count]),
        Value::Array(answers) if answers.len() == count => {
            let done = |answer| if answer == Value::Int(1) { Settled::Done } else { Settled::Stale };
            Ok(answers.into_iter().map(done).collect())
        }
        other => Err(unexpected(&format!("what became of {count} settlements, not {other:?}"))),
    }
}

/// What was claimed, by a ticket whose tokens begin with `claim`.
pub(super) fn claimed(reply: &mut Reply, claim: &str) -> Result<Claimed, RedisError> {
    let lease = reply.text()?;
    // Behind it, when a pause ends that kept it from more runs.
    let (lease, until) = lease.split_once(' ').unwrap_or((&lease, ""));
    let paused_until = until.parse().ok().map(clock::from_millis);
    let lease = match lease {
        "new" => Lease::New,
        "held" => Lease::Held,
        "lost" => Lease::Lost,
        _ => return Err(unexpected("new, held or lost")),
    };
    let time = reply.int()?;
    let mut claimed =
        Claimed { runs: Vec::new(), expired: Vec::new(), lease, paused_until, now: clock::from_millis(time) };
    if !reply.is_empty() {
        claimed.expired = reply.ids()?;
    }
    if !reply.is_empty() {
        let mut ids = Reply::new(reply.next()?)?;
        let mut envelopes = Reply::new(reply.next()?)?;
        let mut histories = Reply::new(reply.next()?)?;
        let mut tokens = Reply::new(reply.next()?)?;
        claimed.runs.reserve(ids.0.len());
        for place in 1..=ids.0.len() {
            let token = match tokens.is_empty() {
                true => token(claim, place, time),
                false => tokens.text()?,
            };
            claimed.runs.push(Claim {
                id: ids.id()?,
                token: ClaimToken(token),
                envelope: envelopes.bytes()?,
                history: if histories.is_empty() { History::default() } else { histories.history()? },
            });
        }
    }
    Ok(claimed)
}

pub(super) fn page(list: List, value: Value) -> Result<Vec<StoredRun>, RedisError> {
    let mut reply = Reply::new(value)?;
    let mut runs = Vec::new();
    while !reply.is_empty() {
        let (id, claim, time) = (reply.id()?, reply.text()?, reply.text()?);
        let (envelope, history) = (reply.bytes()?, reply.history()?);
        let (overseer, claimed_at) = who_and_when(&claim);
        // Scores are written as floating point numbers.
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds fit")]
        let at = time.parse::<f64>().ok().map(|ms| ms as i64).or(claimed_at).map(clock::from_millis);
        runs.push(StoredRun { id, list, at, overseer, envelope, history });
    }
    Ok(runs)
}

/// A claim is `overseer/ticket/position/time`.
pub(super) fn who_and_when(claim: &str) -> (Option<OverseerId>, Option<i64>) {
    let mut parts = claim.split('/');
    let overseer = parts.next().and_then(|overseer| OverseerId::new(overseer).ok());
    (overseer, parts.nth(2).and_then(|time| time.parse().ok()))
}
