//! What overseers and clients believe, what can happen next, and what becomes of it.

use mosquito::backend::{Backend, Claim, ClaimToken, Fate, Lease, Overlap, Rescue, Settlement, Ticket};
use mosquito::{History, NewRun, OverseerId, QueueName, RunId, Timestamp, When};

use super::act::{Act, Answer, STEP, WAYS, Way};
use super::ledger::Ledger;
use crate::making::{queue, run_id, run_when, tick_of};

/// How often the leadership is given up.
const RESIGNATIONS: u32 = 1;
pub(super) const MAX_CRASHES: u32 = 2;

/// Everything but the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) queue: QueueName,
    pub(super) ledger: Ledger,
    /// For each run that a client enqueues: when it is to be performed, once the client has tried.
    clients: Vec<Option<Client>>,
    pub(super) overseers: [Overseer; 2],
    /// Claims that are on their way still.
    late: Option<(OverseerId, u64, usize)>,
    bounds: Bounds,
    mishaps: u32,
    resignations: u32,
}

/// What keeps a world small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bounds {
    /// How many runs clients enqueue, and whether they did so before it begins.
    pub(super) clients: usize,
    pub(super) is_begun: bool,
    /// Whether there is a periodic job, with one tick after the first step.
    pub(super) ticks: bool,
    /// How many tickets each overseer has in one life, and for how many runs each ticket is.
    pub(super) tickets: [u64; 2],
    pub(super) at_most: [usize; 2],
    /// How often time passes.
    pub(super) steps: u32,
    /// How much goes wrong: answers that are lost, calls that are late, and overseers that die.
    pub(super) mishaps: u32,
    /// Whether an operator deletes the first run.
    pub(super) deletes: bool,
    /// Whether an operator cancels the first run.
    pub(super) cancels: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Client {
    is_later: bool,
    knows: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Overseer {
    number: usize,
    life: u32,
    next: u64,
    /// A ticket that had no answer, and for how many runs.
    unanswered: Option<(u64, usize)>,
    pub(super) holds: Vec<Hold>,
    leads: bool,
}

/// A claim that an overseer believes to have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Hold {
    pub(super) id: RunId,
    pub(super) token: ClaimToken,
    ticket: u64,
    attempts: u32,
    crashes: u32,
    /// Its settlement had no answer, and is to be repeated.
    unsure: Option<Way>,
}

impl Overseer {
    pub(super) fn id(&self) -> OverseerId {
        OverseerId::new(format!("overseer-{}-{}", self.number, self.life)).expect("it is a name")
    }

    fn ticket(&self, number: u64) -> Ticket {
        Ticket { overseer: self.id(), number }
    }

    fn hold(&mut self, claims: Vec<Claim>, ticket: u64) {
        self.holds.extend(claims.into_iter().map(|claim| Hold {
            id: claim.id,
            token: claim.token,
            ticket,
            attempts: claim.history.attempts,
            crashes: claim.history.crashes,
            unsure: None,
        }));
    }
}

impl World {
    /// The beginning, on an empty store; of a world that is begun, on one where the clients' runs wait.
    pub(super) fn new(bounds: Bounds) -> Self {
        let overseer =
            |number| Overseer { number, life: 1, next: 1, unanswered: None, holds: Vec::new(), leads: false };
        Self {
            queue: queue("mail"),
            ledger: Ledger::default(),
            clients: vec![None; bounds.clients],
            overseers: [overseer(0), overseer(1)],
            late: None,
            bounds,
            mishaps: 0,
            resignations: 0,
        }
    }

    /// The same in another queue.
    pub(super) fn on(self, queue: QueueName) -> Self {
        Self { queue, ..self }
    }

    /// What happened before it begins.
    pub(super) fn before(&self) -> Vec<Act> {
        let runs = if self.bounds.is_begun { self.bounds.clients } else { 0 };
        (0..runs).map(|run| Act::Enqueue { run, when: When::Now, answer: Answer::Comes }).collect()
    }

    /// All that can happen now.
    pub(super) fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        let answers = |late: bool| {
            let lost = (self.mishaps < self.bounds.mishaps).then_some(Answer::IsLost);
            let late = (late && self.mishaps < self.bounds.mishaps).then_some(Answer::Waits);
            [Some(Answer::Comes), lost, late].into_iter().flatten()
        };
        for (run, client) in self.clients.iter().enumerate() {
            let whens = match client {
                None if run == 0 => vec![When::Now],
                None => vec![When::Now, When::After(STEP)],
                Some(Client { knows: true, .. }) => vec![],
                Some(Client { is_later, .. }) => vec![if *is_later { When::After(STEP) } else { When::Now }],
            };
            let calls = whens.into_iter().flat_map(|when| answers(false).map(move |answer| (when, answer)));
            acts.extend(calls.map(|(when, answer)| Act::Enqueue { run, when, answer }));
            if self.bounds.deletes && run == 0 && self.ledger.runs.contains_key(&self.run(0)) {
                acts.push(Act::Delete { run });
            }
            let is_wanted = self.ledger.runs.get(&self.run(0)).is_some_and(|entry| !entry.marked);
            if self.bounds.cancels && run == 0 && is_wanted {
                acts.push(Act::Cancel { run });
            }
        }
        for (who, overseer) in self.overseers.iter().enumerate() {
            match overseer.unanswered {
                Some((_, at_most)) => acts.push(Act::Claim { who, at_most, answer: Answer::Comes }),
                None if overseer.next <= self.bounds.tickets[who] => {
                    let at_most = self.bounds.at_most[who];
                    acts.extend(answers(true).map(|answer| Act::Claim { who, at_most, answer }));
                }
                None => (),
            }
            for (hold, held) in overseer.holds.iter().enumerate() {
                let ways = held.unsure.map_or(WAYS.to_vec(), |way| vec![way]);
                let calls = ways.into_iter().flat_map(|way| answers(false).map(move |answer| (way, answer)));
                acts.extend(calls.map(|(fate, answer)| Act::Settle { who, hold, fate, answer }));
            }
            if !overseer.holds.is_empty() {
                acts.extend([Act::Beat { who }, Act::Recall { who }]);
            }
            if self.mishaps < self.bounds.mishaps {
                acts.push(Act::Crash { who });
            }
            if self.bounds.ticks {
                acts.push(Act::Lead { who });
                acts.extend(overseer.leads.then_some(Act::Tick { who }));
                let resigns = overseer.leads && self.resignations < RESIGNATIONS;
                acts.extend(resigns.then_some(Act::Resign { who }));
            }
        }
        acts.extend(self.late.is_some().then_some(Act::Arrive));
        acts.extend([Act::Promote, Act::Rescue { at_most: 1 }, Act::Rescue { at_most: 2 }]);
        acts.extend((self.ledger.now < self.bounds.steps).then_some(Act::TimePasses));
        acts
    }

    /// Has it happen on a store, whose clock the caller moves when time passes. What the store answers is checked, and told but
    /// for tokens, which each store makes its own.
    pub(super) async fn act(&mut self, store: &dyn Backend, begin: Timestamp, act: Act) -> String {
        match act {
            Act::Enqueue { run, when, answer } => self.enqueue(store, run, when, answer).await,
            Act::Claim { who, at_most, answer } => self.claim(store, who, at_most, answer).await,
            Act::Arrive => {
                let (overseer, number, at_most) = self.late.take().expect("one is on its way");
                let claimed =
                    store.claim(&self.queue, &Ticket { overseer: overseer.clone(), number }, at_most).await;
                let claimed = claimed.expect("it is answered");
                self.ledger.claimed(&overseer, number, at_most, &claimed);
                format!("{:?} {}", claimed.lease, claimed.runs.len())
            }
            Act::Settle { who, hold, fate, answer } => self.settle(store, who, hold, fate, answer).await,
            Act::Beat { who } => {
                let id = self.overseers[who].id();
                let lease =
                    store.beat(&id, std::slice::from_ref(&self.queue)).await.expect("it is answered")[0];
                self.ledger.beaten(&id, lease);
                if lease == Lease::Lost {
                    self.overseers[who].holds.clear();
                }
                format!("{lease:?}")
            }
            Act::Recall { who } => {
                let overseer = &self.overseers[who];
                let oldest = overseer.holds.iter().map(|hold| hold.ticket).min().expect("it holds something");
                let runs = store.recall(&self.queue, &overseer.ticket(oldest)).await.expect("it is answered");
                self.ledger.recalled(&overseer.id(), oldest, &runs);
                format!("{runs:?}")
            }
            Act::Promote => {
                let promoted = store.promote(&self.queue, 10).await.expect("it is answered");
                self.ledger.promoted(promoted.moved);
                format!("{} {}", promoted.moved, promoted.next_due.is_some())
            }
            Act::Rescue { at_most } => {
                let rescue = Rescue { dead_after: STEP, max_crashes: MAX_CRASHES, at_most, not_after: None };
                let rescued = store.rescue(&self.queue, &rescue).await.expect("it is answered");
                self.ledger.rescued(&rescue, &rescued);
                format!("{rescued:?}")
            }
            Act::Delete { run } => {
                let deleted = store.delete(&self.queue, &self.run(run)).await.expect("it is answered");
                self.ledger.deleted(&self.run(run), deleted);
                format!("{deleted}")
            }
            Act::Cancel { run } => {
                let id = self.run(run);
                let answers =
                    store.cancel(&self.queue, std::slice::from_ref(&id)).await.expect("it is answered");
                self.ledger.cancelled(&id, &answers[0]);
                format!("{answers:?}")
            }
            Act::Crash { who } => {
                let Overseer { number, life, .. } = self.overseers[who];
                self.overseers[who] =
                    Overseer { life: life + 1, ..Self::new(self.bounds).overseers[number].clone() };
                self.mishaps += 1;
                String::new()
            }
            Act::Lead { who } => {
                let epoch = store.lead(&self.overseers[who].id(), STEP).await.expect("it is answered");
                self.overseers[who].leads = epoch.is_some();
                format!("{epoch:?}")
            }
            Act::Resign { who } => {
                store.resign(&self.overseers[who].id()).await.expect("it is answered");
                self.overseers[who].leads = false;
                self.resignations += 1;
                String::new()
            }
            Act::Tick { .. } => {
                let tick = tick_of("report", begin + STEP, Overlap::Allow);
                let ticked = store.tick(&self.queue, &tick).await.expect("it is answered");
                self.ledger.ticks(&tick.run.expect("it has a run").id, &ticked);
                format!("{ticked:?}")
            }
            Act::TimePasses => {
                self.ledger.now += 1;
                String::new()
            }
        }
    }

    fn run(&self, run: usize) -> RunId {
        run_id(["a", "b"][run])
    }

    async fn enqueue(&mut self, store: &dyn Backend, run: usize, when: When, answer: Answer) -> String {
        let new: NewRun = run_when(self.run(run).as_str(), when);
        let enqueued = store.enqueue(&self.queue, &[new]).await.expect("it is answered");
        let is_later = when != When::Now;
        self.ledger.enqueued(&self.run(run), self.ledger.now + u32::from(is_later), enqueued[0].is_new());
        self.clients[run] = Some(Client { is_later, knows: answer == Answer::Comes });
        self.mishaps += u32::from(answer == Answer::IsLost);
        format!("{enqueued:?}")
    }

    async fn claim(&mut self, store: &dyn Backend, who: usize, at_most: usize, answer: Answer) -> String {
        let overseer = &mut self.overseers[who];
        let number = match overseer.unanswered {
            Some((number, _)) => number,
            None => {
                overseer.next += 1;
                overseer.next - 1
            }
        };
        overseer.unanswered = Some((number, at_most));
        if answer == Answer::Waits {
            self.late = Some((overseer.id(), number, at_most));
            self.mishaps += 1;
            return String::new();
        }
        let claimed =
            store.claim(&self.queue, &overseer.ticket(number), at_most).await.expect("it is answered");
        self.ledger.claimed(&overseer.id(), number, at_most, &claimed);
        let told = (claimed.lease, claimed.runs.iter().map(|claim| claim.id.clone()).collect::<Vec<_>>());
        if answer == Answer::IsLost {
            self.mishaps += 1;
            return format!("{told:?}");
        }
        overseer.unanswered = None;
        if claimed.lease != Lease::Held {
            overseer.holds.retain(|hold| hold.ticket >= number);
        }
        overseer.hold(claimed.runs, number);
        format!("{told:?}")
    }

    async fn settle(
        &mut self,
        store: &dyn Backend,
        who: usize,
        hold: usize,
        way: Way,
        answer: Answer,
    ) -> String {
        let held = &self.overseers[who].holds[hold];
        let (id, token) = (held.id.clone(), held.token.clone());
        let settlement = Settlement { id: id.clone(), token: token.clone(), fate: fate(way, held) };
        let settled = store.settle(&self.queue, &[settlement]).await.expect("it is answered")[0];
        self.ledger.settled(&id, &token, way, settled);
        if answer == Answer::IsLost {
            self.mishaps += 1;
            self.overseers[who].holds[hold].unsure = Some(way);
        } else {
            self.overseers[who].holds.remove(hold);
        }
        format!("{settled:?}")
    }
}

fn fate(way: Way, held: &Hold) -> Fate {
    let error = Some("it failed".into());
    let history = History { attempts: held.attempts + 1, crashes: held.crashes, error, ..History::default() };
    match way {
        Way::Forget => Fate::Forget,
        Way::Reschedule => Fate::Reschedule { delay: STEP, history },
        Way::Banish => Fate::Banish { history },
        Way::HandBack => Fate::HandBack,
    }
}
