//! A runner at work, and the job that it performs.

use std::time::Duration;

use mosquito::events::{Event, EventStream};
use mosquito::{Context, JobResult, Mosquito, Perform, Report, Result, RunnerBuilder, RunnerHandle, job};
use tokio::task::JoinHandle;

/// Is performed as it is told.
#[job(queue = "notes", retry(attempts = 3, backoff = fixed("100ms"), jitter = 0.0))]
pub(crate) struct Note {
    word: String,
    fails: u32,
    takes: Duration,
}

impl Note {
    pub(crate) fn new(word: &str) -> Self {
        Self { word: word.into(), fails: 0, takes: Duration::ZERO }
    }

    pub(crate) fn failing_once(word: &str) -> Self {
        Self { fails: 1, ..Self::new(word) }
    }

    pub(crate) fn failing(word: &str) -> Self {
        Self { fails: u32::MAX, ..Self::new(word) }
    }

    pub(crate) fn that_takes(time: Duration) -> Self {
        Self { takes: time, ..Self::new("slow") }
    }
}

impl Perform for Note {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        tokio::time::sleep(self.takes).await;
        match cx.attempt() <= self.fails {
            true => Err(format!("{} fails as it was told to", self.word).into()),
            false => Ok(()),
        }
    }
}

/// A runner in the background.
pub(crate) struct Working {
    pub(crate) events: EventStream,
    pub(crate) handle: RunnerHandle,
    task: JoinHandle<Result<Report>>,
}

/// Starts a runner of the queue of notes, or as told.
pub(crate) fn work(mosquito: &Mosquito, set: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Working {
    let events = mosquito.events();
    let runner =
        set(mosquito.runner().signals(false).queues(["notes"])).build().expect("the runner is sound");
    Working { events, handle: runner.handle(), task: tokio::spawn(runner.run()) }
}

impl Working {
    /// The next event of a kind, within half a minute.
    pub(crate) async fn next<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let found = tokio::time::timeout(Duration::from_secs(30), async {
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
            Err(_) => panic!("no event `{what}` came; seen: {seen:#?}"),
        }
    }

    pub(crate) async fn started(&mut self) {
        self.next("started", |event| matches!(event, Event::OverseerStarted { .. }).then_some(())).await;
    }

    /// Waits until so many attempts have ended.
    pub(crate) async fn finished(&mut self, attempts: usize) {
        for _ in 0..attempts {
            self.next("finished", |event| matches!(event, Event::Finished { .. }).then_some(())).await;
        }
    }

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
