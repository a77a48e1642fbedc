//! What stands in a SQLite file beside its runs: of slots, keys and lanes exactly those that its runs have.
//!
//! Read from the file itself, by another connection, while runs with limits are enqueued, claimed, settled, lost and removed at random.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use mosquito::backend::sqlite::Sqlite;
use mosquito::backend::{Backend, Claim, Fate, Rescue, Settlement};
use mosquito::{
    Clock, Concurrency, ConcurrencyUse, Fair, Flow, FlowKey, LimitName, NewRun, OnConflict, Priority,
    QueueName, RateKind, RateLimit, RateUse, Unique, Until, When,
};
use mosquito_tests::Seed;
use rusqlite::{Connection, OpenFlags};

use crate::making::{Overseer, failed, queue, run_id, run_when, settlement};

const STEPS: usize = 1_500;
const SLOTS: u32 = 2;

/// Each finds what ought not to be.
const WRONG: [(&str, &str); 7] = [
    (
        "a slot that is not taken as often as pending runs have it",
        "SELECT slot || ' taken ' || used FROM slots WHERE used <> (
             SELECT count(*) FROM runs, json_each(runs.flow, '$.slots') AS has
             WHERE runs.queue = slots.queue AND list = 'pending' AND has.value = slot)",
    ),
    (
        "a pending run without its slot",
        "SELECT has.value || ' of ' || runs.id FROM runs, json_each(runs.flow, '$.slots') AS has
         WHERE list = 'pending' AND NOT EXISTS (
             SELECT 1 FROM slots WHERE slots.queue = runs.queue AND slot = has.value)",
    ),
    (
        "more slots than the limit",
        "SELECT slot FROM slots JOIN rules ON rules.queue = slots.queue AND name = substr(slot, 1, instr(slot, '/') - 1)
         WHERE used > rules.slots",
    ),
    (
        "a key of a run that is gone or dead",
        "SELECT key FROM unique_keys WHERE until IS NULL AND NOT EXISTS (
             SELECT 1 FROM runs WHERE runs.queue = unique_keys.queue AND id = run AND list <> 'dead')",
    ),
    (
        "a lane with runs that does not stand in line",
        "SELECT lane FROM runs WHERE length(lane) > 1 AND NOT EXISTS (
             SELECT 1 FROM lanes WHERE lanes.queue = runs.queue AND lanes.lane = runs.lane)",
    ),
    (
        "a lane in line without runs",
        "SELECT lane FROM lanes WHERE NOT EXISTS (
             SELECT 1 FROM runs WHERE runs.queue = lanes.queue AND list = 'waiting' AND runs.lane = lanes.lane)",
    ),
    (
        "a free slot that somebody is parked at and nobody is to have",
        "SELECT parked_at FROM lanes AS parked
         JOIN rules ON rules.queue = parked.queue AND name = substr(parked_at, 1, instr(parked_at, '/') - 1)
         WHERE rules.slots > coalesce((SELECT used FROM slots WHERE slots.queue = parked.queue AND slot = parked_at), 0)
             AND NOT EXISTS (
                 SELECT 1 FROM lanes AS ready JOIN runs ON runs.queue = ready.queue AND runs.lane = ready.lane,
                     json_each(runs.flow, '$.slots') AS has
                 WHERE ready.queue = parked.queue AND ready.level IS NOT NULL AND has.value = parked.parked_at)",
    ),
];

#[tokio::test]
async fn sqlite_whatever_is_done_no_slot_key_or_lane_is_left_behind() {
    for seed in Seed::several(2) {
        let files = tempfile::tempdir().expect("a folder for temporary files can be written");
        let path = files.path().join("jobs.db");
        let clock = crate::store::clock();
        let store = Sqlite::open_with_clock(&path, clock.clone()).await.expect("the file can be made");
        let mut trial = Trial::of(store, clock, seed.begin());

        for step in 0..STEPS {
            trial.step().await;
            if step % 25 == 0 {
                assert_right(&path, seed);
            }
        }
        trial.finish().await;
        assert_right(&path, seed);
        let left = count(&path, "SELECT (SELECT count(*) FROM slots) + (SELECT count(*) FROM lanes)");
        assert_eq!(left, 0, "{seed}: nothing waits or is pending, and so nothing is held");
        let seen = (trial.claimed, trial.kept_away, trial.expired);
        assert!(seen.0 > 100 && seen.1 > 10 && seen.2 > 0, "{seed}: it came to little: {seen:?}");
    }
}

fn assert_right(path: &Path, seed: Seed) {
    let file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file is there");
    for (what, sql) in WRONG {
        let mut wrong = file.prepare(sql).expect("it is asked in SQL");
        let wrong: Vec<String> = wrong
            .query_map([], |row| row.get(0))
            .expect("it is told")
            .collect::<Result<_, _>>()
            .expect("all");
        assert!(wrong.is_empty(), "{seed}: {what}: {wrong:?}");
    }
}

fn count(path: &Path, sql: &str) -> i64 {
    let file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file is there");
    file.query_row(sql, [], |row| row.get(0)).expect("it is counted")
}

/// Everything at once, on one queue.
struct Trial {
    store: Sqlite,
    queue: QueueName,
    clock: Clock,
    random: Rng,
    overseers: [Overseer; 3],
    held: Vec<Claim>,
    enqueued: usize,
    claimed: usize,
    kept_away: usize,
    expired: usize,
}

impl Trial {
    fn of(store: Sqlite, clock: Clock, random: Rng) -> Self {
        let overseers = ["ann", "bob", "eve"].map(Overseer::named);
        let (held, queue) = (Vec::new(), queue("mail"));
        Self {
            store,
            queue,
            clock,
            random,
            overseers,
            held,
            enqueued: 0,
            claimed: 0,
            kept_away: 0,
            expired: 0,
        }
    }

    async fn step(&mut self) {
        self.clock.step(self.random.i64(0..30));
        match self.random.usize(0..100) {
            0..35 => self.enqueue().await,
            35..60 => self.claim().await,
            60..82 => self.settle().await,
            82..88 => {
                self.store.promote(&self.queue, 20).await.expect("it is answered");
            }
            88..95 => self.delete().await,
            95..98 => self.kill().await,
            98 => {
                let age = Duration::from_secs(1);
                self.store.prune(&self.queue, 5, age, 9).await.expect("it is answered");
            }
            _ => self.flush_at_times().await,
        }
    }

    async fn enqueue(&mut self) {
        let runs: Vec<_> = (0..self.random.usize(1..5)).map(|_| self.run()).collect();
        let answers = self.store.enqueue(&self.queue, &runs).await.expect("it is answered");
        self.kept_away += answers.iter().filter(|answer| !answer.is_new()).count();
    }

    fn run(&mut self) -> NewRun {
        self.enqueued += 1;
        let when = match self.random.usize(0..4) {
            0 => When::After(Duration::from_millis(self.random.u64(0..300))),
            _ => When::Now,
        };
        let run = run_when(&format!("run-{:06}", self.enqueued), when);
        if self.random.usize(0..5) == 0 { run } else { run.flowing(self.flow()) }
    }

    fn flow(&mut self) -> Flow {
        let limit = |name| LimitName::new(name).expect("it is a name");
        let tenant = |random: &mut Rng| {
            FlowKey::readable(&[["a", "b", "c"][random.usize(0..3)]]).expect("text serializes")
        };
        let random = &mut self.random;
        let until = [Until::Start, Until::Finish, Until::StartThenWhileRunning];
        let conflict = [OnConflict::Return, OnConflict::Replace, OnConflict::KeepLatest];
        Flow {
            priority: Priority::new(random.u8(3..7)).expect("it is a level"),
            unique: (random.usize(0..3) == 0).then(|| {
                let on_conflict = conflict[random.usize(0..3)];
                match random.usize(0..3) {
                    0 => {
                        let key = FlowKey::hashed(&["for a time"]).expect("text serializes");
                        Unique { key, until: Until::For(Duration::from_millis(80)), on_conflict }
                    }
                    _ => Unique { key: tenant(random), until: until[random.usize(0..3)], on_conflict },
                }
            }),
            rate: (random.usize(0..4) == 0).then(|| RateUse {
                name: limit("rate"),
                key: tenant(random),
                weight: random.u32(1..3),
                rule: RateLimit { limit: 3, per: Duration::from_millis(200), kind: RateKind::Sliding },
            }),
            concurrency: random.bool().then(|| ConcurrencyUse {
                name: limit("letters"),
                key: tenant(random),
                rule: Concurrency { limit: SLOTS },
            }),
            fair: (random.usize(0..3) == 0).then(|| Fair { key: tenant(random), weight: random.u32(1..3) }),
            expires: (random.usize(0..8) == 0).then(|| Duration::from_millis(random.u64(1..200))),
        }
    }

    async fn claim(&mut self) {
        let ticket = self.overseers[self.random.usize(0..3)].ticket();
        let claimed =
            self.store.claim(&self.queue, &ticket, self.random.usize(1..8)).await.expect("it is answered");
        self.claimed += claimed.runs.len();
        self.expired += claimed.expired.len();
        self.held.extend(claimed.runs);
    }

    async fn settle(&mut self) {
        self.random.shuffle(&mut self.held);
        let some = self.random.usize(0..=self.held.len());
        let settlements: Vec<Settlement> = self
            .held
            .split_off(some)
            .iter()
            .map(|claim| {
                let history = failed(1);
                let fate = match self.random.usize(0..8) {
                    0 => Fate::Reschedule { delay: Duration::from_millis(self.random.u64(0..99)), history },
                    1 => Fate::Banish { history },
                    2 => Fate::HandBack,
                    _ => Fate::Forget,
                };
                settlement(claim, fate)
            })
            .collect();
        self.store.settle(&self.queue, &settlements).await.expect("it is answered");
    }

    async fn delete(&mut self) {
        let id = run_id(&format!("run-{:06}", self.random.usize(0..=self.enqueued)));
        self.store.delete(&self.queue, &id).await.expect("it is answered");
    }

    /// All overseers are found dead; what they settle from then on is refused.
    async fn kill(&mut self) {
        self.clock.step(1);
        let max_crashes = self.random.u32(1..4);
        let rescue =
            Rescue { dead_after: Duration::from_millis(1), max_crashes, at_most: 1_000, not_after: None };
        self.store.rescue(&self.queue, &rescue).await.expect("it is answered");
    }

    async fn flush_at_times(&mut self) {
        if self.random.usize(0..4) == 0 {
            self.store.flush(&self.queue).await.expect("it is answered");
        }
    }

    /// Performs all there is, as long as it takes.
    async fn finish(&mut self) {
        for _ in 0..10_000 {
            self.clock.step(50);
            self.store.promote(&self.queue, 1_000).await.expect("it is answered");
            self.claim().await;
            let all: Vec<_> = self.held.drain(..).map(|claim| settlement(&claim, Fate::Forget)).collect();
            self.store.settle(&self.queue, &all).await.expect("it is answered");
            // What an overseer lost count of comes back.
            let rescue =
                Rescue { dead_after: Duration::ZERO, max_crashes: 9, at_most: 1_000, not_after: None };
            self.store.rescue(&self.queue, &rescue).await.expect("it is answered");
            let sizes = self.store.sizes(&self.queue).await.expect("it is answered");
            if sizes.total() == sizes.dead {
                return;
            }
        }
        panic!("it comes to an end: {:?}", self.store.sizes(&self.queue).await);
    }
}
