//! Does what a runner does, one step at a time and only when told: what tests have instead of a runner.
//!
//! Each step is made by the runner's own parts: the executor performs, `decide` decides, the coordinator's schedules
//! tick. There are no companions, and nothing happens in between.

use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use super::executor::{Executor, Work};
use super::outbox::Outbox;
use super::periodic::Periodic;
use crate::backend::lanes::LANES_PER_CALL;
use crate::backend::{BATCH_LIMIT, Claim, ClaimToken, Fate, Settlement};
use crate::clock::Timestamp;
use crate::error::{BuildError, Result};
use crate::events::Event;
use crate::job::Outcome;
use crate::job_run::{History, NewRun, stamped};
use crate::name::{JobName, QueueName, RunId};

pub(crate) struct ByHand {
    desk: Arc<Desk>,
    executor: Executor,
    outbox: Arc<Outbox>,
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
        let outbox = Arc::<Outbox>::default();
        // Nobody waits for what is written down only when the attempt is over.
        outbox.close();
        let executor = Executor { desk: desk.clone(), outbox: outbox.clone() };
        let periodic = desk.registry.jobs().iter().filter_map(|job| Periodic::of(job)).collect();
        Self { executor, outbox, periodic, desk }
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
            if promoted.moved + promoted.woken < BATCH_LIMIT {
                return Ok(promoted.next_due);
            }
        }
    }

    /// Performs the run of a queue that goes next, and settles it; nothing when none can be claimed now. Runs that have waited too
    /// long are removed, and counted.
    pub(crate) async fn perform_next(
        &mut self,
        queue: &QueueName,
        expired: &mut usize,
    ) -> Result<Option<Attempted>> {
        let Some((claim, now, ticket)) = self.claim_next(queue, expired).await? else { return Ok(None) };
        let (attempted, settlement) = self.attempt(queue, claim, now, ticket).await;
        // Once: a test wants to know when that fails, and a run that was deleted meanwhile is none of its business.
        let settled = self.desk.backend.settle(queue, std::slice::from_ref(&settlement)).await;
        self.desk.held.release(queue, std::iter::once(&settlement.token));
        settled?;
        self.refuse_missing_states(&attempted)?;
        Ok(Some(attempted))
    }

    /// Claims one run, with the time and the number of the ticket.
    async fn claim_next(
        &self,
        queue: &QueueName,
        expired: &mut usize,
    ) -> Result<Option<(Claim, Timestamp, u64)>> {
        let (mut looked_at, mut standing) = (0, None);
        loop {
            let ticket = self.desk.next_ticket();
            let mut claimed = self.desk.backend.claim(queue, &ticket, 1).await?;
            *expired += claimed.expired.len();
            self.desk.expired(queue, claimed.expired);
            if let Some(claim) = claimed.runs.pop() {
                return Ok(Some((claim, claimed.now, ticket.number)));
            }
            // A claim that gets nothing has looked at so many lanes of runs, or at all there are.
            looked_at += LANES_PER_CALL;
            let waiting = match standing {
                Some(waiting) => waiting,
                None => *standing.insert(self.desk.backend.sizes(queue).await?.waiting),
            };
            if looked_at >= waiting {
                return Ok(None);
            }
        }
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
        let (attempted, settlement) = self.attempt(queue, claim, now, number).await;
        self.desk.held.release(queue, std::iter::once(&settlement.token));
        self.refuse_missing_states(&attempted)?;
        Ok(attempted)
    }

    async fn attempt(
        &mut self,
        queue: &QueueName,
        claim: Claim,
        claimed_at: Timestamp,
        ticket: u64,
    ) -> (Attempted, Settlement) {
        let halt = self.desk.held.take(queue, &claim.id, &claim.token, ticket, false);
        let work = Work { queue: queue.clone(), claim, claimed_at, halt, _place: None };
        let mut events = self.desk.events.subscribe();
        self.executor.execute(&work).await;
        let taken = self.outbox.take(queue);
        // Whoever gave up on an attempt may have left what became of it.
        let ours = taken.batch().settlements.iter().find(|settlement| settlement.token == work.claim.token);
        let settlement = ours.cloned().expect("the executor, which is ours, passes on what it performed");
        taken.done();
        loop {
            let event = events.next().await.expect("the desk, which tells it, is ours");
            if let Event::Finished { queue, job, id, attempt, took, outcome, fate } = event
                && id == work.claim.id
            {
                let attempted =
                    Attempted { queue, job, id, attempt, took, outcome, fate, at: work.claimed_at };
                return (attempted, settlement);
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
