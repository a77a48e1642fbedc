//! Jobs of queues with partitions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::{Context, JobResult, Perform, job};

/// Into which partition: by its user.
#[job(queue("events", partitions = 8, by = [user]))]
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) user: u64,
    pub(crate) number: u64,
}

/// Into any.
#[job(queue("events", partitions = 8))]
pub(crate) struct Ping {
    pub(crate) text: String,
}

/// Into that of what it is unique by.
#[job(queue("events", partitions = 8), unique(by = [user]))]
pub(crate) struct Digest {
    pub(crate) user: u64,
}

/// Two at once of a user, at most 100 in an hour.
#[job(
    queue("events", partitions = 8, by = [user]),
    concurrency(limit = 2, by = [user]),
    rate_limit(limit = 100, per = "1h", by = [user, kind])
)]
pub(crate) struct Call {
    pub(crate) user: u64,
    pub(crate) kind: String,
}

/// Knows nothing of partitions.
#[job(queue = "mail")]
pub(crate) struct Mail {
    pub(crate) number: u64,
}

macro_rules! performed {
    ($($job:ident),*) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        })*
    };
}

performed!(Track, Ping, Digest, Call, Mail);

/// What was performed, in its order, and how many at once at most.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    lines: Mutex<Vec<(u64, u64)>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Journal {
    pub(crate) fn lines(&self) -> Vec<(u64, u64)> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// The numbers of one user, as they were performed.
    pub(crate) fn of(&self, user: u64) -> Vec<u64> {
        self.lines().into_iter().filter(|line| line.0 == user).map(|line| line.1).collect()
    }
}

/// Writes that it began, and lasts a little, the even ones longer.
#[job(queue("lines", partitions = 4, by = [user]), state(Arc<Journal>))]
pub(crate) struct Line {
    pub(crate) user: u64,
    pub(crate) number: u64,
}

/// The same, one at a time for each user.
#[job(queue("serial", partitions = 4, by = [user]), concurrency(limit = 1, by = [user]), state(Arc<Journal>))]
pub(crate) struct Serial {
    pub(crate) user: u64,
    pub(crate) number: u64,
}

async fn write(journal: &Journal, user: u64, number: u64) {
    journal.most.fetch_max(journal.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    journal.lines.lock().unwrap().push((user, number));
    tokio::time::sleep(Duration::from_millis(if number.is_multiple_of(2) { 3 } else { 1 })).await;
    journal.now.fetch_sub(1, Ordering::SeqCst);
}

impl Perform for Line {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        write(cx.state::<Arc<Journal>>(), self.user, self.number).await;
        Ok(())
    }
}

impl Perform for Serial {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        write(cx.state::<Arc<Journal>>(), self.user, self.number).await;
        Ok(())
    }
}
