//! Faults without end on workers that are never without work, for as long as wanted, with an exact ledger:
//! `soak --minutes 30`. Ends with 1 when a run was lost, is stuck, or was settled under an old claim, or when anything leaked.
//!
//! ```text
//! enqueues 1,200 runs/s ──> Redis (AOF, each write synced) or SQLite <──> four workers of 20 executors
//!        │                        ^                                          │        ^
//!        │ answered               └──────────────── storm of faults ─────────│────────┘
//!        v                                                                   v
//!      tally: two bytes a run <────────────────── a pipe: one line a fact
//! ```
//!
//! A run is *lost* when the store has answered its enqueue, and it neither was performed to its end nor stands in any list
//! after the drain; *stuck* when it still stands in one. It was *settled under an old claim* when the store
//! agreed that it is done twice, or by another claim than its latest. All three are counted exactly: each claim and each
//! settlement that the store answered is in the pipe, also those of processes that are killed in the next moment.
//!
//! Half of the runs have a [flow](mosquito_tests::flow_of). What *leaked* is a slot that is taken, or a unique key that is held, after the drain.

#[path = "../crash_worker/jobs.rs"]
mod jobs;
mod options;
mod storm;
mod tally;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use mosquito::backend::{Backend, List};
use mosquito::{Mosquito, QueueName, RunId};
use mosquito_tests::journal::Journal;
use mosquito_tests::{Fleet, Inside, RedisServer, WorkerPlan, leaks, run_of};

use options::{Options, Store};
use storm::Storm;
use tally::{Counts, Tally, lock};

/// How long the drain may take without any progress.
const STUCK_AFTER: Duration = Duration::from_secs(60);

const PRINT_EVERY: Duration = Duration::from_secs(60);

/// The store, if it is a file.
const FILE: &str = "jobs.db";

/// How many runs one call enqueues.
const BATCH: usize = 100;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    println!(
        "soak: {:?} on {:?}, {} runs/s, seed {}",
        options.time, options.store, options.rate, options.seed
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    if runtime.expect("the operating system has threads").block_on(soak(options)) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether all is well.
async fn soak(options: Options) -> bool {
    let folder = tempfile::Builder::new().prefix("mosquito-soak-").tempdir();
    let folder = folder.expect("a folder for temporary files can be written");
    let pipe = folder.path().join("journal");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|made| made.success()), "a named pipe can be made");
    let tally = tally::read(&pipe).expect("a pipe can be read");
    let server = (options.store == Store::Redis)
        .then(|| RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]));
    let plan = plan(server.as_ref(), folder.path(), &pipe);
    let inside = inside(server.as_ref(), folder.path());
    let mosquito = plan.connect().await.expect("the store is there");
    let program =
        std::env::current_exe().expect("a program knows where it is").with_file_name("crash-worker");
    let storm = Storm::new(options.seed, Fleet::of(program), plan, server, tally.clone());

    let blowing = tokio::task::spawn_blocking(move || blow(storm, options.time));
    let made = enqueue(&mosquito, &tally, options.rate, || blowing.is_finished()).await;
    let mut storm = blowing.await.expect("each fault can be done");
    storm.calm();
    let standing = drain(&mosquito, &tally).await;
    let mut leaked = leaks(&mosquito, (0..made).map(tally::id_of)).await.expect("the store answers");
    leaked.extend(inside.leftovers());
    let (faults, bound) = (storm.faults().clone(), storm.bound());
    tokio::task::block_in_place(|| storm.end());
    close(&pipe, &tally).await;
    println!("faults:");
    for (what, times) in &faults {
        println!("  {times:>6} {what}");
    }
    judge(&lock(&tally), &standing, &leaked, bound)
}

fn inside(server: Option<&RedisServer>, folder: &Path) -> Inside {
    match server {
        Some(server) => Inside::Redis { url: server.url(), prefix: "mosquito".into() },
        None => Inside::Sqlite(folder.join(FILE)),
    }
}

fn plan(server: Option<&RedisServer>, folder: &Path, pipe: &Path) -> WorkerPlan {
    let file = || format!("sqlite://{}", folder.join(FILE).display());
    let store = server.map_or_else(file, RedisServer::url);
    // A run that is unlucky three times is not poisonous here.
    WorkerPlan { executors: 20, max_crashes: 1_000, ..WorkerPlan::new(store, pipe) }
}

/// Faults until the time is over, and a line each minute.
fn blow(mut storm: Storm, time: Duration) -> Storm {
    let begin = Instant::now();
    let mut next = PRINT_EVERY;
    while begin.elapsed() < time {
        storm.blow();
        if begin.elapsed() >= next {
            next += PRINT_EVERY;
            let (counts, done) = storm.progress();
            let Counts { answered, reruns, rescues, longest_rescue, old_claims, .. } = counts;
            let faults: u64 = storm.faults().values().sum();
            println!(
                "minute {}: enqueued {answered}, done {done}, re-runs {reruns}, rescues {rescues}, longest rescue {:.1} s, \
                 settled under an old claim {old_claims}, faults {faults}",
                begin.elapsed().as_secs() / 60,
                longest_rescue as f64 / 1_000.0
            );
        }
    }
    storm
}

/// So many runs a second, whatever becomes of the store. What it did not answer for may be in it or not, and is never tried again.
/// Answers how many were made.
async fn enqueue(mosquito: &Mosquito, tally: &Mutex<Tally>, rate: u64, is_over: impl Fn() -> bool) -> usize {
    let queue = name(QueueName::new("work"));
    let mut random = fastrand::Rng::new();
    let begin = Instant::now();
    let mut number = 0;
    while !is_over() {
        let numbers = number..number + BATCH;
        number = numbers.end;
        let run = |number: usize| {
            let id = name(RunId::new(tally::id_of(number)));
            match number % 100 {
                0 => run_of(id, &jobs::Flaky { succeeds_at: 2 }),
                _ => run_of(id, &jobs::Work { pause: random.u64(..60) }),
            }
        };
        let runs: Vec<_> = numbers.clone().map(run).collect();
        if mosquito.backend().enqueue(&queue, &runs).await.is_ok() {
            let mut tally = lock(tally);
            tally.counts.flowed += runs.iter().filter(|run| run.flow.is_some()).count() as u64;
            numbers.for_each(|number| tally.answered(number));
        }
        let due = Duration::from_secs_f64(number as f64 / rate as f64);
        tokio::time::sleep(due.saturating_sub(begin.elapsed())).await;
    }
    number
}

fn name<T, E: std::fmt::Debug>(name: Result<T, E>) -> T {
    name.expect("it is a good name")
}

/// Waits until everything is done, or nothing moves any more. Answers what still stands.
async fn drain(mosquito: &Mosquito, tally: &Mutex<Tally>) -> Vec<String> {
    let (store, queue) = (mosquito.backend().as_ref(), name(QueueName::new("work")));
    let mut moved = (0, Instant::now());
    loop {
        let performed = lock(tally).counts.performed;
        if performed > moved.0 {
            moved = (performed, Instant::now());
        }
        let is_stuck = moved.1.elapsed() > STUCK_AFTER;
        // All lists at one moment: of one after another, a run may move from behind the look to before it.
        match store.sizes(&queue).await {
            Ok(sizes) if sizes.total() == 0 => return Vec::new(),
            Ok(sizes) if is_stuck => {
                let standing = standing(store, &queue).await.expect("the store answers");
                assert!(!standing.is_empty(), "nothing moves, and the lists have no runs: {sizes:?}");
                return standing;
            }
            Err(error) if is_stuck => panic!("the store does not answer: {error:?}"),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// The first runs of each list.
async fn standing(store: &dyn Backend, queue: &QueueName) -> mosquito::Result<Vec<String>> {
    let mut standing = Vec::new();
    for list in List::ALL {
        let page = store.page(queue, list, 0, 1_000).await?;
        standing.extend(page.iter().map(|run| run.id.to_string()));
    }
    Ok(standing)
}

/// Waits until all that is in the pipe is counted.
async fn close(pipe: &Path, tally: &Mutex<Tally>) {
    Journal::open(pipe).expect("the pipe is there").write([tally::end()]);
    mosquito_tests::soon("the journal is read to its end", || async {
        if lock(tally).is_closed() { Ok(()) } else { Err("there is more") }
    })
    .await;
}

fn judge(tally: &Tally, standing: &[String], leaked: &[String], bound: u64) -> bool {
    let Counts { answered, flowed, reruns, rescues, poisoned, refused, old_claims, longest_rescue, .. } =
        tally.counts;
    let lost: Vec<_> = tally.open().map(tally::id_of).filter(|id| !standing.contains(id)).collect();
    println!("runs {answered}, with priorities, limits, turns or unique keys {flowed}");
    println!("lost {} {}", lost.len(), lost[..lost.len().min(20)].join(" "));
    println!("stuck {} {}", standing.len(), standing[..standing.len().min(20)].join(" "));
    println!("settled under an old claim {old_claims}");
    println!("leaked {} {}", leaked.len(), leaked[..leaked.len().min(20)].join(", "));
    println!("re-runs {reruns}, of at most {bound}");
    println!("rescues {rescues}, poisoned {poisoned}, refused settlements {refused}");
    println!("longest rescue delay {:.1} s", longest_rescue as f64 / 1_000.0);
    let kept = lost.is_empty() && standing.is_empty() && leaked.is_empty();
    let well = kept && old_claims == 0 && poisoned == 0 && reruns <= bound;
    println!("{}", if well { "all is well" } else { "THIS MUST NOT BE" });
    well
}
