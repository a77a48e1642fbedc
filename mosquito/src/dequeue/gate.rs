//! Whether a queue may be worked on now.

use std::sync::Arc;

use async_trait::async_trait;

/// Holds back queues while what they need is short: a queue is skipped by a runner while one of its gates is closed. Given to a
/// runner by [`RunnerBuilder::gate`](crate::RunnerBuilder::gate).
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use mosquito::async_trait;
/// use mosquito::dequeue::Gate;
///
/// /// Closed while the partner's maintenance lasts.
/// struct Maintenance(Arc<AtomicBool>);
///
/// #[async_trait]
/// impl Gate for Maintenance {
///     fn name(&self) -> &str {
///         "maintenance"
///     }
///
///     async fn is_open(&self) -> bool {
///         !self.0.load(Ordering::Relaxed)
///     }
/// }
/// # async fn run() -> mosquito::Result<()> {
/// # let (mosquito, flag) = (mosquito::Mosquito::connect("memory://").await?, Arc::default());
/// let runner = mosquito.runner().gate(["partner"], Maintenance(flag)).build()?;
/// # Ok(()) }
/// ```
///
/// Each gate is asked once a second, by a task of its own, and its last answer counts. So nobody waits for it: a queue is left alone at most a second
/// after its gate closed, and worked on again, without an enqueue, at most a second after it opened. A gate that panics, or does not answer within
/// 5 s, is closed until it answers again. Until the first answer it is closed. What changes is told, by
/// [`GateClosed`](crate::events::Event::GateClosed) and [`GateOpened`](crate::events::Event::GateOpened).
///
/// To skip a queue means that nothing is claimed from it, and that its signals are left to other processes. What has begun goes on, due runs
/// and ticks are moved to `waiting` as ever. A gate is this process's own: to stop a queue everywhere,
/// [pause](crate::Queue::pause) it.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// How it is called in the log.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// Whether its queues may be worked on now. It must not hold its thread: what blocks belongs on another one, as
    /// [`Threshold`](crate::dequeue::Threshold) does it.
    async fn is_open(&self) -> bool;
}

#[async_trait]
impl<G: Gate + ?Sized> Gate for Arc<G> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn is_open(&self) -> bool {
        (**self).is_open().await
    }
}
