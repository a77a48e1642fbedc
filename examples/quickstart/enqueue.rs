//! Enqueues a run for each file as it is found, and waits until all are done.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mosquito::backend::{Fate, List};
use mosquito::events::{Event, EventStream};
use mosquito::{Mosquito, Queue, RunId};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::files::{FilePath, Files};
use crate::jobs::{FILES, TakeFingerprint};
use crate::progress::Progress;
use crate::results::{Results, TakenBy};

/// Files that were found together.
#[derive(Default)]
struct Found {
    files: u64,
    /// How many of them an earlier start took care of.
    before: u64,
    to_do: Vec<FilePath>,
}

/// How many files are enqueued in one call. The first ones are not kept waiting for so many.
const CHUNK: usize = 1_000;
const FIRST_CHUNK: usize = 16;

/// After how long the store is asked what is left: when nothing should be, and in any case.
const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(1);

/// Returns when every file below the folder has its fingerprint, or a dead run.
pub(crate) async fn until_all_is_done(
    mosquito: &Mosquito,
    mut events: EventStream,
    files: Files,
    results: &Arc<Results>,
    progress: &Progress,
) -> Result<(), Box<dyn Error>> {
    let queue = mosquito.queue(FILES)?;
    let dead = dead_runs(&queue).await?;
    let mut found = walk(files, results.clone());
    let (mut walking, mut enqueued, mut finished) = (true, 0, 0);
    let mut asked = Instant::now();
    loop {
        // Events tell when to ask, but may be missed, and come before their settlement: the store decides.
        if !walking && (enqueued <= finished || asked.elapsed() > LONG) {
            if left(&queue).await? == 0 {
                return Ok(());
            }
            asked = Instant::now();
        }
        tokio::select! {
            chunk = found.recv(), if walking => match chunk {
                Some(Found { files, before, to_do }) => {
                    let jobs = to_do.into_iter().map(|path| TakeFingerprint { path });
                    let answers = mosquito.enqueue_all(jobs).id_by(TakeFingerprint::id).await?;
                    let given_up = answers.iter().filter(|answer| dead.contains(answer.id())).count();
                    enqueued += answers.len() - given_up;
                    progress.found(files, before, given_up as u64);
                }
                None => {
                    walking = false;
                    progress.all_found();
                }
            },
            event = timeout(SHORT, events.next()) => match event {
                Ok(Some(Event::Finished { queue: at, fate, .. })) if at.as_str() == FILES => match fate {
                    Fate::Forget => finished += 1,
                    Fate::Banish { .. } => {
                        finished += 1;
                        progress.given_up();
                    }
                    Fate::Reschedule { .. } | Fate::HandBack => (),
                },
                // All others, and a moment in which nothing happened.
                _ => (),
            },
        }
    }
}

/// Walks on a thread of its own, so that the first runs are performed while the last files are still to be found.
fn walk(files: Files, results: Arc<Results>) -> mpsc::Receiver<Found> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let (mut chunk, mut size) = (Found::default(), FIRST_CHUNK);
        files.walk(|path| {
            let metadata = path.to_path().metadata().ok();
            // A file or a result that cannot be read is one without a result.
            let taken_by = metadata.and_then(|metadata| results.taken_by(&path, &metadata).ok().flatten());
            chunk.files += 1;
            match taken_by {
                Some(TakenBy::AnEarlierStart) => chunk.before += 1,
                Some(TakenBy::ThisStart) => (),
                None => chunk.to_do.push(path),
            }
            if chunk.to_do.len() < size {
                return true;
            }
            size = CHUNK;
            sender.blocking_send(std::mem::take(&mut chunk)).is_ok()
        });
        // Nobody listens when the program is about to end.
        let _ = sender.blocking_send(chunk);
    });
    receiver
}

async fn left(queue: &Queue) -> mosquito::Result<usize> {
    let sizes = queue.sizes().await?;
    Ok(sizes.waiting + sizes.pending + sizes.scheduled)
}

/// The runs that an earlier start gave up.
async fn dead_runs(queue: &Queue) -> mosquito::Result<HashSet<RunId>> {
    let mut dead = HashSet::new();
    loop {
        let page = queue.page(List::Dead, dead.len(), 1_000).await?;
        if page.is_empty() {
            return Ok(dead);
        }
        dead.extend(page.into_iter().map(|run| run.id));
    }
}
