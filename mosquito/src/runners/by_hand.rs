//! Does what a runner does, one step at a time and only when told: what tests have instead of a runner.
//!
//! Each step is made by the runner's own parts: the executor performs, `decide` decides, the coordinator's schedules
//! tick. There are no companions, and nothing happens in between.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::desk::Desk;
use super::executor::{Executor, Work};
use super::periodic::Periodic;
use super::settler::{self, Ended};
use crate::backend::{BATCH_LIMIT, Claim, ClaimToken, Fate};
use crate::clock::Timestamp;
use crate::error::{BuildError, Result};
use crate::events::Event;
use crate::job::Outcome;
use crate::job_run::{History, NewRun, stamped};
use crate::name::{JobName, QueueName, RunId};

pub(crate) struct ByHand {
    desk: Arc<Desk>,
    executor: Executor,
    ended: mpsc::Receiver<Ended>,
    periodic: Vec<Periodic>,
}

/// One attempt that came to its end.
#[derive(Clone, Debug)]
pub(crate) struct Attempted {
    pub(crate) queue: QueueName,
    pub(crate) job: Option<JobName>,
    pub(crate) id: RunId,
    pub(crate) attempt: u32,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
    pub(crate) fate: Fate,
    /// When it was claimed, by the backend's clock.
    pub(crate) at: Timestamp,
}

impl ByHand {
    pub(crate) fn new(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        let (settler, ended) = settler::channel();
        let executor = Executor { desk: desk.clone(), settler };
        let periodic = desk.registry.jobs().iter().filter_map(|job| Periodic::of(job)).collect();
        Self { executor, ended, periodic, desk }
    }

    /// Enqueues the ticks that are due, and answers when the next one is.
    pub(crate) async fn tick(&mut self) -> Result<Option<Timestamp>> {
        for periodic in &mut self.periodic {
            periodic.look_after(&self.desk, true).await?;
        }
        Ok(self.periodic.iter().filter_map(Periodic::expected).min())
    }

    /// Moves the due runs of a queue to `waiting`, and answers how long until the next one is due.
    pub(crate) async fn promote(&self, queue: &QueueName) -> Result<Option<Duration>> {
        loop {
            let promoted = self.desk.backend.promote(queue, BATCH_LIMIT).await?;
            if promoted.moved < BATCH_LIMIT {
                return Ok(promoted.next_due);
            }
        }
    }

    /// Performs the run at the front of a queue, and settles it; nothing when none waits.
    pub(crate) async fn perform_next(&mut self, queue: &QueueName) -> Result<Option<Attempted>> {
        let ticket = self.desk.next_ticket();
        let mut claimed = self.desk.backend.claim(queue, &ticket, 1).await?;
        let Some(claim) = claimed.runs.pop() else { return Ok(None) };
        let (attempted, ended) = self.attempt(queue, claim, claimed.now, ticket.number).await;
        // Once: a test wants to know when that fails, and a run that was deleted meanwhile is none of its business.
        let settled = self.desk.backend.settle(queue, std::slice::from_ref(&ended.settlement)).await;
        self.desk.held.release(queue, std::iter::once(&ended.settlement.token));
        settled?;
        self.refuse_missing_states(&attempted)?;
        Ok(Some(attempted))
    }

    /// Performs a run that stands in no queue, as its given attempt.
    pub(crate) async fn perform(
        &mut self,
        queue: &QueueName,
        run: &NewRun,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Attempted> {
        let claim = Claim {
            id: run.id.clone(),
            token: ClaimToken(format!("by-hand-{}", run.id)),
            envelope: stamped(run.body(), now).into_bytes(),
            history: History { attempts: attempt.saturating_sub(1), ..History::default() },
        };
        let number = self.desk.next_ticket().number;
        let (attempted, ended) = self.attempt(queue, claim, now, number).await;
        self.desk.held.release(queue, std::iter::once(&ended.settlement.token));
        self.refuse_missing_states(&attempted)?;
        Ok(attempted)
    }

    async fn attempt(
        &mut self,
        queue: &QueueName,
        claim: Claim,
        claimed_at: Timestamp,
        ticket: u64,
    ) -> (Attempted, Ended) {
        let halt = self.desk.held.take(queue, &claim.id, &claim.token, ticket, false);
        let work = Work { queue: queue.clone(), claim, claimed_at, halt, _place: None };
        let mut events = self.desk.events.subscribe();
        self.executor.execute(&work).await;
        let ended = loop {
            let ended =
                self.ended.recv().await.expect("the executor, which is ours, passes on what it performed");
            // Whoever gave up on an attempt may have left what became of it.
            if ended.settlement.token == work.claim.token {
                break ended;
            }
        };
        loop {
            let event = events.next().await.expect("the desk, which tells it, is ours");
            if let Event::Finished { queue, job, id, attempt, took, outcome, fate } = event
                && id == work.claim.id
            {
                let attempted =
                    Attempted { queue, job, id, attempt, took, outcome, fate, at: work.claimed_at };
                return (attempted, ended);
            }
        }
    }

    /// A runner would leave such a run to another process; here there is none.
    fn refuse_missing_states(&self, attempted: &Attempted) -> Result<()> {
        let Attempted { outcome: Outcome::UnknownJob, job: Some(job), .. } = attempted else { return Ok(()) };
        let Some(registration) = self.desk.registry.find(job) else { return Ok(()) };
        let (job, missing) = ((registration.type_name)(), registration.missing_states(&self.desk.states));
        let problems: Vec<_> = missing
            .map(|state| {
                format!("nobody provides the state `{}`, which {job} needs: add `.state(..)`", state.name)
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(BuildError::new(problems).into()) }
    }
}

impl std::fmt::Debug for ByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByHand").field("desk", &self.desk).finish_non_exhaustive()
    }
}
