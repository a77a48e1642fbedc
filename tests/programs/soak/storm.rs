//! Faults without end, one after another, at random.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use mosquito_tests::{Fleet, Hit, Lasting, RedisServer, WorkerPlan, journal};

use crate::tally::{Counts, Tally, lock};

const WORKERS: usize = 4;

/// Workers, the store if it is a server, and what is done to them.
pub(crate) struct Storm {
    random: Rng,
    fleet: Fleet,
    plan: WorkerPlan,
    server: Option<RedisServer>,
    tally: Arc<Mutex<Tally>>,
    alive: Vec<usize>,
    /// Held, until then.
    held: Vec<(usize, Lasting, Instant)>,
    /// Told to stop, and not yet at their end.
    leaving: Vec<usize>,
    faults: BTreeMap<&'static str, u64>,
}

impl Storm {
    pub(crate) fn new(
        seed: u64,
        mut fleet: Fleet,
        plan: WorkerPlan,
        server: Option<RedisServer>,
        tally: Arc<Mutex<Tally>>,
    ) -> Self {
        let alive = (0..WORKERS).map(|_| fleet.start(&plan)).collect();
        let (random, held, leaving) = (Rng::with_seed(seed), Vec::new(), Vec::new());
        Self { random, fleet, plan, server, tally, alive, held, leaving, faults: BTreeMap::new() }
    }

    /// How often each kind of fault was done.
    pub(crate) fn faults(&self) -> &BTreeMap<&'static str, u64> {
        &self.faults
    }

    /// What is counted so far, and how many of the runs are done.
    pub(crate) fn progress(&self) -> (Counts, u64) {
        let tally = lock(&self.tally);
        (tally.counts, tally.done())
    }

    /// The most runs that they may have had performed again.
    pub(crate) fn bound(&self) -> u64 {
        let runs = self.fleet.faults().iter().map(|fault| fault.executors + mosquito::backend::BATCH_LIMIT);
        runs.sum::<usize>() as u64
    }

    /// A pause, and one fault.
    pub(crate) fn blow(&mut self) {
        self.pause(300..2_000);
        self.thaw(|until| until <= Instant::now());
        self.see_off();
        match (self.random.u8(..100), self.server.is_some()) {
            (..30, _) => self.kill(),
            (..50, _) => self.hold(),
            (..70, _) | (_, false) => self.replace(),
            (..80, true) => self.break_connections(),
            (..88, true) => self.flush_scripts(),
            (..94, true) => self.kill_server(),
            (_, true) => self.freeze_server(),
        }
    }

    /// Lets everybody go on, for the drain.
    pub(crate) fn calm(&mut self) {
        self.thaw(|_| true);
    }

    /// Stops everybody.
    pub(crate) fn end(mut self) {
        let alive = std::mem::take(&mut self.alive);
        for place in &alive {
            self.fleet.wait_until_ready(*place);
            self.fleet.terminate(*place);
        }
        for place in alive.into_iter().chain(std::mem::take(&mut self.leaving)) {
            let _report = self.fleet.wait_for_report(place);
        }
    }

    fn kill(&mut self) {
        let place = self.pick();
        self.hit(place);
        self.fleet.kill(place);
        self.held.retain(|(held, ..)| *held != place);
        self.alive.push(self.fleet.launch(&self.plan));
        self.count("kill -9 of a worker");
    }

    /// For longer than its lease; somebody else works in its place meanwhile, and after.
    fn hold(&mut self) {
        let place = self.pick();
        self.fleet.wait_until_ready(place);
        self.hit(place);
        let lasting = self.fleet.freeze(place);
        let until = Instant::now() + Duration::from_millis(self.random.u64(2_500..5_000));
        self.held.push((place, lasting, until));
        self.alive.push(self.fleet.launch(&self.plan));
        self.count("SIGSTOP of a worker beyond its lease");
    }

    fn thaw(&mut self, due: impl Fn(Instant) -> bool) {
        let (due, held) = std::mem::take(&mut self.held).into_iter().partition(|(.., until)| due(*until));
        self.held = held;
        for (place, lasting, _) in due {
            self.fleet.thaw(place, lasting);
            // It finds out that its runs are somebody else's, and leaves.
            self.fleet.terminate(place);
            self.leaving.push(place);
        }
    }

    fn replace(&mut self) {
        let place = self.pick();
        self.fleet.fault("SIGTERM", Hit::Process(self.fleet.pid(place)), self.plan.executors);
        self.fleet.wait_until_ready(place);
        self.fleet.terminate(place);
        self.leaving.push(place);
        self.alive.push(self.fleet.launch(&self.plan));
        self.count("SIGTERM and another worker");
    }

    /// Waits for those that have come to their end, when they are many.
    fn see_off(&mut self) {
        while self.leaving.len() > WORKERS {
            let place = self.leaving.remove(0);
            let _report = self.fleet.wait_for_report(place);
        }
    }

    fn break_connections(&mut self) {
        let lasting = self.everybody("CLIENT KILL");
        let _killed: i64 = self.server().command(&["CLIENT", "KILL", "TYPE", "normal"]);
        self.fleet.end_fault(lasting);
        self.count("CLIENT KILL of all connections");
    }

    fn flush_scripts(&mut self) {
        let _: String = self.server().command(&["SCRIPT", "FLUSH"]);
        self.count("SCRIPT FLUSH");
    }

    fn kill_server(&mut self) {
        let lasting = self.everybody("redis kill -9");
        self.server().kill();
        self.pause(0..2_000);
        self.server().start_again();
        self.fleet.end_fault(lasting);
        self.count("kill -9 of the server, and its restart");
    }

    fn freeze_server(&mut self) {
        let lasting = self.everybody("redis SIGSTOP");
        self.server().freeze();
        self.pause(1_000..4_000);
        self.server().thaw();
        self.fleet.end_fault(lasting);
        self.count("SIGSTOP of the server");
    }

    fn everybody(&mut self, what: &str) -> Lasting {
        self.fleet.begin_fault(what, Hit::Everybody, WORKERS * self.plan.executors)
    }

    /// Takes a worker out of those that are alive.
    fn pick(&mut self) -> usize {
        let place = self.random.usize(..self.alive.len());
        self.alive.swap_remove(place)
    }

    fn hit(&self, place: usize) {
        lock(&self.tally).hit(self.fleet.pid(place), journal::now());
    }

    fn server(&mut self) -> &mut RedisServer {
        self.server.as_mut().expect("these faults are for a server")
    }

    fn pause(&mut self, milliseconds: std::ops::Range<u64>) {
        std::thread::sleep(Duration::from_millis(self.random.u64(milliseconds)));
    }

    fn count(&mut self, what: &'static str) {
        *self.faults.entry(what).or_default() += 1;
    }
}
