//! What keeps runs apart, measured on real worker processes: how many start in a time, how many are performed at once,
//! who gets in, and how long the small wait beside the big.
//!
//! The workers are those of the crash tests: what they begin and end is in their journal, by the machine's clock.

mod fairness;
mod rates;
mod slots;
mod unique;

use std::time::Duration;

use mosquito::backend::BATCH_LIMIT;
use mosquito::{Body, Flow, JobName, Mosquito, NewRun, QueueName, RunId, When};
use mosquito_tests::{CrashLedger, Fleet, RedisServer, WorkerPlan};
use serde_json::value::RawValue;

/// The program of the workers.
const WORKER: &str = env!("CARGO_BIN_EXE_crash-worker");

/// One after the other: what is measured here is not to be that of two at once.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Workers on a store of their own.
struct Trial {
    ledger: CrashLedger,
    fleet: Fleet,
    plan: WorkerPlan,
    mosquito: Mosquito,
    server: Option<RedisServer>,
}

impl Trial {
    async fn new() -> Self {
        let server = RedisServer::start();
        Self::on(server.url(), CrashLedger::new(), Some(server)).await
    }

    #[cfg(feature = "sqlite")]
    async fn on_a_file() -> Self {
        let ledger = CrashLedger::new();
        Self::on(format!("sqlite://{}", ledger.folder().join("jobs.db").display()), ledger, None).await
    }

    async fn on(url: String, ledger: CrashLedger, server: Option<RedisServer>) -> Self {
        let plan = WorkerPlan::new(url, ledger.journal());
        let mosquito = plan.connect().await.expect("the store is there");
        Self { ledger, fleet: Fleet::of(WORKER), plan, mosquito, server }
    }

    /// Enqueues runs of the job `work`, each of which lasts so long.
    async fn enqueue(&self, runs: impl IntoIterator<Item = (String, Flow)>, lasting: Duration) {
        let (queue, job) = (QueueName::new("work").expect("a name"), JobName::new("work").expect("a name"));
        let args = format!(r#"{{"pause":{}}}"#, lasting.as_millis());
        let args = RawValue::from_string(args).expect("this is JSON");
        let body = Body::new(&job, &args);
        let mut runs = runs
            .into_iter()
            .map(|(id, flow)| NewRun::new(RunId::new(id).expect("a name"), When::Now, &body).flowing(flow));
        loop {
            let some: Vec<_> = runs.by_ref().take(BATCH_LIMIT).collect();
            if some.is_empty() {
                return;
            }
            let answers = self.mosquito.backend().enqueue(&queue, &some).await.expect("they are enqueued");
            assert!(answers.iter().all(mosquito::Enqueued::is_new), "all are new");
            self.ledger.promise(some.iter().map(|run| run.id.to_string()));
        }
    }
}
