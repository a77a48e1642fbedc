//! A runner at work, somebody who enqueues meanwhile, and what both wrote down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::backend::Sizes;
use mosquito::{Mosquito, Report, Result, RunnerBuilder, RunnerHandle};
use mosquito_tests::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::jobs::Note;

/// Long enough for an outage, an election and all that was left to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often each word was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<BTreeMap<String, usize>>>);

impl Log {
    pub(crate) fn write(&self, word: &str) {
        *self.0.lock().expect("no job panics with it").entry(word.into()).or_default() += 1;
    }

    pub(crate) fn times(&self, word: &str) -> usize {
        self.0.lock().expect("no job panics with it").get(word).copied().unwrap_or_default()
    }

    /// Waits until each of these was written.
    pub(crate) async fn has_all(&self, words: &[String]) {
        eventually("every run was performed", PATIENCE, || async {
            let missing: Vec<_> = words.iter().filter(|word| self.times(word) == 0).collect();
            if missing.is_empty() { Ok(()) } else { Err((missing.len(), format!("{:?}", missing.first()))) }
        })
        .await;
    }

    /// Waits until this was written so often.
    pub(crate) async fn has(&self, word: &str, times: usize) {
        eventually(&format!("`{word}` was written {times} times"), PATIENCE, || async {
            let written = self.times(word);
            if written >= times { Ok(()) } else { Err(written) }
        })
        .await;
    }
}

/// A runner in the background.
pub(crate) struct Crew {
    pub(crate) log: Log,
    handle: RunnerHandle,
    task: JoinHandle<Result<Report>>,
}

impl Crew {
    pub(crate) fn work(mosquito: &Mosquito, set: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Self {
        let log = Log::default();
        let runner =
            set(mosquito.runner().state(log.clone()).signals(false)).build().expect("the runner is sound");
        let handle = runner.handle();
        Self { log, handle, task: tokio::spawn(runner.run()) }
    }

    pub(crate) async fn stop(self) -> Report {
        self.handle.stop();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await;
        let ended = ended.expect("a runner ends within its grace").expect("a runner does not panic");
        ended.expect("the runner stopped without an error")
    }

    pub(crate) fn is_working(&self) -> bool {
        !self.task.is_finished()
    }
}

/// Enqueues words one after the other, each until the store has said yes.
pub(crate) struct Writer {
    stop: CancellationToken,
    task: JoinHandle<Vec<String>>,
}

impl Writer {
    pub(crate) fn start(mosquito: &Mosquito, queue: &str) -> Self {
        let (mosquito, queue, stop) = (mosquito.clone(), queue.to_owned(), CancellationToken::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut words = Vec::new();
            while !stopped.is_cancelled() {
                let word = format!("{queue} {}", words.len());
                match mosquito.enqueue(Note { word: word.clone() }).queue(&queue).await {
                    Ok(_) => words.push(word),
                    Err(error) if error.is_transient() => {
                        stopped.run_until_cancelled(tokio::time::sleep(Duration::from_millis(50))).await;
                    }
                    Err(error) => panic!("an outage is nothing for good: {error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            words
        });
        Self { stop, task }
    }

    /// Stops, and answers what the store has said yes to.
    pub(crate) async fn stop(self) -> Vec<String> {
        self.stop.cancel();
        self.task.await.expect("a writer does not panic")
    }
}

/// Enqueues a word, again until the store says yes.
pub(crate) async fn enqueue(mosquito: &Mosquito, queue: &str, word: &str) {
    eventually(&format!("`{word}` is enqueued"), PATIENCE, || async {
        let enqueued = mosquito.enqueue(Note { word: word.into() }).queue(queue).await;
        enqueued.map(drop).map_err(|error| format!("{error:?}"))
    })
    .await;
}

/// Waits until a queue holds nothing any more.
pub(crate) async fn is_empty(mosquito: &Mosquito, queue: &str) {
    eventually(&format!("the queue {queue} is empty"), PATIENCE, || async {
        match mosquito.queue(queue).expect("it is a name").sizes().await {
            Ok(sizes) if sizes == Sizes::default() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}
