//! Cancels runs, and tells whoever performs them.
//!
//! A mark stands beside the claims of its queue, and names the claim that it is on: one that somebody else settled without
//! looking at it means nothing to the next claim of that run. The word that a mark is there goes to a key of the overseer's
//! own, in a slot of its own, so that it waits for one list, whatever it works on.

use std::collections::BTreeMap;
use std::time::Duration;

use ::redis::Value;

use super::keys::Key;
use super::replies::Reply;
use super::{Redis, SEARCH};
use crate::backend::{BATCH_LIMIT, Cancelled};
use crate::clock::millis;
use crate::error::Result;
use crate::name::{OverseerId, QueueName, RunId};

/// For how long a word is kept for an overseer that does not listen. Whoever comes back later looks first.
const WORD_KEPT: Duration = Duration::from_secs(60);

/// How often runs that move about are looked for.
const ATTEMPTS: u32 = 10;

impl Redis {
    pub(super) async fn cancel_all(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        let mut answers = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BATCH_LIMIT) {
            answers.extend(self.cancel_some(queue, chunk).await?);
        }
        let mut overseers: Vec<_> = answers.iter().filter_map(Cancelled::overseer).collect();
        overseers.sort();
        overseers.dedup();
        for overseer in overseers {
            if let Err(error) = self.call_one(overseer).await {
                // The mark stands: the overseer finds it when it looks by itself.
                tracing::debug!(target: "mosquito", %overseer, %error, "an overseer cannot be called");
            }
        }
        Ok(answers)
    }

    /// Looks for the runs piece by piece, and from the front again for those that moved meanwhile.
    async fn cancel_some(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        let mut found = BTreeMap::new();
        let mut left: Vec<usize> = (0..ids.len()).collect();
        for attempt in 1..=ATTEMPTS {
            // Somebody who wrote an envelope by hand may have left it outside of all lists.
            let anyhow = attempt == ATTEMPTS;
            // Claims move runs towards the front meanwhile: the pieces overlap.
            for offset in (0..).step_by(SEARCH / 2) {
                if left.is_empty() {
                    break;
                }
                let wanted: Vec<_> = left.iter().map(|at| &ids[*at]).collect();
                let (more, answers) = self.cancel_piece(queue, offset, anyhow, &wanted).await?;
                let here = left.iter().copied().zip(answers);
                left = here
                    .filter_map(|(at, answer)| match answer {
                        Some(answer) => {
                            found.insert(at, answer);
                            None
                        }
                        None => Some(at),
                    })
                    .collect();
                if !more {
                    break;
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// What became of each of these in one piece of the lists; nothing of what stands elsewhere. And whether there are more pieces.
    async fn cancel_piece(
        &self,
        queue: &QueueName,
        offset: usize,
        anyhow: bool,
        ids: &[&RunId],
    ) -> Result<(bool, Vec<Option<Cancelled>>)> {
        let keys =
            [Key::Runs, Key::History, Key::Waiting, Key::Scheduled, Key::Dead, Key::Pending, Key::Cancelled];
        let mut call = self.call(&self.scripts.cancel, queue, &keys);
        call.arg(offset).arg(SEARCH).arg(u8::from(anyhow));
        for id in ids {
            call.arg(id.as_str());
        }
        let answer: Value = self.answer(queue, &call).await?;
        let read = || {
            let mut reply = Reply::new(answer)?;
            let more = reply.int()? == 1;
            let answers = ids.iter().map(|_| Ok(meaning(&reply.text()?)));
            Ok((more, answers.collect::<Result<_, ::redis::RedisError>>()?))
        };
        self.read(read())
    }

    pub(super) async fn marked(&self, queue: &QueueName, overseer: &OverseerId) -> Result<Vec<RunId>> {
        let key = self.keys.of(queue, Key::Cancelled);
        let prefix = format!("{overseer}/");
        let (mut marked, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let mut scan = ::redis::cmd("HSCAN");
            scan.arg(&key).arg(cursor).arg("COUNT").arg(BATCH_LIMIT);
            let scanned: Scanned = match scan.query_async(&mut self.commands(queue)).await {
                Ok(scanned) => scanned,
                Err(error) => return Err(self.explain(queue, error).await),
            };
            let own = scanned.1.iter().filter(|(_, claim)| claim.starts_with(prefix.as_bytes()));
            marked.extend(own.map(|(id, _)| RunId::stored(&String::from_utf8_lossy(id))));
            cursor = scanned.0;
            if cursor == 0 || marked.len() >= BATCH_LIMIT {
                // One that moved in the hash meanwhile is told twice.
                marked.sort();
                marked.dedup();
                marked.truncate(BATCH_LIMIT);
                return Ok(marked);
            }
        }
    }

    pub(super) async fn call_one(&self, overseer: &OverseerId) -> Result<()> {
        let ear = self.keys.ear(overseer);
        let mut call = self.scripts.call.key(&ear);
        call.arg(millis(WORD_KEPT));
        match call.invoke_async(&mut self.connections.commands(&ear)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain_global(&ear, "list", error).await),
        }
    }

    pub(super) async fn listen_for(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool> {
        let ears = [self.keys.ear(overseer)];
        match self.connections.pop(&ears, timeout).await {
            Ok(heard) => Ok(heard.is_some()),
            Err(error) if error.is_transient() => Err(error),
            Err(error) => Err(self.explain_lists(&ears, error).await),
        }
    }
}

/// Where to go on, and ids with the claims on them.
type Scanned = (u64, Vec<(Vec<u8>, Vec<u8>)>);

/// What the script says of one run; nothing when that stands elsewhere.
fn meaning(answer: &str) -> Option<Cancelled> {
    match answer {
        "removed" => Some(Cancelled::Removed),
        "dead" => Some(Cancelled::Dead),
        "elsewhere" => None,
        answer => {
            // A claim that somebody wrote by hand may be nobody's.
            let overseer = answer.strip_prefix('@').and_then(|overseer| OverseerId::new(overseer).ok());
            Some(overseer.map_or(Cancelled::Unknown, Cancelled::Running))
        }
    }
}
