//! Enqueues that are answered when the runs are as safe as asked, or when it is clear that they are not.

use std::future::IntoFuture;

use crate::backend::{Durability, Enqueued, Met};
use crate::error::{Error, Result};
use crate::job::enqueue::Pending;
use crate::job::{Enqueue, EnqueueAll, Job};

/// An enqueue that says how safe its runs came to be. Nothing happens until it is awaited; made by
/// [`Enqueue::durability`] and [`EnqueueAll::durability`].
#[derive(Debug)]
#[must_use = "nothing is enqueued until this is awaited"]
pub struct Durably<E> {
    pub(super) enqueue: E,
    pub(super) durability: Durability,
}

impl<J: Job> IntoFuture for Durably<Enqueue<J>> {
    type Output = Result<Durable<Enqueued>>;
    type IntoFuture = Pending<Durable<Enqueued>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (enqueued, met) = self.enqueue.send(self.durability).await?;
            Ok(Durable { enqueued, met })
        })
    }
}

impl<J: Job, I: Iterator<Item = J> + Send + 'static> IntoFuture for Durably<EnqueueAll<J, I>> {
    type Output = Result<Durable<Vec<Enqueued>>>;
    type IntoFuture = Pending<Durable<Vec<Enqueued>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (enqueued, met) = self.enqueue.send(self.durability).await?;
            Ok(Durable { enqueued, met })
        })
    }
}

/// The answer to an enqueue of which a durability was asked: the runs **are** enqueued, and this says how safe they are.
///
/// ```
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// # #[job] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use mosquito::{Durability, Error};
///
/// let mosquito = Mosquito::connect("memory://").await?;
/// let durable = mosquito.enqueue(Greet { name: "Ada".into() }).durability(Durability::Fsync).await?;
///
/// assert!(durable.enqueued.is_new());
/// assert_eq!(durable.met.shortfall(), Some("it is this process's memory"));
/// assert!(matches!(durable.confirmed(), Err(Error::LessDurable { .. })));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it may be less safe than asked: look at `met`, or take it by `confirmed`"]
pub struct Durable<T> {
    /// What a usual enqueue answers.
    pub enqueued: T,
    /// How safe it came to be.
    pub met: Met,
}

impl<T> Durable<T> {
    /// What a usual enqueue answers, if it is as safe as asked.
    ///
    /// # Errors
    ///
    /// [`Error::LessDurable`] when it is not, or nobody can tell. The runs stay enqueued: the same enqueue again, with the
    /// same ids, asks once more how safe they are.
    pub fn confirmed(self) -> Result<T> {
        match self.met.shortfall() {
            None => Ok(self.enqueued),
            Some(shortfall) => {
                Err(Error::LessDurable { wanted: self.met.wanted().to_string(), shortfall: shortfall.into() })
            }
        }
    }
}
