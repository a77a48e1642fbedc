//! Makes what the facts are about: names, runs, overseers, settlements.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mosquito::backend::{Claim, ClaimToken, Fate, Overlap, Rescue, Settlement, StoredRun, Tick, Ticket};
use mosquito::{Body, History, JobName, NewRun, OverseerId, QueueName, RunId, Timestamp, When};
use serde_json::value::RawValue;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::new(name).expect("the fact gives a good name")
}

pub(crate) fn job(name: &str) -> JobName {
    JobName::new(name).expect("the fact gives a good name")
}

pub(crate) fn run_id(id: &str) -> RunId {
    RunId::new(id).expect("the fact gives a good id")
}

/// A run for now.
pub(crate) fn run(id: &str) -> NewRun {
    run_when(id, When::Now)
}

/// A run for a later time.
pub(crate) fn run_in(id: &str, delay: Duration) -> NewRun {
    run_when(id, When::After(delay))
}

pub(crate) fn run_when(id: &str, when: When) -> NewRun {
    run_with(id, r#"{"to":"ada"}"#, when)
}

/// A run with these arguments, which are JSON.
pub(crate) fn run_with(id: &str, args: &str, when: When) -> NewRun {
    let args = RawValue::from_string(args.into()).expect("the fact gives good JSON");
    NewRun::new(run_id(id), when, &Body::new(&job("send_letter"), &args))
}

/// So many ids that sort as they are counted: `run-0000`, `run-0001`, …
pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("run-{n:04}")).collect()
}

pub(crate) fn runs(ids: &[String]) -> Vec<NewRun> {
    ids.iter().map(|id| run(id)).collect()
}

pub(crate) fn ids(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.id.as_str()).collect()
}

pub(crate) fn stored_ids(runs: &[StoredRun]) -> Vec<&str> {
    runs.iter().map(|run| run.id.as_str()).collect()
}

pub(crate) fn tokens(claims: &[Claim]) -> Vec<ClaimToken> {
    claims.iter().map(|claim| claim.token.clone()).collect()
}

/// An overseer. One that a fact names twice is the same one: its tickets go on, for it never uses one again.
#[derive(Debug)]
pub(crate) struct Overseer {
    pub(crate) id: OverseerId,
}

static TICKETS: AtomicU64 = AtomicU64::new(1);

impl Overseer {
    pub(crate) fn named(name: &str) -> Self {
        Self { id: OverseerId::new(name).expect("the fact gives a good name") }
    }

    /// A ticket that it has not used before.
    pub(crate) fn ticket(&self) -> Ticket {
        self.numbered_ticket(TICKETS.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn numbered_ticket(&self, number: u64) -> Ticket {
        Ticket { overseer: self.id.clone(), number }
    }
}

pub(crate) fn settlement(claim: &Claim, fate: Fate) -> Settlement {
    Settlement { id: claim.id.clone(), token: claim.token.clone(), fate }
}

/// The same fate for all of them.
pub(crate) fn settlements(claims: &[Claim], fate: &Fate) -> Vec<Settlement> {
    claims.iter().map(|claim| settlement(claim, fate.clone())).collect()
}

pub(crate) fn banish() -> Fate {
    Fate::Banish { history: failed(1) }
}

pub(crate) fn reschedule(delay: Duration) -> Fate {
    Fate::Reschedule { delay, history: failed(1) }
}

/// One of each.
pub(crate) fn every_fate() -> [Fate; 4] {
    [Fate::Forget, reschedule(HOUR), banish(), Fate::HandBack]
}

/// The history of a run that failed so many times.
pub(crate) fn failed(attempts: u32) -> History {
    History { attempts, error: Some("the mail server is away".into()), ..History::default() }
}

/// A tick of the job `report`, with its run.
pub(crate) fn tick(at: Timestamp, overlap: Overlap) -> Tick {
    tick_of("report", at, overlap)
}

pub(crate) fn tick_of(name: &str, at: Timestamp, overlap: Overlap) -> Tick {
    let (job, args) = (job(name), RawValue::from_string("null".into()).expect("this is JSON"));
    let body = Body { tick: Some(at), ..Body::new(&job, &args) };
    let run = NewRun::new(RunId::of_tick(&job, at), When::Now, &body);
    Tick { job, at, run: Some(run), overlap }
}

/// A rescue from overseers that were silent for so long, of all their runs.
pub(crate) fn rescue_after(dead_after: Duration) -> Rescue {
    Rescue { dead_after, max_crashes: 3, at_most: 1_000, not_after: None }
}
