//! What a worker process of the crash tests does, whatever its jobs are.
//!
//! It takes a [`WorkerPlan`] as its last argument, prints `ready` when its overseer has started and `report …` when it
//! has stopped, and writes down what happens in the journal that the plan names.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mosquito::events::Event;
use mosquito::{Mosquito, Report};
use serde::{Deserialize, Serialize};

use crate::fail_points::FailPoint;
use crate::journal::Journal;
use crate::witness::Witness;

/// How long a worker waits for its store when it starts.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// How a worker is to work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerPlan {
    /// The URL of its store.
    pub store: String,
    /// The prefix of its keys, on a Redis that tests share.
    pub prefix: Option<String>,
    /// Where it writes down what happens.
    pub journal: PathBuf,
    /// Works on these queues only.
    pub queues: Vec<String>,
    /// How many runs it performs at the same time.
    pub executors: usize,
    /// The threads of its runtime.
    pub threads: usize,
    /// When a worker is taken for dead; the product's own defaults when there is none.
    pub pace: Option<Pace>,
    /// How many processes may die with a run before it is banished.
    pub max_crashes: u32,
    /// The shutdown's grace.
    pub grace: Duration,
    /// Where it kills itself.
    pub fail_at: Option<FailPoint>,
}

/// When a worker is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// How often it says that it is alive.
    pub heartbeat: Duration,
    /// After how long a silence it is taken for dead.
    pub dead_after: Duration,
    /// How often it looks for dead ones.
    pub reap_every: Duration,
}

impl Pace {
    /// So that a test need not wait long: dead after 1.5 s, and taken back within half a second more.
    pub const QUICK: Self = Self {
        heartbeat: Duration::from_millis(250),
        dead_after: Duration::from_millis(1_500),
        reap_every: Duration::from_millis(250),
    };
}

impl WorkerPlan {
    /// Five executors at a [quick](Pace::QUICK) pace, on the queue `work`.
    #[must_use]
    pub fn new(store: impl Into<String>, journal: impl Into<PathBuf>) -> Self {
        Self {
            store: store.into(),
            prefix: None,
            journal: journal.into(),
            queues: vec!["work".into()],
            executors: 5,
            threads: 2,
            pace: Some(Pace::QUICK),
            max_crashes: 3,
            grace: Duration::from_secs(10),
            fail_at: None,
        }
    }

    /// The plan that this process was given.
    ///
    /// # Panics
    ///
    /// When it was given none.
    #[must_use]
    pub fn given() -> Self {
        let plan = std::env::args().next_back().expect("the plan is the last argument");
        serde_json::from_str(&plan).expect("a plan is JSON")
    }

    /// A client of the plan's store, tried until there is one.
    ///
    /// # Errors
    ///
    /// When the store refuses, or does not answer within a minute.
    pub async fn connect(&self) -> mosquito::Result<Mosquito> {
        let begin = Instant::now();
        loop {
            let builder = Mosquito::builder();
            let builder = match &self.prefix {
                Some(prefix) => builder.prefix(prefix),
                None => builder,
            };
            match builder.connect(&self.store).await {
                Err(why) if why.is_transient() && begin.elapsed() < CONNECT_WITHIN => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => return answer,
            }
        }
    }
}

/// The `main` of a worker: performs the jobs that are linked into it, each of which has a [`Journal`] as its state.
///
/// # Panics
///
/// When there is no plan, or nothing can be made of it.
pub fn work() {
    let plan = WorkerPlan::given();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(plan.threads)
        .enable_all()
        .build()
        .expect("the operating system has threads");
    let ended = runtime.block_on(perform(&plan));
    match &ended {
        Ok(report) => println!("report {}", told(report)),
        Err(error) => eprintln!("refused: {error:?}"),
    }
    // The end of a runtime waits for jobs that hold its threads; the end of a process does not.
    std::process::exit(i32::from(ended.is_err()));
}

async fn perform(plan: &WorkerPlan) -> mosquito::Result<Report> {
    let journal = Journal::open(&plan.journal).expect("the journal can be opened");
    let store = plan.connect().await?.backend().clone();
    let mosquito = Mosquito::new(Arc::new(Witness::new(store, journal.clone(), plan.fail_at)));
    let ready = announced(&mosquito);
    let runner = mosquito
        .runner()
        .state(journal)
        .queues(&plan.queues)
        .executors(plan.executors)
        .max_crashes(plan.max_crashes)
        .shutdown_grace(plan.grace);
    let runner = match plan.pace {
        None => runner,
        Some(Pace { heartbeat, dead_after, reap_every }) => {
            runner.heartbeat(heartbeat).dead_after(dead_after).reap_every(reap_every)
        }
    };
    let runner = runner.build()?;
    let _announcer = tokio::spawn(ready);
    runner.run().await
}

/// Prints that signals are listened to, and that one has come.
fn announced(mosquito: &Mosquito) -> impl Future<Output = ()> + use<> {
    let mut events = mosquito.events();
    async move {
        while let Some(event) = events.next().await {
            match event {
                Event::OverseerStarted { overseer, .. } => println!("ready {overseer}"),
                Event::OverseerStopping { .. } => {
                    println!("stopping");
                    return;
                }
                _ => (),
            }
        }
    }
}

/// A report as another process reads it: every count, with its name.
fn told(report: &Report) -> String {
    let Report {
        performed,
        failed,
        discarded,
        cancelled,
        put_off,
        handed_back,
        refused,
        unsettled,
        stuck,
        ..
    } = report;
    format!(
        "performed={performed} failed={failed} discarded={discarded} cancelled={cancelled} put_off={put_off} \
         handed_back={handed_back} refused={refused} unsettled={unsettled} stuck={stuck}"
    )
}
