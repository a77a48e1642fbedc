//! Pauses: of a queue, under a key of its own, of jobs in a queue, which are one hash, and of everything.
//!
//! A script sees one slot, so each queue is told of the pause of everything, and keeps what it was told. The mark of the store stands
//! beside the list of queues: whoever pauses everything makes it and reads the list in one script, and whoever puts a queue on
//! the list reads the mark in one script, before anything is put into the queue. So one of the two tells the queue.
//! What is left by somebody who died, runners tell.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::PoisonError;

use ::redis::{FromRedisValue, ScriptInvocation};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Redis;
use super::keys::Key;
use crate::backend::{Pause, Paused, Scope};
use crate::clock::{from_millis, millis};
use crate::error::Result;
use crate::name::{JobName, QueueName};

/// How many queues are told at once.
const AT_ONCE: usize = 64;

/// Which queues this client knows to have been told what.
#[derive(Debug, Default)]
pub(super) struct Told {
    everything: String,
    queues: HashSet<QueueName>,
}

/// What is kept of a pause besides its times.
#[derive(Default, Serialize, Deserialize)]
struct Words {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
}

impl Redis {
    pub(super) async fn pause_scope(&self, scope: &Scope, pause: &Pause) -> Result<()> {
        let (reason, author) = pause.words();
        let words = Words { reason: reason.map(Into::into), author: author.map(Into::into) };
        let words = serde_json::to_string(&words).expect("text serializes");
        let lasting = pause.duration().map_or_else(String::new, |duration| millis(duration).to_string());
        let Some(queue) = scope.queue() else { return self.say_of_everything(&lasting, &words).await };
        self.list(queue).await?;
        let mut call = match scope {
            Scope::Job(..) => self.call_flowing(&self.scripts.pause_job, queue, &[Key::Scheduled, Key::Due]),
            _ => self.call(&self.scripts.pause, queue, &[Key::Paused, Key::Wake]),
        };
        if let Scope::Job(_, job) = scope {
            call.arg(job.as_str());
        }
        call.arg(lasting).arg(words);
        self.answer(queue, &call).await
    }

    pub(super) async fn resume_scope(&self, scope: &Scope) -> Result<()> {
        match scope {
            Scope::Queue(queue) => {
                let keys = [Key::Paused, Key::Waiting, Key::Wake, Key::Ready];
                let call = self.call(&self.scripts.resume, queue, &keys);
                self.answer(queue, &call).await
            }
            Scope::Job(queue, job) => {
                let keys = [Key::Wake, Key::Waiting, Key::Scheduled, Key::Due];
                let mut call = self.call_flowing(&self.scripts.resume_job, queue, &keys);
                call.arg(job.as_str());
                self.answer(queue, &call).await
            }
            Scope::Everything => self.say_of_everything("-", "{}").await,
        }
    }

    pub(super) async fn paused_scope(&self, scope: &Scope) -> Result<Option<Paused>> {
        let (now, own, everything) = match scope {
            Scope::Job(queue, job) => return Ok(self.jobs_paused_in(queue).await?.remove(job)),
            Scope::Queue(queue) => {
                let call = self.call(&self.scripts.paused, queue, &[Key::Paused, Key::Held]);
                let (now, own, held): (i64, String, String) = self.answer(queue, &call).await?;
                // A queue that nobody has put anything into yet is told when somebody does.
                let held = if held.is_empty() { self.everything().await?.1 } else { held };
                (now, own, held)
            }
            Scope::Everything => {
                let (now, everything) = self.everything().await?;
                (now, String::new(), everything)
            }
        };
        let lasting =
            |text: &str, everything| read(text, everything).filter(|paused| paused.lasts(from_millis(now)));
        Ok(Paused::longer(lasting(&own, false), lasting(&everything, true)))
    }

    pub(super) async fn jobs_paused_in(&self, queue: &QueueName) -> Result<BTreeMap<JobName, Paused>> {
        let answer: Vec<String> =
            self.answer(queue, &self.call(&self.scripts.paused_jobs, queue, &[Key::Jobs])).await?;
        let (now, jobs) =
            answer.split_first().map_or((0, &[][..]), |(now, jobs)| (now.parse().unwrap_or(0), jobs));
        let lasting = |job: &[String]| {
            let [name, text] = job else { return None };
            // Of a name that somebody wrote by hand, and no job can have, no run is put aside.
            let paused = read(text, false).filter(|paused| paused.lasts(from_millis(now)))?;
            Some((JobName::new(name).ok()?, paused))
        };
        Ok(jobs.chunks(2).filter_map(lasting).collect())
    }

    /// The time, and the mark: what was said last of everything, or nothing.
    async fn everything(&self) -> Result<(i64, String)> {
        let mut call = self.scripts.paused.prepare_invoke();
        call.key(self.keys.everything());
        self.answer_of_store(&call).await
    }

    /// Makes the mark, and tells all queues. Those that cannot be told now are told by runners; that is an error all the same.
    async fn say_of_everything(&self, lasting: &str, words: &str) -> Result<()> {
        let mut call = self.scripts.everything.prepare_invoke();
        call.key(self.keys.everything()).key(self.keys.queues()).arg(lasting).arg(words);
        let (told, listed) = self.told_to_all(&call).await?;
        self.tell_queues(&listed, &told).await.into_iter().collect()
    }

    /// Tells these and all listed queues, which are answered, what is told of everything, as far as this client has not told them yet.
    pub(super) async fn tell_of_everything(&self, queues: &[QueueName]) -> Result<Vec<QueueName>> {
        let mut call = self.scripts.listed.prepare_invoke();
        call.key(self.keys.everything()).key(self.keys.queues());
        let (told, mut listed) = self.told_to_all(&call).await?;
        listed.sort();
        if told.is_empty() {
            return Ok(listed);
        }
        let all: Vec<_> =
            queues.iter().chain(&listed).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        for told in self.tell_queues(&all, &told).await {
            // Of a queue that is out of reach nothing is handed out either; it is told the next time.
            if let Err(error) = told
                && !error.is_transient()
            {
                return Err(error);
            }
        }
        Ok(listed)
    }

    /// The answer of a script that tells what each queue is to be told of everything, and all queues.
    async fn told_to_all(&self, call: &ScriptInvocation<'_>) -> Result<(String, Vec<QueueName>)> {
        let mut answer = self.answer_of_store::<Vec<String>>(call).await?.into_iter();
        let told = answer.next().unwrap_or_default();
        Ok((told, answer.filter_map(|name| QueueName::new(name).ok()).collect()))
    }

    /// Tells a queue that has just been put on the list, before anything is put into it.
    pub(super) async fn tell_listed(&self, queue: &QueueName, told: &str) -> Result<()> {
        self.tell_queues(std::slice::from_ref(queue), told).await.into_iter().collect()
    }

    async fn tell_queues(&self, queues: &[QueueName], told: &str) -> Vec<Result<()>> {
        let untold: Vec<_> = queues.iter().filter(|queue| !self.has_told(queue, told)).collect();
        let mut answers = Vec::new();
        for queues in untold.chunks(AT_ONCE) {
            answers.extend(join_all(queues.iter().map(|queue| self.tell(queue, told))).await);
        }
        answers
    }

    async fn tell(&self, queue: &QueueName, told: &str) -> Result<()> {
        let mut call = self.call(&self.scripts.hold, queue, &[Key::Held, Key::Wake]);
        call.arg(told);
        self.answer::<()>(queue, &call).await?;
        let mut known = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if known.everything != told {
            *known = Told { everything: told.into(), queues: HashSet::new() };
        }
        known.queues.insert(queue.clone());
        Ok(())
    }

    fn has_told(&self, queue: &QueueName, told: &str) -> bool {
        // It only saves a call.
        let known = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        known.everything == told && known.queues.contains(queue)
    }

    /// The answer of a script about the pause of everything, which stands where the list of queues does.
    pub(super) async fn answer_of_store<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T> {
        self.tell_the_time().await?;
        let (everything, queues) = (self.keys.everything(), self.keys.queues());
        match call.invoke_async(&mut self.connections.commands(&queues)).await {
            Ok(answer) => Ok(answer),
            Err(error) if error.to_string().contains("WRONGTYPE") => {
                let found: String = self.query(&everything, ::redis::cmd("TYPE").arg(&everything)).await?;
                Err(match found.as_str() {
                    "none" | "string" => self.explain_global(&queues, "set", error).await,
                    _ => self.explain_global(&everything, "string", error).await,
                })
            }
            Err(error) => Err(self.connections.explain(error)),
        }
    }
}

/// A pause as it stands under its key: `until since words`. Releases before this one wrote `until` alone. Whatever somebody wrote
/// there by hand is a pause without an end, as it is to a claim.
fn read(text: &str, everything: bool) -> Option<Paused> {
    if text.is_empty() {
        return None;
    }
    let mut parts = text.splitn(3, ' ');
    let mut time = || parts.next().and_then(|part| part.parse::<i64>().ok()).filter(|time| *time > 0);
    let (until, since) = (time(), time());
    let words: Words = parts.next().and_then(|words| serde_json::from_str(words).ok()).unwrap_or_default();
    Some(Paused {
        since: since.map(from_millis),
        until: until.map(from_millis),
        reason: words.reason,
        author: words.author,
        everything,
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::backend::Paused;
    use crate::clock::from_millis;

    #[test]
    fn a_pause_reads_as_this_release_and_earlier_ones_and_people_write_it() {
        let pause = |until, since, reason: Option<&str>| Paused {
            since: Option::map(since, from_millis),
            until: Option::map(until, from_millis),
            reason: reason.map(Into::into),
            author: None,
            everything: false,
        };

        assert_eq!(read("", false), None);
        assert_eq!(
            read(r#"900 100 {"reason":"it moves"}"#, false),
            Some(pause(Some(900), Some(100), Some("it moves")))
        );
        assert_eq!(read("0 100 {}", false), Some(pause(None, Some(100), None)));
        assert_eq!(read("0", false), Some(pause(None, None, None)));
        assert_eq!(read("900", false), Some(pause(Some(900), None, None)));
        for by_hand in ["yes", "-", "{}", "yes please {"] {
            assert_eq!(read(by_hand, false), Some(pause(None, None, None)), "{by_hand}");
        }
    }
}
