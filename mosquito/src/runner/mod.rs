//! What an application starts to get its jobs performed: builder, signals, report.

mod builder;
mod executor_count;
mod report;
mod signals;

use std::fmt;
use std::sync::{Arc, Weak};

use tokio_util::sync::CancellationToken;

use crate::client::Mosquito;
use crate::error::Result;
use crate::name::OverseerId;
use crate::runners::{Desk, Overseer, Pool, Tally};

pub use builder::RunnerBuilder;
pub use report::Report;

impl Mosquito {
    /// Prepares a runner, which performs the jobs of this store.
    pub fn runner(&self) -> RunnerBuilder {
        RunnerBuilder::new(self.enqueuer.clone())
    }
}

/// Performs jobs, once it is [run](Self::run).
#[must_use = "a runner performs nothing until it runs"]
pub struct Runner {
    desk: Arc<Desk>,
    overseer: Overseer,
    signals: bool,
}

impl Runner {
    /// The id of its overseer: a new one for each runner.
    #[must_use]
    pub fn overseer(&self) -> &OverseerId {
        &self.desk.overseer
    }

    /// A handle to stop it, or to change the size of its pool, from elsewhere.
    #[must_use]
    pub fn handle(&self) -> RunnerHandle {
        let pool = Arc::downgrade(self.overseer.pool());
        let (stop, leave, tally) = (self.desk.stop.clone(), self.desk.leave.clone(), self.desk.tally.clone());
        RunnerHandle { stop, leave, pool, tally }
    }

    /// Works until it is stopped: by SIGTERM or SIGINT, or by its handle. Then it claims nothing more, lets runs
    /// come to their end within the grace, and hands back the rest. At a second signal nothing is
    /// waited for: what is being performed is handed back and this answers; a process that is still there 2 s later is ended
    /// with the exit code of the signal. So is one whose jobs hold every thread of the runtime, so that this cannot answer, 2 s after
    /// the grace. Both signals stay caught from the start of this on, also after it has answered.
    ///
    /// A store that goes out of reach is waited for, however long.
    ///
    /// # Errors
    ///
    /// When the store refuses for good, such as for a wrong password; after the same drain. What was performed until
    /// then is in the log, and the handle's [`report`](RunnerHandle::report) tells it.
    pub async fn run(self) -> Result<Report> {
        let Self { desk, overseer, signals } = self;
        let _listening = signals.then(|| signals::listen(desk.clone())).flatten();
        let result = overseer.run().await;
        let report = Report::of(&desk.tally);
        match &result {
            Ok(()) => tracing::info!(target: "mosquito", %report, "runner stopped"),
            Err(error) => {
                tracing::error!(target: "mosquito", %report, ?error, "runner stopped: the store refused")
            }
        }
        result.map(|()| report)
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("desk", &self.desk).finish_non_exhaustive()
    }
}

/// Stops a runner, changes the size of its pool, or tells what it did. Cheap to clone; stops nothing once the runner is gone.
#[derive(Clone)]
pub struct RunnerHandle {
    stop: CancellationToken,
    leave: CancellationToken,
    pool: Weak<Pool>,
    tally: Arc<Tally>,
}

impl RunnerHandle {
    /// Stops as the first signal does: drains within the grace.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops without waiting for runs: hands back what is being performed, and leaves.
    pub fn leave(&self) {
        self.stop.cancel();
        self.leave.cancel();
    }

    /// Changes how many runs are performed at the same time. A smaller pool shrinks as executors become idle.
    ///
    /// Before the runner runs this does nothing, since its builder's number counts then. While the store says how many there
    /// are to be, by a [`Configuration`](crate::Configuration), that counts, and this again when it says nothing any more.
    pub fn set_executors(&self, executors: usize) {
        if let Some(pool) = self.pool.upgrade().filter(|pool| pool.size() > 0) {
            // None at all would be a pause, which a queue has a better way for.
            pool.want(executors.max(1));
        }
    }

    /// What the runner did so far; once it has ended, with an error or without, what it did in all.
    ///
    /// ```standalone_crate
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job] struct Greet { name: String }
    /// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// let mosquito = Mosquito::connect("memory://").await?;
    /// let runner = mosquito.runner().build()?;
    /// let handle = runner.handle();
    /// # handle.stop();
    /// if let Err(error) = runner.run().await {
    ///     eprintln!("{error}; until then: {}", handle.report());
    /// }
    /// # assert_eq!(handle.report().performed, 0);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of(&self.tally)
    }

    /// How many executors there are; 0 before the runner runs and after.
    #[must_use]
    pub fn executors(&self) -> usize {
        self.pool.upgrade().map_or(0, |pool| pool.size())
    }
}

impl fmt::Debug for RunnerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnerHandle").field("executors", &self.executors()).finish_non_exhaustive()
    }
}
