//! mosquito, by what its guide shows: one client, one runner, and the number of executors.
//!
//! Nothing else is set. Wake-ups, batches and acknowledgements are what they are by default.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mosquito::{Context, Job, JobError, JobResult, Perform, job};

use crate::assignment::{Arguments, Work};
use crate::clock;
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::{Ledger, Told};

pub(crate) struct Mosquito;

type Shared = Arc<Ledger>;

/// Declares a job with the arguments that all contestants have.
macro_rules! jobs {
    ($($(#[$options:meta])* $name:ident;)*) => {$(
        $(#[$options])*
        struct $name {
            id: u64,
            at: u64,
            to: String,
        }

        impl From<Arguments> for $name {
            fn from(Arguments { id, at, to }: Arguments) -> Self {
                Self { id, at, to }
            }
        }

        impl Perform for $name {
            async fn perform(&self, cx: &Context<Self>) -> JobResult {
                note(cx.state::<Shared>(), self.id, self.at)
            }
        }
    )*};
}

jobs! {
    #[job(queue = "bench", state(Shared))]
    Plain;
    // The shortest wait that makes sense: a run that failed goes at once to those that are due.
    #[job(queue = "bench", state(Shared), retry(attempts = 3, backoff = fixed("1ms"), jitter = 0.0))]
    Retried;
    #[job(queue = "bench", state(Shared), unique(by = [id]))]
    Unique;
    #[job(queue = "bench", state(Shared), rate_limit(limit = 1_000_000, per = "1s"))]
    Limited;
}

fn note(ledger: &Ledger, id: u64, at: u64) -> JobResult {
    match ledger.note(&Arguments { id, at, to: String::new() }) {
        Told::Succeed => Ok(()),
        Told::Fail => Err(JobError::from("fails once")),
    }
}

#[async_trait]
impl Contestant for Mosquito {
    fn facts(&self) -> Facts {
        Facts {
            name: "mosquito",
            package: "mosquito",
            acks: Acks::Yes,
            settings: "defaults; the number of executors; `enqueue_all` for bulk",
            bulk: true,
            most_waiting: None,
        }
    }

    fn lacks(&self, _: Work) -> Option<&'static str> {
        None
    }

    /// A run is in `runs` from its enqueue until its settlement, whatever list it stands in; and in `pending` while it is claimed.
    fn left(&self) -> Vec<Count> {
        vec![Count::Of("HLEN", "mosquito:{bench}:runs"), Count::Of("ZCARD", "mosquito:{bench}:pending")]
    }

    async fn client(&self, url: &str, work: Work) -> Result<Arc<dyn Client>, Failure> {
        Ok(Arc::new(Enqueuer { mosquito: mosquito::Mosquito::connect(url).await?, work }))
    }

    async fn work(&self, url: &str, _: Work, executors: usize, ledger: Arc<Ledger>) -> Result<(), Failure> {
        let mosquito = mosquito::Mosquito::connect(url).await?;
        mosquito.runner().queues(["bench"]).state(ledger).executors(executors).build()?.run().await?;
        Ok(())
    }
}

struct Enqueuer {
    mosquito: mosquito::Mosquito,
    work: Work,
}

impl Enqueuer {
    async fn all<J: Job + From<Arguments>>(&self, runs: Vec<Arguments>) -> Result<(), Failure> {
        self.mosquito.enqueue_all(runs.into_iter().map(J::from)).await?;
        Ok(())
    }
}

#[async_trait]
impl Client for Enqueuer {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        match self.work {
            Work::Plain => drop(self.mosquito.enqueue(Plain::from(run)).await?),
            Work::Retry => drop(self.mosquito.enqueue(Retried::from(run)).await?),
            Work::Unique => drop(self.mosquito.enqueue(Unique::from(run)).await?),
            Work::Limited => drop(self.mosquito.enqueue(Limited::from(run)).await?),
            Work::Scheduled => {
                let delay: Duration = clock::until(run.at);
                self.mosquito.enqueue(Plain::from(run)).delay(delay).await?;
            }
        }
        Ok(())
    }

    async fn bulk(&self, runs: Vec<Arguments>) -> Result<(), Failure> {
        match self.work {
            Work::Plain | Work::Scheduled => self.all::<Plain>(runs).await,
            Work::Retry => self.all::<Retried>(runs).await,
            Work::Unique => self.all::<Unique>(runs).await,
            Work::Limited => self.all::<Limited>(runs).await,
        }
    }
}
