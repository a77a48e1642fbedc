//! Enqueues, and waits until replicas or the disk have it.
//!
//! The scripts, a small write and then the wait go over one connection: `WAIT` counts the writes of its own connection only,
//! and on another one a failover in between would make its answer one about another server. The small write is there because a
//! duplicate writes nothing, and a wait for nothing is met at once. The wait comes when all that was answered, since
//! what failed is not to be waited for.

use std::time::Duration;

use ::redis::{RedisError, Value};

use super::connection::Lent;
use super::keys::Key;
use super::{Redis, permission, replies};
use crate::backend::{Durability, Enqueued, Met};
use crate::error::Result;
use crate::job_run::NewRun;
use crate::name::QueueName;

/// How much longer than the server waits its answer may take.
const SLACK: Duration = Duration::from_secs(5);

/// For how long the small write is kept. It only has to be one.
const BARRIER_MS: u64 = 60_000;

impl Redis {
    pub(super) async fn enqueue_and_wait(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        let mut wait = match durability {
            _ if runs.is_empty() => return Ok((Vec::new(), Met::fully(durability))),
            Durability::Memory | Durability::Replicas(0, _) => {
                return Ok((self.enqueue_now(queue, runs).await?, Met::fully(durability)));
            }
            Durability::Replicas(count, _) => ::redis::cmd("WAIT").arg(count).clone(),
            Durability::Fsync => ::redis::cmd("WAITAOF").arg(1).arg(0).clone(),
        };
        let mut connection = self.connections.lend(&self.keys.of(queue, Key::Barrier)).await?;
        let enqueued = self.enqueue_over(&mut connection, queue, runs).await?;
        let patience = durability.patience();
        connection.set_patience(patience + SLACK);
        wait.arg(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
        let waited: Result<Value, RedisError> = wait.query_async(&mut connection).await;
        let met = match (waited, durability) {
            (Ok(waited), Durability::Replicas(wanted, _)) => replicated(durability, wanted, &waited),
            (Ok(waited), _) => synced(durability, &waited),
            (Err(error), _) if error.is_io_error() => return Err(self.connections.explain(error)),
            (Err(error), Durability::Fsync) if is_unknown(&error) => {
                self.synced_always(&mut connection).await?
            }
            (Err(error), _) => Met::short_of(durability, reason(&error)),
        };
        connection.give_back();
        Ok((enqueued, met))
    }

    async fn enqueue_over(
        &self,
        connection: &mut Lent,
        queue: &QueueName,
        runs: &[NewRun],
    ) -> Result<Vec<Enqueued>> {
        self.list(queue).await?;
        self.tell_the_time().await?;
        let (mut pipeline, lines) = (::redis::pipe(), self.lines(queue));
        let line = lines.of(runs);
        for chunk in runs.chunks(line.at_most()) {
            pipeline.add_command(line.call(chunk));
        }
        let barrier = self.keys.of(queue, Key::Barrier);
        pipeline.cmd("SET").arg(barrier).arg("").arg("PX").arg(BARRIER_MS).ignore();
        let asked: Result<Vec<Vec<Value>>, RedisError> = async {
            match pipeline.query_async(connection).await {
                Err(error) if lacks_script(&error) => {
                    line.script.prepare_invoke().load_async(connection).await?;
                    pipeline.query_async(connection).await
                }
                answers => answers,
            }
        }
        .await;
        match asked {
            Ok(answers) => self.read(replies::enqueued(runs, &answers.concat())),
            Err(error) => Err(self.explain(queue, error).await),
        }
    }

    /// Whether a server that cannot tell when its log was synced has it synced before each answer.
    async fn synced_always(&self, connection: &mut Lent) -> Result<Met> {
        let mut settings = Vec::new();
        for name in ["appendonly", "appendfsync"] {
            let asked = ::redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
            let (_, value): (String, String) = match asked {
                Ok(setting) => setting,
                Err(error) if error.is_io_error() => return Err(self.connections.explain(error)),
                Err(error) => {
                    let why = format!("it has no WAITAOF, and does not say its `{name}`: {}", reason(&error));
                    return Ok(Met::short_of(Durability::Fsync, why));
                }
            };
            settings.push(value);
        }
        Ok(match [&*settings[0], &*settings[1]] {
            ["yes", "always"] => Met::fully(Durability::Fsync),
            ["yes", other] => {
                let why = format!("it has no WAITAOF, and its `appendfsync` is `{other}`, not `always`");
                Met::short_of(Durability::Fsync, why)
            }
            _ => Met::short_of(
                Durability::Fsync,
                "it has no WAITAOF, and keeps no log: its `appendonly` is `no`",
            ),
        })
    }
}

fn replicated(durability: Durability, wanted: usize, answer: &Value) -> Met {
    match answer {
        Value::Int(have) if usize::try_from(*have).is_ok_and(|have| have >= wanted) => Met::fully(durability),
        Value::Int(have) => Met::short_of(durability, format!("{have} of {wanted} replicas had it by then")),
        other => Met::short_of(durability, format!("it answered {other:?} to WAIT")),
    }
}

/// The answer is how many logs were synced: its own, 0 or 1, and those of replicas.
fn synced(durability: Durability, answer: &Value) -> Met {
    match answer {
        Value::Array(logs) if matches!(&**logs, [Value::Int(1..), ..]) => Met::fully(durability),
        Value::Array(_) => Met::short_of(durability, "its log was not synced by then"),
        other => Met::short_of(durability, format!("it answered {other:?} to WAITAOF")),
    }
}

/// Any of the calls, since the script may have gone between two of them.
fn lacks_script(error: &RedisError) -> bool {
    let errors = error.clone().into_server_errors();
    errors.is_some_and(|errors| errors.iter().any(|(_, error)| error.code() == "NOSCRIPT"))
}

fn is_unknown(error: &RedisError) -> bool {
    error.to_string().contains("unknown command")
}

fn reason(error: &RedisError) -> String {
    permission::refusal(error)
        .unwrap_or_else(|| error.detail().map_or_else(|| error.to_string(), str::to_owned))
}
