//! Decides at random what is done next: three overseers, an operator, a coordinator and clients at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use mosquito::backend::{
    Cancelled, Enqueued, Fate, Lease, List, NoteChange, Notebook, Noted, Overlap, Pause, Rescue, Tick, Ticket,
};
use mosquito::{Body, Flow, History, NewRun, RunId, Timestamp, When};
use serde_json::value::RawValue;

use super::flows;
use super::pair::{Pair, TwinClaim};
use crate::making::{HOUR, Overseer, job, queue, run_id, tick_of};
use crate::store::Store;

/// So few that runs of one id are often enqueued, deleted and enqueued again.
const IDS: usize = 40;

/// The jobs of all runs; the last one is periodic, too.
const JOBS: [&str; 3] = ["send_letter", "greet", "report"];

/// What there is to be seen.
const EVERYTHING: [&str; 26] = [
    "enqueued",
    "duplicate",
    "kept away",
    "replaced",
    "expired",
    "claimed",
    "claimed again",
    "settled",
    "settled and claimed",
    "stale",
    "promoted",
    "held",
    "lost",
    "rescued",
    "deleted",
    "cancelled",
    "told to end",
    "paused",
    "everything paused",
    "job paused",
    "job resumed",
    "noted",
    "not swapped",
    "not added",
    "pruned",
    "ticked",
];

pub(super) struct Player<'a> {
    pair: Pair<'a>,
    random: Rng,
    overseers: [Overseer; 3],
    /// What each overseer believes to have, in the order of its claims.
    held: [Vec<(Ticket, TwinClaim)>; 3],
    /// Claims that were settled, rescued or lost: to be settled again.
    old: Vec<TwinClaim>,
    /// Delays of which none was used twice, so that the order of what is due does not depend on milliseconds.
    delays: BTreeSet<u32>,
    ticks: i64,
    played: BTreeMap<&'static str, usize>,
}

impl<'a> Player<'a> {
    pub(super) fn new(store: &'a Store, queue_name: &str, random: Rng) -> Self {
        Self {
            pair: Pair::new(store, queue(queue_name)),
            random,
            overseers: ["ann", "bob", "eve"].map(Overseer::named),
            held: Default::default(),
            old: Vec::new(),
            delays: BTreeSet::new(),
            ticks: 0,
            played: BTreeMap::new(),
        }
    }

    /// Puts something in: of a queue that was never used, the contract does not say what a claim is told of a pause.
    pub(super) async fn begin(&mut self) {
        self.enqueue().await;
    }

    /// Does one thing on both, and compares them.
    pub(super) async fn play(&mut self, step: usize) {
        // Between two steps no time passes on a server's clock that the model would have to know of.
        let passed = if self.pair.shares_its_clock() { self.random.i64(0..40) } else { 1 };
        self.pair.step(passed);
        match self.random.usize(0..100) {
            0..24 => self.enqueue().await,
            24..38 => self.claim().await,
            38..42 => self.claim_again().await,
            42..56 => self.settle().await,
            56..68 => self.settle_and_claim().await,
            68..72 => self.settle_what_is_old().await,
            72..79 => self.promote().await,
            79..83 => self.beat().await,
            83..87 => self.rescue().await,
            87..89 => self.delete().await,
            89..91 => self.cancel().await,
            91..93 => self.pause_or_resume().await,
            93 => self.pause_or_resume_a_job().await,
            94 => self.prune().await,
            95..98 => self.tick().await,
            98 => self.change_notes().await,
            _ => self.flush_at_times().await,
        }
        self.pair.compare().await;
        if step.is_multiple_of(50) {
            self.old.truncate(100);
        }
    }

    /// What it has not come to yet.
    pub(super) fn misses(&self) -> Vec<&'static str> {
        // On a server's clock no limit opens again.
        let woken = self.pair.shares_its_clock().then_some("woken");
        let all = EVERYTHING.into_iter().chain(woken);
        all.filter(|what| !self.played.contains_key(what)).collect()
    }

    fn played(&mut self, what: &'static str, times: usize) {
        if times > 0 {
            *self.played.entry(what).or_default() += times;
        }
    }

    async fn enqueue(&mut self) {
        let count = self.random.usize(1..7);
        let runs: Vec<_> = (0..count).map(|_| self.new_run()).collect();
        let answers = self.pair.enqueue(&runs).await;
        for (run, answer) in runs.iter().zip(answers) {
            let what = match answer {
                Enqueued::New(_) => "enqueued",
                Enqueued::Duplicate(id) if id == run.id => "duplicate",
                Enqueued::Duplicate(_) => "kept away",
                Enqueued::Replaced(_) => "replaced",
            };
            self.played(what, 1);
        }
    }

    fn new_run(&mut self) -> NewRun {
        let id = self.any_id();
        let now = self.pair.now();
        let when = match self.random.usize(0..6) {
            0 => When::After(self.delay()),
            1 if self.pair.shares_its_clock() => {
                When::At(now + chrono::TimeDelta::milliseconds(self.random.i64(-99..99)))
            }
            1 => When::At(now - chrono::TimeDelta::days(1)),
            _ => When::Now,
        };
        let (name, args) = (job(self.any_job()), RawValue::from_string("7".into()).expect("this is JSON"));
        let run = NewRun::new(id, when, &Body::new(&name, &args));
        if self.random.bool() { run } else { run.flowing(self.flow()) }
    }

    fn any_job(&mut self) -> &'static str {
        self.random.choice(JOBS).expect("there are some")
    }

    fn flow(&mut self) -> Flow {
        flows::any(&mut self.random, self.pair.shares_its_clock())
    }

    fn any_id(&mut self) -> RunId {
        run_id(&format!("run-{:02}", self.random.usize(0..IDS)))
    }

    /// Short where time can be moved. Elsewhere hours, and each only once.
    fn delay(&mut self) -> Duration {
        if self.pair.shares_its_clock() {
            return Duration::from_millis(self.random.u64(0..200));
        }
        loop {
            let minutes = self.random.u32(60..1_000_000);
            if self.delays.insert(minutes) {
                return Duration::from_secs(60) * minutes;
            }
        }
    }

    async fn claim(&mut self) {
        let (who, at_most) = (self.random.usize(0..3), self.random.usize(0..8));
        let ticket = self.overseers[who].ticket();
        let claimed = self.pair.claim(&ticket, at_most).await;
        self.has_claimed(who, &ticket, claimed);
    }

    fn has_claimed(&mut self, who: usize, ticket: &Ticket, claimed: (Lease, Vec<TwinClaim>, usize)) {
        let (lease, claims, expired) = claimed;
        self.played("expired", expired);
        if lease != Lease::Held {
            // What it claimed before is not its own any more.
            self.lose(who);
        }
        self.played("claimed", claims.len());
        self.held[who].extend(claims.into_iter().map(|claim| (ticket.clone(), claim)));
    }

    /// The same ticket again, of which something may be pending still.
    async fn claim_again(&mut self) {
        let who = self.random.usize(0..3);
        let Some((ticket, _)) = self.random.choice(&self.held[who]).cloned() else { return };
        // Only what is surely pending: of a ticket that has nothing left, the contract says nothing.
        let (_, claims, _) = self.pair.claim(&ticket, 0).await;
        self.played("claimed again", claims.len());
    }

    async fn settle(&mut self) {
        let who = self.random.usize(0..3);
        let count = self.random.usize(0..=self.held[who].len());
        self.settle_some(who, count).await;
    }

    /// Settles so many of an overseer's claims, in any order.
    async fn settle_some(&mut self, who: usize, count: usize) {
        let batch = self.batch(who, count);
        let settled = self.pair.settle(&batch).await;
        self.has_settled(&settled).await;
    }

    /// As a busy overseer does.
    async fn settle_and_claim(&mut self) {
        let (who, at_most) = (self.random.usize(0..3), self.random.usize(0..8));
        let count = self.random.usize(0..=self.held[who].len());
        let (batch, ticket) = (self.batch(who, count), self.overseers[who].ticket());
        let (settled, claimed) = self.pair.settle_and_claim(&batch, &ticket, at_most).await;
        self.played("settled and claimed", usize::from(!settled.is_empty() && !claimed.1.is_empty()));
        self.has_claimed(who, &ticket, claimed);
        self.has_settled(&settled).await;
    }

    /// So many of an overseer's claims, in any order, each with a fate.
    fn batch(&mut self, who: usize, count: usize) -> Vec<(TwinClaim, Fate)> {
        self.random.shuffle(&mut self.held[who]);
        let claims: Vec<_> = self.held[who].drain(..count).map(|(_, claim)| claim).collect();
        self.old.extend(claims.iter().cloned());
        claims.into_iter().map(|claim| (claim.clone(), self.fate(&claim))).collect()
    }

    async fn has_settled(&mut self, settled: &[mosquito::backend::Settled]) {
        let done = settled.iter().filter(|one| **one == mosquito::backend::Settled::Done).count();
        self.played("settled", done);
        self.played("stale", settled.len() - done);
        if !self.pair.shares_its_clock() {
            // What is due at once is moved at once, before another could be due in the same millisecond.
            let (moved, _) = self.pair.promote(1_000).await;
            self.played("promoted", moved);
        }
    }

    fn fate(&mut self, claim: &TwinClaim) -> Fate {
        let error = Some(format!("attempt {} failed", claim.attempts() + 1));
        let history = History { attempts: claim.attempts() + 1, error, ..claim.history().clone() };
        match self.random.usize(0..8) {
            0 | 1 => Fate::Reschedule { delay: self.delay(), history },
            2 => Fate::Reschedule { delay: Duration::ZERO, history },
            3 | 4 => Fate::Banish { history },
            5 => Fate::HandBack,
            _ => Fate::Forget,
        }
    }

    /// Settles claims that were settled before, or were taken back.
    async fn settle_what_is_old(&mut self) {
        let mut ids = BTreeSet::new();
        let mut batch = Vec::new();
        for _ in 0..5 {
            let Some(claim) = self.random.choice(&self.old).cloned() else { return };
            if ids.insert(claim.id().clone()) {
                let fate = self.fate(&claim);
                batch.push((claim, fate));
            }
        }
        let settled = self.pair.settle(&batch).await;
        self.played("stale", settled.len());
    }

    async fn promote(&mut self) {
        let at_most = if self.pair.shares_its_clock() && self.random.bool() {
            // Before anybody claims, who would wake what is held up until then.
            self.pair.step(self.random.i64(0..600));
            1_000
        } else if self.pair.shares_its_clock() {
            self.random.usize(0..6)
        } else {
            1_000
        };
        let (moved, woken) = self.pair.promote(at_most).await;
        self.played("promoted", moved);
        self.played("woken", woken);
    }

    async fn beat(&mut self) {
        let who = self.random.usize(0..3);
        match self.pair.beat(&self.overseers[who].id).await {
            Lease::Held => self.played("held", 1),
            _ => {
                self.played("lost", 1);
                self.lose(who);
            }
        }
    }

    /// One overseer is found dead. Between several the order in which their runs come back is the backend's own.
    async fn rescue(&mut self) {
        let who = self.random.usize(0..3);
        let dead_after = if self.pair.shares_its_clock() {
            self.pair.step(1);
            for other in (0..3).filter(|other| *other != who) {
                self.pair.beat(&self.overseers[other].id).await;
            }
            Duration::from_millis(1)
        } else {
            // No beat can save the others here, so they let go of what they have.
            for other in (0..3).filter(|other| *other != who) {
                self.settle_some(other, self.held[other].len()).await;
            }
            Duration::ZERO
        };
        let rescue =
            Rescue { dead_after, max_crashes: self.random.u32(1..4), at_most: 1_000, not_after: None };
        let count = self.pair.rescue(&rescue).await;
        self.played("rescued", count);
        self.lose(who);
    }

    fn lose(&mut self, who: usize) {
        let lost: Vec<_> = self.held[who].drain(..).map(|(_, claim)| claim).collect();
        self.old.extend(lost);
    }

    async fn delete(&mut self) {
        let id = self.any_id();
        let deleted = self.pair.delete(&id).await;
        self.played("deleted", usize::from(deleted));
        for held in &mut self.held {
            // A ticket is only asked again for what is surely pending.
            if let Some(at) = held.iter().position(|(_, claim)| *claim.id() == id) {
                self.old.push(held.remove(at).1);
            }
        }
    }

    /// Several at once, wherever they stand; what is pending stays with its overseer until that settles it.
    async fn cancel(&mut self) {
        let count = self.random.usize(1..5);
        let ids: Vec<_> = (0..count).map(|_| self.any_id()).collect();
        let answers = self.pair.cancel(&ids).await;
        let removed = answers.iter().filter(|answer| **answer == Cancelled::Removed).count();
        self.played("cancelled", removed);
        self.played("told to end", answers.iter().filter(|answer| answer.overseer().is_some()).count());
        for overseer in &self.overseers {
            self.pair.cancelled(&overseer.id).await;
        }
    }

    async fn pause_or_resume(&mut self) {
        let everything = self.random.bool();
        if self.random.bool() {
            self.pair.resume(everything).await;
            return;
        }
        let pause = self.any_pause();
        let duration = pause.duration();
        self.pair.pause(everything, &pause).await;
        self.played(if everything { "everything paused" } else { "paused" }, 1);
        self.claim().await;
        self.tick().await;
        if duration.is_none_or(|duration| duration >= HOUR) {
            // Long pauses would leave little else to see.
            self.pair.resume(everything).await;
        }
    }

    /// A job stays paused for a while, however long that is to last.
    async fn pause_or_resume_a_job(&mut self) {
        let name = job(self.any_job());
        if self.random.bool() {
            let pause = self.any_pause();
            self.pair.pause_job(&name, &pause).await;
            self.played("job paused", 1);
        } else {
            self.pair.resume_job(&name).await;
            self.played("job resumed", 1);
        }
        self.claim().await;
        self.tick().await;
    }

    fn any_pause(&mut self) -> Pause {
        let duration = match self.random.usize(0..3) {
            0 => None,
            _ if self.pair.shares_its_clock() => Some(Duration::from_millis(self.random.u64(0..300))),
            _ => Some(HOUR),
        };
        let pause = duration.map_or_else(Pause::new, |duration| Pause::new().lasting(duration));
        if self.random.bool() {
            return pause.reason(format!("reason {}", self.random.u8(..))).author("ada");
        }
        pause
    }

    async fn change_notes(&mut self) {
        for _ in 0..5 {
            self.change_note().await;
        }
    }

    async fn change_note(&mut self) {
        // Notebooks are the store's, so each queue of this test has one of its own.
        let notebook = Notebook::Job(job(self.pair.queue().as_str()));
        let key = *self.random.choice(&["a", "b"]).expect("there are two");
        let any =
            |random: &mut Rng| (*random.choice(&["1", "2", "x", "x"]).expect("there are some")).to_owned();
        let any_or_none = |random: &mut Rng| random.bool().then(|| any(random));
        let change = match self.random.usize(0..5) {
            0 => NoteChange::Set(any(&mut self.random)),
            1 | 2 => NoteChange::Add(if self.random.bool() { i64::MAX } else { self.random.i64(-2..3) }),
            3 => NoteChange::Remove,
            _ => NoteChange::Swap {
                expected: any_or_none(&mut self.random),
                new: any_or_none(&mut self.random),
            },
        };
        let what = match self.pair.change_note(&notebook, key, &change).await {
            Noted::Done { .. } => "noted",
            Noted::Other(_) => "not swapped",
            Noted::NoNumber | Noted::Overflow | Noted::Full => "not added",
        };
        self.played(what, 1);
    }

    async fn prune(&mut self) {
        let (keep, age, at_most) = if self.pair.shares_its_clock() {
            let age =
                if self.random.bool() { HOUR } else { Duration::from_millis(self.random.u64(1..2_000)) };
            (self.random.usize(0..10), age, self.random.usize(0..6))
        } else {
            (0, HOUR, 1_000)
        };
        let pruned = self.pair.prune(keep, age, at_most).await;
        self.played("pruned", pruned);
    }

    async fn tick(&mut self) {
        let name = *self.random.choice(&["report", "sweep"]).expect("there are two");
        self.ticks += self.random.i64(0..3);
        let at = Timestamp::UNIX_EPOCH + chrono::TimeDelta::minutes(self.ticks);
        let overlap = if self.random.bool() { Overlap::Skip } else { Overlap::Allow };
        let mut tick = tick_of(name, at, overlap);
        if self.random.bool() {
            tick.run = tick.run.map(|run| run.flowing(self.flow()));
        }
        if self.random.usize(0..4) == 0 {
            tick = Tick { run: None, ..tick };
        }
        if self.random.usize(0..6) == 0 {
            tick.at = self.pair.now() + chrono::TimeDelta::days(1);
        }
        self.pair.tick(&tick).await;
        self.played("ticked", 1);
        // Asked only for what has ticked: else the answer is the time now, which each tells by its own clock.
        if tick.at < self.pair.now() {
            self.pair.last_tick(&job(name)).await;
        }
    }

    /// Has all runs go, some by being performed and some by being deleted: then nothing is held any more.
    pub(super) async fn finish(&mut self) {
        self.pair.resume(false).await;
        self.pair.resume(true).await;
        for name in JOBS {
            self.pair.resume_job(&job(name)).await;
        }
        for who in 0..3 {
            let batch: Vec<_> = self.held[who].drain(..).map(|(_, claim)| (claim, Fate::Forget)).collect();
            self.pair.settle(&batch).await;
        }
        for who in [0, 1, 2, 0, 1, 2] {
            let ticket = self.overseers[who].ticket();
            let (_, claims, _) = self.pair.claim(&ticket, 4).await;
            let batch: Vec<_> = claims.into_iter().map(|claim| (claim, Fate::Forget)).collect();
            self.pair.settle(&batch).await;
        }
        for list in List::ALL {
            for id in self.pair.ids(list).await {
                self.pair.delete(&id).await;
            }
        }
        self.pair.compare().await;
        self.pair.assert_nothing_is_held().await;
    }

    /// Seldom, so that queues have time to grow.
    async fn flush_at_times(&mut self) {
        if self.random.usize(0..3) == 0 {
            self.pair.flush().await;
            (0..3).for_each(|who| self.lose(who));
        }
    }
}
