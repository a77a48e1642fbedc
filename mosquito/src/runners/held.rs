//! What an overseer has claimed and not yet settled.
//!
//! Invariant: every claim that a backend answered is held until its settlement is answered, or until the
//! lease it was made under is known to be lost. So the pulse never forgets a lease, and the shutdown never
//! forgets a run. A lease that an unanswered claim may have taken is kept alive, too.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::backend::{ClaimToken, Fate, Settlement};
use crate::job::{Fired, Halt, WhyCancelled};
use crate::name::{QueueName, RunId};

#[derive(Debug, Default)]
pub(crate) struct Held {
    queues: Mutex<HashMap<QueueName, HashMap<ClaimToken, Hold>>>,
    /// The latest claim of each queue that is on its way, by its ticket.
    asked: Mutex<HashMap<QueueName, u64>>,
    taken: AtomicU64,
    /// The tokens of what is or was held that have fired.
    fired: Arc<Fired>,
    /// Told when something is held.
    filled: Notify,
    /// Told when nothing is held any more.
    emptied: Notify,
}

#[derive(Debug)]
struct Hold {
    id: RunId,
    ticket: u64,
    /// Counts the claims in the order in which they came.
    number: u64,
    halt: Halt,
    /// One more crash banishes its run.
    last_chance: bool,
    /// What becomes of it is decided, and on its way to the backend.
    settling: bool,
}

impl Held {
    /// A claim is on its way, and may take the lease long before its answer comes.
    pub(super) fn asking(&self, queue: &QueueName, ticket: u64) {
        self.lock_asked().insert(queue.clone(), ticket);
    }

    /// The claim was answered, and what it got is held. The next one may be on its way by now.
    pub(super) fn answered(&self, queue: &QueueName, ticket: u64) {
        let mut asked = self.lock_asked();
        if asked.get(queue) == Some(&ticket) {
            asked.remove(queue);
        }
    }

    /// Holds a claim, and answers the token of its run.
    pub(super) fn take(
        &self,
        queue: &QueueName,
        id: &RunId,
        claim: &ClaimToken,
        ticket: u64,
        last_chance: bool,
    ) -> Halt {
        let halt = Halt::new(queue, id, &self.fired);
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let hold = Hold { id: id.clone(), ticket, number, halt: halt.clone(), last_chance, settling: false };
        let mut queues = self.lock();
        match queues.get_mut(queue) {
            Some(holds) => holds.insert(claim.clone(), hold),
            None => queues.entry(queue.clone()).or_default().insert(claim.clone(), hold),
        };
        drop(queues);
        self.filled.notify_one();
        halt
    }

    /// Marks a claim as decided; false when it was lost or handed back in the meantime, and is not to be settled.
    pub(super) fn settling(&self, queue: &QueueName, claim: &ClaimToken) -> bool {
        let mut queues = self.lock();
        let hold = queues.get_mut(queue).and_then(|holds| holds.get_mut(claim));
        hold.is_some_and(|hold| !std::mem::replace(&mut hold.settling, true))
    }

    /// Lets go of claims, and answers for each whether it was still held: it is not when its lease was lost.
    pub(super) fn release<'a>(
        &self,
        queue: &QueueName,
        claims: impl Iterator<Item = &'a ClaimToken>,
    ) -> Vec<bool> {
        let mut queues = self.lock();
        let mut holds = queues.get_mut(queue);
        let mut release = |claim| holds.as_mut().is_some_and(|holds| holds.remove(claim).is_some());
        let released = claims.map(&mut release).collect();
        self.tell_if_empty(&queues);
        released
    }

    /// Waits until something is held. For one who waits.
    pub(super) async fn until_any(&self) {
        while self.len() == 0 {
            self.filled.notified().await;
        }
    }

    /// Waits until nothing is held any more.
    pub(super) async fn until_empty(&self) {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn tell_if_empty(&self, queues: &HashMap<QueueName, HashMap<ClaimToken, Hold>>) {
        if queues.values().all(HashMap::is_empty) {
            self.emptied.notify_waiters();
        }
    }

    /// The queues with claims, each with the latest ticket among them; 0 where a claim is only asked for, since
    /// whether its lease stands is not known before its answer.
    pub(super) fn leases(&self) -> Vec<(QueueName, u64)> {
        let asked: Vec<_> = self.lock_asked().keys().cloned().collect();
        let queues = self.lock();
        let latest = |holds: &HashMap<_, Hold>| holds.values().map(|hold| hold.ticket).max();
        let mut leases: HashMap<_, _> = asked.into_iter().map(|queue| (queue, 0)).collect();
        leases.extend(queues.iter().filter_map(|(queue, holds)| Some((queue.clone(), latest(holds)?))));
        leases.into_iter().collect()
    }

    /// The oldest ticket among a queue's claims: nothing is held from any before it.
    pub(super) fn oldest(&self, queue: &QueueName) -> Option<u64> {
        self.lock().get(queue)?.values().map(|hold| hold.ticket).min()
    }

    /// Gives up the claims made with tickets up to this one: the lease under them is lost. Fires their
    /// tokens, and answers how many they were.
    pub(super) fn lose(&self, queue: &QueueName, up_to: u64) -> usize {
        let mut queues = self.lock();
        let Some(holds) = queues.get_mut(queue) else { return 0 };
        let before = holds.len();
        holds.retain(|_, hold| {
            let keeps = hold.ticket > up_to;
            if !keeps {
                hold.halt.fire(WhyCancelled::LeaseLost);
            }
            keeps
        });
        let lost = before - holds.len();
        self.tell_if_empty(&queues);
        lost
    }

    /// Whether a run is held that one more crash banishes, and that is to be performed.
    pub(super) fn has_last_chance(&self) -> bool {
        self.lock().values().flat_map(HashMap::values).any(|hold| hold.last_chance)
    }

    /// The tokens of all that is held.
    pub(super) fn halts(&self) -> Vec<Halt> {
        self.lock().values().flat_map(HashMap::values).map(|hold| hold.halt.clone()).collect()
    }

    /// How many claims are held.
    pub(super) fn len(&self) -> usize {
        self.lock().values().map(HashMap::len).sum()
    }

    /// Tells every run that is being performed to come to an end.
    pub(super) fn cancel_all(&self) {
        let queues = self.lock();
        queues.values().flat_map(HashMap::values).for_each(|hold| hold.halt.fire(WhyCancelled::Shutdown));
    }

    /// Fires the tokens of runs that somebody cancelled. Answers those for which that is news, and whether all of them
    /// are held.
    pub(super) fn cancel(&self, queue: &QueueName, ids: &[RunId]) -> (Vec<RunId>, bool) {
        if ids.is_empty() {
            return (Vec::new(), true);
        }
        let mut missing: HashSet<_> = ids.iter().collect();
        let queues = self.lock();
        let holds = queues.get(queue).into_iter().flat_map(HashMap::values);
        let cancelled = holds.filter(|hold| missing.remove(&hold.id)).filter(|hold| hold.halt.request());
        let told = cancelled.map(|hold| hold.id.clone()).collect();
        (told, missing.is_empty())
    }

    /// The tokens of what is or was held that have fired.
    pub(super) fn fired(&self) -> &Fired {
        &self.fired
    }

    /// Settlements that hand back whatever is still being performed, by queue, in the order of being claimed.
    pub(super) fn hand_back(&self) -> Vec<(QueueName, Vec<Settlement>)> {
        let mut queues = self.lock();
        let mut all = Vec::new();
        for (queue, holds) in queues.iter_mut() {
            let mut back: Vec<_> = holds
                .iter_mut()
                .filter(|(_, hold)| !hold.settling)
                .map(|(claim, hold)| {
                    hold.settling = true;
                    (
                        hold.number,
                        Settlement { id: hold.id.clone(), token: claim.clone(), fate: Fate::HandBack },
                    )
                })
                .collect();
            back.sort_by_key(|(number, _)| *number);
            if !back.is_empty() {
                all.push((queue.clone(), back.into_iter().map(|(_, settlement)| settlement).collect()));
            }
        }
        all
    }

    fn lock_asked(&self) -> MutexGuard<'_, HashMap<QueueName, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<QueueName, HashMap<ClaimToken, Hold>>> {
        // Each change is one insertion or removal.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Held;
    use crate::backend::ClaimToken;
    use crate::job::WhyCancelled;
    use crate::name::{QueueName, RunId};

    #[test]
    fn a_lost_lease_fires_the_tokens_under_it_and_no_others() {
        let (held, mail) = (Held::default(), QueueName::new("mail").unwrap());
        let claim = |n: u64| ClaimToken(n.to_string());
        let take = |n| held.take(&mail, &RunId::random(), &claim(n), n, false);
        let halts = [take(1), take(2), take(3)];

        let lost = held.lose(&mail, 2);

        assert_eq!(lost, 2);
        let why = halts.map(|halt| halt.why());
        assert_eq!(why, [Some(WhyCancelled::LeaseLost), Some(WhyCancelled::LeaseLost), None]);
        assert!(!held.settling(&mail, &claim(1)), "a lost claim is not to be settled");
        assert!(held.settling(&mail, &claim(3)));
        assert_eq!(held.leases(), [(mail, 3)]);
    }

    #[test]
    fn a_lease_that_an_unanswered_claim_may_have_taken_is_beaten_for_and_cannot_be_lost() {
        let (held, mail) = (Held::default(), QueueName::new("mail").unwrap());

        held.asking(&mail, 1);
        let asked = held.leases();
        let halt = held.take(&mail, &RunId::random(), &ClaimToken("1".into()), 1, false);
        held.answered(&mail, 1);

        assert_eq!(asked, [(mail.clone(), 0)]);
        assert_eq!(held.lose(&mail, 0), 0, "a beat from before the claim took the lease says nothing of it");
        assert!(!halt.token().is_cancelled());
        assert_eq!(held.leases(), [(mail, 1)]);
    }

    #[test]
    fn only_what_is_undecided_is_handed_back() {
        let (held, mail) = (Held::default(), QueueName::new("mail").unwrap());
        let ids = [RunId::random(), RunId::random(), RunId::random()];
        for (n, id) in (0_u64..).zip(&ids) {
            held.take(&mail, id, &ClaimToken(n.to_string()), n, false);
        }
        held.settling(&mail, &ClaimToken("1".into()));

        let back = held.hand_back();

        let handed: Vec<_> = back[0].1.iter().map(|settlement| &settlement.id).collect();
        assert_eq!(handed, [&ids[0], &ids[2]]);
        assert!(held.hand_back().is_empty(), "once is enough");
    }

    #[test]
    fn a_cancelled_run_is_told_once_and_one_that_is_not_held_yet_is_missed() {
        let (held, mail) = (Held::default(), QueueName::new("mail").unwrap());
        let ids = [RunId::random(), RunId::random()];
        let halt = held.take(&mail, &ids[0], &ClaimToken("1".into()), 1, false);
        let other = held.take(&mail, &RunId::random(), &ClaimToken("2".into()), 1, false);

        let first = held.cancel(&mail, &ids);
        let second = held.cancel(&mail, &ids[..1]);

        assert_eq!(first, (vec![ids[0].clone()], false));
        assert_eq!(second, (Vec::new(), true));
        assert_eq!((halt.why(), other.why()), (Some(WhyCancelled::Requested), None));
    }
}
