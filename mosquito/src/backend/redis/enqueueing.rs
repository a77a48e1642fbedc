//! Enqueues: few runs together with those of other callers, many in calls of their own.

use std::sync::{Arc, PoisonError};

use ::redis::{RedisError, Value};

use super::call::ask;
use super::gathering::{Line, Lines, Place};
use super::keys::Key;
use super::{Redis, replies};
use crate::backend::Enqueued;
use crate::error::Result;
use crate::job_run::NewRun;
use crate::name::QueueName;

/// The most runs, and the most bytes of their bodies, that are few. More make a call of their own worth its while.
const FEW: usize = 100;
const FEW_BYTES: usize = 1 << 16;

impl Redis {
    pub(super) async fn enqueue_now(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        self.list(queue).await?;
        let lines = self.lines(queue);
        let line = lines.of(runs);
        if runs.len() <= FEW && runs.iter().map(|run| run.body().len()).sum::<usize>() <= FEW_BYTES {
            return self.enqueue_few(queue, line, runs).await;
        }
        let mut answers = Vec::with_capacity(runs.len());
        for chunk in runs.chunks(line.at_most()) {
            answers.extend(self.enqueue_alone(queue, line, chunk).await?);
        }
        Ok(answers)
    }

    async fn enqueue_few(&self, queue: &QueueName, line: &Line, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        self.tell_the_time().await?;
        match line.join(runs, || self.commands(queue)) {
            Place::Turn(_until_answered) => self.enqueue_alone(queue, line, runs).await,
            Place::Gathered(together, own) => {
                let answers = together.await;
                let own = answers.as_ref().map(|all| all.get(own).unwrap_or_default());
                self.answers_to(queue, runs, own).await
            }
        }
    }

    async fn enqueue_alone(&self, queue: &QueueName, line: &Line, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        self.tell_the_time().await?;
        let answers = ask::<Vec<Value>>(&mut self.commands(queue), &line.script, &line.call(runs)).await;
        self.answers_to(queue, runs, answers.as_deref()).await
    }

    /// What a call answered, about these runs.
    async fn answers_to(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        answers: Result<&[Value], &RedisError>,
    ) -> Result<Vec<Enqueued>> {
        match answers {
            Ok(answers) => self.read(replies::enqueued(runs, answers)),
            Err(error) => Err(self.explain(queue, error.clone()).await),
        }
    }

    /// Where runs for a queue line up. What is the same in all calls is made once.
    pub(super) fn lines(&self, queue: &QueueName) -> Arc<Lines> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = lines.get(queue) {
            return lines.clone();
        }
        let keys = [Key::Waiting, Key::Scheduled, Key::Runs, Key::Wake, Key::Due];
        let named = |keys: &[Key]| keys.iter().map(|key| self.keys.of(queue, *key)).collect();
        let (plain, flowing) = (&self.scripts.enqueue, &self.scripts.flowing_enqueue);
        let both = Arc::new(Lines {
            plain: Line::new(plain, named(&keys), false),
            flowing: Line::new(flowing, named(&[&keys[..], &Key::FLOW].concat()), true),
        });
        lines.insert(queue.clone(), both.clone());
        both
    }
}
