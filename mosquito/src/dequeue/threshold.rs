//! A gate on a number that is sampled.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, oneshot};
use tokio::time::Instant;

use crate::dequeue::Gate;

/// How long a sample counts, unless told otherwise.
const CACHED_FOR: Duration = Duration::from_secs(2);

/// A [`Gate`] that is open while a number stays on its side of a threshold: the load of the machine, its free memory, how many runs stand in
/// another queue.
///
/// A sample counts for 2 s. It is taken on a thread of its own, so it may block; the next one is not begun before the last one has ended.
///
/// ```
/// use mosquito::dequeue::Threshold;
///
/// // As Linux tells it; where it is told in another way, the gate stays closed.
/// let load = Threshold::below("load", 8.0, || {
///     let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
///     told.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
/// });
/// # async fn run(load: Threshold) -> mosquito::Result<()> {
/// # let mosquito = mosquito::Mosquito::connect("memory://").await?;
/// let runner = mosquito.runner().gate(["reports", "exports"], load).build()?;
/// # Ok(()) }
/// ```
pub struct Threshold {
    name: String,
    is_open: Arc<Judge>,
    cached_for: Duration,
    last: Mutex<Last>,
}

type Judge = dyn Fn() -> bool + Send + Sync;

/// What the last sample came to, and the one that is being taken.
#[derive(Default)]
struct Last {
    answer: Option<(Instant, bool)>,
    under_way: Option<oneshot::Receiver<std::thread::Result<bool>>>,
}

impl Threshold {
    /// Open while the sample is below the threshold. A sample that is no number closes it.
    #[must_use]
    pub fn below(
        name: impl Into<String>,
        threshold: f64,
        sample: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self::new(name.into(), Arc::new(move || sample() < threshold))
    }

    /// Open while the sample is above the threshold. A sample that is no number closes it.
    #[must_use]
    pub fn above(
        name: impl Into<String>,
        threshold: f64,
        sample: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self::new(name.into(), Arc::new(move || sample() > threshold))
    }

    fn new(name: String, is_open: Arc<Judge>) -> Self {
        Self { name, is_open, cached_for: CACHED_FOR, last: Mutex::default() }
    }

    /// How long a sample counts, instead of 2 s. As gates are asked once a second, less than that is each time.
    #[must_use]
    pub fn cached_for(mut self, time: Duration) -> Self {
        self.cached_for = time;
        self
    }

    fn sample(&self) -> oneshot::Receiver<std::thread::Result<bool>> {
        let (done, answer) = oneshot::channel();
        let is_open = self.is_open.clone();
        let sample = move || {
            // Nobody may be left who wants to know.
            let _ = done.send(catch_unwind(AssertUnwindSafe(|| is_open())));
        };
        if let Err(error) = std::thread::Builder::new().name("mosquito-gate".into()).spawn(sample) {
            tracing::error!(target: "mosquito", gate = self.name, %error, "a sample cannot be taken");
        }
        answer
    }
}

#[async_trait]
impl Gate for Threshold {
    fn name(&self) -> &str {
        &self.name
    }

    async fn is_open(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((_, answer)) = last.answer.filter(|(at, _)| at.elapsed() < self.cached_for) {
            return answer;
        }
        // Whoever gave up waiting has left it here: a sample that hangs is one thread, not one for each time.
        let answer = last.under_way.get_or_insert_with(|| self.sample()).await;
        last.under_way = None;
        let open = match answer {
            Ok(Ok(open)) => open,
            Ok(Err(panic)) => resume_unwind(panic),
            // There was no thread to take it.
            Err(_) => false,
        };
        last.answer = Some((Instant::now(), open));
        open
    }
}

impl fmt::Debug for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threshold")
            .field("name", &self.name)
            .field("cached_for", &self.cached_for)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::Threshold;
    use crate::dequeue::Gate;

    #[tokio::test]
    async fn it_is_open_on_its_side_and_closed_on_the_threshold() {
        for (sample, below, above) in
            [(7.0, true, false), (8.0, false, false), (9.0, false, true), (f64::NAN, false, false)]
        {
            assert_eq!(Threshold::below("load", 8.0, move || sample).is_open().await, below, "{sample}");
            assert_eq!(Threshold::above("room", 8.0, move || sample).is_open().await, above, "{sample}");
        }
    }

    #[tokio::test]
    async fn a_sample_counts_for_a_while() {
        let samples = Arc::new(AtomicU32::new(0));
        let counted = samples.clone();
        let sample = move || f64::from(counted.fetch_add(1, Ordering::SeqCst));
        let gate = Threshold::below("once", 1.0, sample).cached_for(Duration::from_secs(3600));

        assert!(gate.is_open().await && gate.is_open().await);
        let gate = gate.cached_for(Duration::ZERO);
        assert!(!gate.is_open().await, "the second sample is above");

        assert_eq!(samples.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_sample_that_hangs_is_begun_once() {
        let (samples, (go_on, wait)) = (Arc::new(AtomicU32::new(0)), std::sync::mpsc::channel::<()>());
        let (counted, wait) = (samples.clone(), std::sync::Mutex::new(wait));
        let gate = Threshold::below("stuck", 1.0, move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = wait.lock().unwrap().recv();
            0.0
        });

        for _ in 0..5 {
            let patience = Duration::from_millis(5);
            assert!(tokio::time::timeout(patience, gate.is_open()).await.is_err(), "it does not answer");
        }
        go_on.send(()).unwrap();

        assert!(gate.is_open().await);
        assert_eq!(samples.load(Ordering::SeqCst), 1);
    }
}
