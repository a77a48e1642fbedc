//! Takes back the runs of overseers that stopped beating, and those of its own overseer that the store has wrong.
//!
//! Every overseer does, each at a pace of its own: whoever comes first takes them, and nobody waits for a
//! leader that may be the one who died.
//!
//! While the store is out of reach nobody can beat, and all seem dead when it is back. So all are given that time on top, until
//! whoever is alive has had the time to beat: an outage, however long, has nothing performed twice. A store that only hung does the
//! rescues that were sent meanwhile together with the beats, in any order: so a rescue that comes long after the last one
//! that was answered does [nothing](Rescue::not_after) ([`Seen`]).

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::desk::Desk;
use super::queue_list::QueueList;
use crate::backend::{BATCH_LIMIT, Rescue, Ticket};
use crate::clock::{self, Timestamp};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::name::QueueName;

/// How many queues are reaped at once. One whose server hangs, in a cluster, holds up few others.
const AT_ONCE: usize = 64;

/// Reaps until the overseer stops.
pub(super) async fn reap(desk: &Desk, queues: &QueueList) {
    let mut watches: HashMap<QueueName, Watch> = HashMap::new();
    // At once, not after the first pause: what a killed process left behind may be waiting for its successor.
    while !desk.stop.is_cancelled() {
        let queues = queues.now();
        let take = |queue: &QueueName| (queue.clone(), watches.remove(queue).unwrap_or_default());
        let before: Vec<_> = queues.iter().map(take).collect();
        watches = stream::iter(before)
            .map(|(queue, watch)| async move {
                let watch = round(desk, &queue, watch).await;
                (queue, watch)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        desk.rest(around(desk.settings.reap_every)).await;
    }
}

/// What is remembered of a queue from one round to the next.
#[derive(Default)]
struct Watch {
    trouble: Option<Trouble>,
    seen: Option<Seen>,
}

/// Reaps one queue. Its outage is told, and the next round tries again.
async fn round(desk: &Desk, queue: &QueueName, mut watch: Watch) -> Watch {
    let begin = Instant::now();
    let allowance = watch.trouble.as_ref().map_or(Duration::ZERO, |trouble| trouble.allowance(desk));
    let reaped = reap_queue(desk, queue, allowance, &mut watch.seen).await;
    match desk.noted(reaped) {
        Ok(()) => {
            if watch.trouble.as_mut().is_some_and(|trouble| trouble.is_over(desk)) {
                watch.trouble = None;
            }
        }
        Err(error) if error.is_transient() => {
            watch.trouble = Some(Trouble::since(watch.trouble.map_or(begin, |trouble| trouble.since)));
            return watch;
        }
        // Nobody may be left who takes back the runs of the dead.
        Err(error @ Error::Denied { .. }) => desk.give_up(error),
        Err(_) => (),
    }
    recall_queue(desk, queue).await;
    watch
}

/// The last answer of the store to a rescue in a queue.
struct Seen {
    /// When it came, here and by the store's clock.
    at: Instant,
    now: Timestamp,
    /// How long after the one before.
    gap: Duration,
}

impl Seen {
    /// The answer after this one: the store tells its time when a rescue was late.
    fn next(seen: Option<&Self>, late: Option<Timestamp>) -> Self {
        let (at, gap) = (Instant::now(), seen.map_or(Duration::ZERO, |seen| seen.at.elapsed()));
        let now = late.or(seen.map(|seen| clock::after(seen.now, gap))).unwrap_or_default();
        Self { at, now, gap }
    }

    /// When it is too late for the next rescue: a store that hung for so long may have kept somebody's beats waiting until they
    /// were overdue. Over a network that is slow all the time answers come as late each time, and that is no sign of it.
    fn limit(&self, desk: &Desk) -> Timestamp {
        let settings = &desk.settings;
        let beats = settings.dead_after.saturating_sub(settings.heartbeat) / 2;
        let patience = beats.max(settings.reap_every.saturating_mul(3) / 2).max(self.gap.saturating_mul(2));
        clock::after(self.now, patience)
    }
}

/// That a queue could not be reaped, because its store was out of reach.
struct Trouble {
    since: Instant,
    /// When it answered again.
    answers: Option<Instant>,
    /// When it was seen to take something down again: a full disk can be read, and a rescue of nobody writes nothing.
    writes: Option<Instant>,
}

impl Trouble {
    fn since(since: Instant) -> Self {
        Self { since, answers: None, writes: None }
    }

    /// How much longer than usual others may have been silent without being dead. It may have begun a round before it
    /// was noticed. Nothing once the store has answered for as long as a lease: the dead must not wait for one who has
    /// nothing to write.
    fn allowance(&self, desk: &Desk) -> Duration {
        if self.answers.is_some_and(|answers| answers.elapsed() >= desk.settings.dead_after) {
            return Duration::ZERO;
        }
        self.since.elapsed() + desk.settings.reap_every + desk.settings.heartbeat
    }

    /// The store has answered: whether it has taken things down for so long that everybody who is alive has beaten.
    fn is_over(&mut self, desk: &Desk) -> bool {
        let answers = *self.answers.get_or_insert_with(Instant::now);
        if self.writes.is_none() && desk.outage.wrote_since(answers) {
            self.writes = Some(Instant::now());
        }
        // Others may be slower to find out that they can beat again.
        let beaten = desk.settings.heartbeat.max(desk.settings.dead_after / 2);
        self.writes.is_some_and(|writes| writes.elapsed() >= beaten)
    }
}

/// Takes back all there is, in bounded calls. The first rescue of all only asks for the time.
async fn reap_queue(
    desk: &Desk,
    queue: &QueueName,
    allowance: Duration,
    seen: &mut Option<Seen>,
) -> Result<()> {
    let settings = &desk.settings;
    let dead_after = settings.dead_after.saturating_add(allowance);
    loop {
        let is_first = seen.is_none();
        let not_after = Some(seen.as_ref().map_or(Timestamp::MIN_UTC, |seen| seen.limit(desk)));
        let rescue =
            Rescue { dead_after, max_crashes: settings.max_crashes, at_most: BATCH_LIMIT, not_after };
        let answer = desk.backend.rescue(queue, &rescue).await?;
        *seen = Some(Seen::next(seen.as_ref(), answer.late));
        let more = answer.more || is_first;
        if answer.total() > 0 {
            let (rescued, poisoned, cancelled) = (answer.rescued, answer.poisoned, answer.cancelled);
            desk.events.emit(|| Event::Rescued { queue: queue.clone(), rescued, poisoned, cancelled });
        }
        if !more || desk.stop.is_cancelled() {
            return Ok(());
        }
    }
}

/// A store that lost its latest writes, in a failover or a power cut, believes runs to be pending that this overseer
/// has settled. It beats, so nobody takes them back; but it knows that it holds nothing from so old a ticket.
async fn recall_queue(desk: &Desk, queue: &QueueName) {
    let Some(number) = desk.held.oldest(queue) else { return };
    let before = Ticket { overseer: desk.overseer.clone(), number };
    // What is left comes in the next round.
    let Some(runs) = desk.tried(desk.backend.recall(queue, &before).await) else { return };
    if !runs.is_empty() {
        desk.events.emit(|| Event::Recalled { queue: queue.clone(), runs });
    }
}

/// A duration at random, up to a fifth shorter or longer: a fleet that started together does not act in step.
pub(super) fn around(duration: Duration) -> Duration {
    // No pause is longer than a day, which no arithmetic overflows.
    duration.min(Duration::from_secs(86_400)).mul_f64(0.8 + fastrand::f64() * 0.4)
}
