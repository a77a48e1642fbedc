//! Inside a child process: does its assignment, and talks to its parent on its input and output.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::task::JoinSet;

use crate::assignment::{Arguments, Assignment, Enqueued, How, Role, Work};
use crate::clock;
use crate::contestants::{Client, Contestant, Failure, named};
use crate::ledger::Ledger;

/// The first ones of a series have connections and scripts to set up: nobody asks how late they were.
const WARMING: usize = 20;

/// Ends when the assignment is done, or the parent is gone.
pub(crate) async fn run(assignment: Assignment) -> Result<(), Failure> {
    let contestant = named(&assignment.contestant).ok_or("there is no such contestant")?;
    let parent = Parent { lines: BufReader::new(tokio::io::stdin()).lines() };
    match assignment.role {
        Role::Worker { executors } => work(contestant, &assignment, executors, parent).await,
        Role::Enqueuer { how } => enqueue(contestant, &assignment, how, parent).await,
    }
}

async fn work(
    contestant: Box<dyn Contestant>,
    assignment: &Assignment,
    executors: usize,
    mut parent: Parent,
) -> Result<(), Failure> {
    let Assignment { url, work, runs, timed, .. } = assignment.clone();
    let ledger = Arc::new(Ledger::of(runs, work, timed));
    parent.say("ready");
    parent.told("go").await?;

    let performing = tokio::spawn({
        let ledger = ledger.clone();
        async move { contestant.work(&url, work, executors, ledger).await }
    });
    let telling = tokio::spawn({
        let ledger = ledger.clone();
        async move {
            ledger.all().await;
            println!("performed");
        }
    });
    tokio::select! {
        told = parent.told("report") => told?,
        // A worker ends only by a failure: this one is not to be mistaken for one that lost runs.
        ended = performing => return Err(format!("the worker ended by itself: {ended:?}").into()),
    }
    telling.abort();
    parent.answer(&ledger.report())?;
    parent.told("end").await
}

async fn enqueue(
    contestant: Box<dyn Contestant>,
    assignment: &Assignment,
    how: How,
    mut parent: Parent,
) -> Result<(), Failure> {
    let Assignment { url, work, runs, .. } = assignment.clone();
    let client = contestant.client(&url, work).await?;
    // Made before the time starts, and the same for all.
    let bulk: Vec<_> =
        if how == How::Bulk { (0..runs).map(|number| Arguments::of(number, 0)).collect() } else { vec![] };
    parent.say("ready");
    parent.told("go").await?;

    let start = Instant::now();
    match how {
        How::One => one_by_one(&*client, runs).await?,
        How::Concurrent { tasks } => concurrently(client, tasks, runs, |_| 0).await?,
        How::Bulk => client.bulk(bulk).await?,
        How::Gaps { micros } => with_gaps(&*client, runs, micros).await?,
        How::Paced { per_second } => paced(client, runs, per_second).await?,
        How::Ahead { after, over } => {
            debug_assert!(work == Work::Scheduled);
            let start = clock::now() + 1000 * after;
            let due = move |number: usize| start + 1000 * over * number as u64 / runs as u64;
            concurrently(client, 64, runs, due).await?;
        }
    }
    parent.answer(&Enqueued { micros: start.elapsed().as_micros() as u64 })?;
    parent.told("end").await
}

async fn one_by_one(client: &dyn Client, runs: usize) -> Result<(), Failure> {
    for number in 0..runs {
        client.one(Arguments::of(number, 0)).await?;
    }
    Ok(())
}

async fn concurrently(
    client: Arc<dyn Client>,
    tasks: usize,
    runs: usize,
    at: impl Fn(usize) -> u64 + Clone + Send + 'static,
) -> Result<(), Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut enqueuing = JoinSet::new();
    for _ in 0..tasks {
        let (client, next, at) = (client.clone(), next.clone(), at.clone());
        enqueuing.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= runs {
                    return Ok::<(), Failure>(());
                }
                client.one(Arguments::of(number, at(number))).await?;
            }
        });
    }
    while let Some(ended) = enqueuing.join_next().await {
        ended??;
    }
    Ok(())
}

/// Half to one and a half times as long between two runs.
async fn with_gaps(client: &dyn Client, runs: usize, micros: u64) -> Result<(), Failure> {
    for number in 0..runs {
        let gap = micros / 2 + fastrand::u64(0..=micros);
        tokio::time::sleep(Duration::from_micros(gap)).await;
        client.one(Arguments::of(number, asked(number, clock::now()))).await?;
    }
    Ok(())
}

/// An open loop: each run is sent at its moment by a task of its own. A thread keeps the schedule, since the runtime's timers are coarse; the time
/// that a run tells is the moment in the schedule, not the one when it was sent.
async fn paced(client: Arc<dyn Client>, runs: usize, per_second: f64) -> Result<(), Failure> {
    let every = 1e6 / per_second;
    let (due, mut sent) = tokio::sync::mpsc::unbounded_channel();
    thread::spawn(move || {
        let start = clock::now();
        for number in 0..runs {
            let at = start + (number as f64 * every) as u64;
            // A sleep takes some 60 µs more: what is due before that goes at once.
            let ahead = clock::until(at);
            if ahead > Duration::from_micros(60) {
                thread::sleep(ahead - Duration::from_micros(60));
            }
            if due.send(Arguments::of(number, asked(number, at))).is_err() {
                return;
            }
        }
    });
    let mut sending = JoinSet::new();
    loop {
        tokio::select! {
            run = sent.recv() => {
                let Some(run) = run else { break };
                let client = client.clone();
                sending.spawn(async move { client.one(run).await });
            }
            Some(answered) = sending.join_next() => answered??,
        }
    }
    while let Some(answered) = sending.join_next().await {
        answered??;
    }
    Ok(())
}

fn asked(number: usize, at: u64) -> u64 {
    if number < WARMING { 0 } else { at }
}

struct Parent {
    lines: Lines<BufReader<Stdin>>,
}

impl Parent {
    fn say(&self, word: &str) {
        println!("{word}");
    }

    fn answer(&self, answer: &impl Serialize) -> Result<(), Failure> {
        println!("{}", serde_json::to_string(answer)?);
        Ok(())
    }

    /// Waits for a word. A parent that is gone ends this process.
    async fn told(&mut self, word: &str) -> Result<(), Failure> {
        match self.lines.next_line().await? {
            Some(line) if line == word => Ok(()),
            Some(line) => Err(format!("told `{line}` instead of `{word}`").into()),
            None => std::process::exit(0),
        }
    }
}
