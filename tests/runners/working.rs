//! A store, a runner over it, and what its jobs wrote down.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::events::{Event, EventStream};
use mosquito::{Mosquito, Report, Result, RunnerBuilder, RunnerHandle};
use tokio::task::JoinHandle;

/// Where the jobs of these tests write down what they did: a state of the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A runner at work in the background.
pub(crate) struct Working {
    pub(crate) log: Log,
    pub(crate) events: EventStream,
    pub(crate) handle: RunnerHandle,
    task: JoinHandle<Result<Report>>,
}

/// Starts a runner with a log, and otherwise as told.
pub(crate) fn work(mosquito: &Mosquito, set: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Working {
    let (log, events) = (Log::default(), mosquito.events());
    let runner =
        set(mosquito.runner().state(log.clone()).signals(false)).build().expect("the runner is sound");
    let handle = runner.handle();
    Working { log, events, handle, task: tokio::spawn(runner.run()) }
}

impl Working {
    /// The next event of a kind, within twenty seconds (of the runtime's clock).
    pub(crate) async fn next<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        self.within(Duration::from_secs(20), what, pick).await
    }

    pub(crate) async fn within<T>(
        &mut self,
        limit: Duration,
        what: &str,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> T {
        let mut seen = Vec::new();
        let found = tokio::time::timeout(limit, async {
            loop {
                let event = self.events.next().await.expect("the client lives");
                if let Some(found) = pick(&event) {
                    return found;
                }
                seen.push(event);
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("no event `{what}` within {limit:?}; seen: {seen:#?}"),
        }
    }

    /// Waits until so many attempts have ended.
    pub(crate) async fn finished(&mut self, attempts: usize) {
        for _ in 0..attempts {
            self.next("finished", |event| matches!(event, Event::Finished { .. }).then_some(())).await;
        }
    }

    /// Stops the runner and answers its report.
    pub(crate) async fn stop(self) -> Report {
        self.handle.stop();
        self.end().await.expect("the runner stopped without an error")
    }

    /// Waits until the runner ends by itself.
    pub(crate) async fn end(self) -> Result<Report> {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await;
        ended.expect("a runner ends within its grace").expect("a runner does not panic")
    }
}

/// A new store in memory.
pub(crate) async fn memory() -> Mosquito {
    Mosquito::connect("memory://").await.expect("memory is always there")
}
