//! Finds one run, and deletes one, wherever it stands.
//!
//! The lists are made for moving many runs quickly; looking for one costs a search of `pending`, which is as
//! long as the fleet has executors, or of `waiting`, piece by piece.

use super::keys::Key;
use super::{Redis, SEARCH, replies};
use crate::backend::{List, StoredRun};
use crate::clock;
use crate::error::Result;
use crate::job_run::History;
use crate::name::{QueueName, RunId};

impl Redis {
    pub(super) async fn search_one(&self, queue: &QueueName, id: &RunId) -> Result<Option<StoredRun>> {
        let Some(first) = self.look(queue, id).await? else { return Ok(None) };
        let claim = if first.place.is_none() { self.claim_on(queue, id).await? } else { None };
        // It may have moved while the claims were searched.
        let found = if first.place.is_none() { self.look(queue, id).await? } else { Some(first) };
        Ok(found.map(|Found { envelope, history, place }| {
            let (overseer, claimed_at) = replies::who_and_when(claim.as_deref().unwrap_or_default());
            let (list, at, overseer) = match (place, &claim) {
                (Some((list, at)), _) => (list, Some(at), None),
                (None, Some(_)) => (List::Pending, claimed_at.map(clock::from_millis), overseer),
                (None, None) => (List::Waiting, None, None),
            };
            StoredRun { id: id.clone(), list, at, overseer, envelope, history }
        }))
    }

    /// The claim on a run, if it is pending, as the member of `pending` that stands for it.
    pub(super) async fn claim_on(&self, queue: &QueueName, id: &RunId) -> Result<Option<String>> {
        let pending = self.keys.of(queue, Key::Pending);
        let mut cursor = 0_u64;
        loop {
            // Names have no character that a pattern gives a meaning to.
            let (next, found): (u64, Vec<String>) = self
                .query(
                    &pending,
                    ::redis::cmd("ZSCAN")
                        .arg(&pending)
                        .arg(cursor)
                        .arg("MATCH")
                        .arg(format!("*/{id}"))
                        .arg("COUNT")
                        .arg(SEARCH),
                )
                .await?;
            if let Some(member) = found.into_iter().next() {
                return Ok(Some(member));
            }
            if next == 0 {
                return Ok(None);
            }
            cursor = next;
        }
    }

    /// A run that stands in no list but `pending` or `waiting`, or the time it has in the other two.
    async fn look(&self, queue: &QueueName, id: &RunId) -> Result<Option<Found>> {
        let mut pipe = ::redis::pipe();
        pipe.atomic()
            .hget(self.keys.of(queue, Key::Runs), id.as_str())
            .hget(self.keys.of(queue, Key::History), id.as_str())
            .zscore(self.keys.of(queue, Key::Scheduled), id.as_str())
            .zscore(self.keys.of(queue, Key::Dead), id.as_str());
        let answer = pipe.query_async(&mut self.commands(queue)).await;
        let (envelope, history, due, died): (Bytes, Bytes, Score, Score) = match answer {
            Ok(found) => found,
            Err(error) => return Err(self.explain(queue, error).await),
        };
        let history = history.and_then(|history| serde_json::from_slice(&history).ok()).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds fit")]
        let time = |ms: f64| clock::from_millis(ms as i64);
        let place = due.map(|due| (List::Scheduled, time(due))).or(died.map(|died| (List::Dead, time(died))));
        Ok(envelope.map(|envelope| Found { envelope, history, place }))
    }

    /// Deletes a run, wherever it stands: looked for first, and then taken out of its list and its envelope
    /// with it, in one script. If it has moved meanwhile, it is looked for again.
    pub(super) async fn delete_one(&self, queue: &QueueName, id: &RunId) -> Result<bool> {
        let (mut claim, mut offset) = (String::new(), -1);
        for attempt in 1..=ATTEMPTS {
            let keys = [
                Key::Runs,
                Key::History,
                Key::Waiting,
                Key::Scheduled,
                Key::Dead,
                Key::Pending,
                Key::Cancelled,
            ];
            let mut call = self.call(&self.scripts.delete, queue, &keys);
            // Somebody who wrote an envelope by hand may have left it outside of all lists.
            let anyhow = u8::from(attempt == ATTEMPTS);
            call.arg(id.as_str()).arg(SEARCH).arg(&claim).arg(offset).arg(anyhow);
            let answer: i64 = self.answer(queue, &call).await?;
            if answer >= 0 {
                return Ok(answer == 1);
            }
            claim = self.claim_on(queue, id).await?.unwrap_or_default();
            offset = if claim.is_empty() { self.locate(queue, id).await? } else { -1 };
        }
        Ok(false)
    }

    /// How far from the front of `waiting` a run stands; -1 when it does not.
    async fn locate(&self, queue: &QueueName, id: &RunId) -> Result<i64> {
        // Claims move it towards the front meanwhile: the pieces overlap.
        for offset in (0..).step_by(SEARCH / 2) {
            let mut call = self.call(&self.scripts.locate, queue, &[Key::Waiting]);
            call.arg(id.as_str()).arg(offset).arg(SEARCH);
            match self.answer(queue, &call).await? {
                -1 => (),
                -2 => break,
                found => return Ok(found),
            }
        }
        Ok(-1)
    }
}

/// How often a run that moves about is looked for.
const ATTEMPTS: u32 = 20;

type Bytes = Option<Vec<u8>>;
type Score = Option<f64>;

struct Found {
    envelope: Vec<u8>,
    history: History,
    place: Option<(List, crate::Timestamp)>,
}
