//! A pause about to be made.
//!
//! A queue with partitions is paused and resumed part by part, the whole first: that is what runners go by when they find a partition that was not
//! told (`runners/heeding.rs`).

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Pause, Paused, Scope};
use crate::error::Result;
use crate::events::{Event, Events};
use crate::job::{Job, parts};
use crate::name::{JobName, QueueName};

/// A pause of a queue, of a job, or of everything, and what is said about it. Nothing is paused until it is awaited.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use std::time::Duration;
///
/// let mosquito = mosquito::Mosquito::connect("memory://").await?;
/// let mail = mosquito.queue("mail")?;
///
/// mail.pause_for(Duration::from_secs(600)).reason("the mail server moves").author("ada").await?;
///
/// let paused = mail.paused().await?.expect("it was paused a moment ago");
/// assert_eq!(paused.reason.as_deref(), Some("the mail server moves"));
/// assert_eq!((paused.author.as_deref(), paused.everything), (Some("ada"), false));
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Awaited: when the backend is out of reach. Of a queue with [partitions](crate::guide::partitions) some may be paused then; it can be
/// repeated. In a Redis Cluster of which a part is, a pause of everything holds for the rest, and for
/// that part as soon as a runner reaches it; it can be repeated.
#[must_use = "nothing is paused until this is awaited"]
pub struct Pausing {
    backend: Arc<dyn Backend>,
    events: Events,
    scopes: Vec<Scope>,
    pause: Pause,
}

impl Pausing {
    pub(crate) fn new(backend: &Arc<dyn Backend>, events: &Events, scope: Scope) -> Self {
        Self::all(backend, events, vec![scope])
    }

    pub(crate) fn all(backend: &Arc<dyn Backend>, events: &Events, scopes: Vec<Scope>) -> Self {
        Self { backend: backend.clone(), events: events.clone(), scopes, pause: Pause::new() }
    }

    pub(crate) fn lasting(self, duration: Duration) -> Self {
        Self { pause: self.pause.lasting(duration), ..self }
    }

    /// Says why, for whoever looks at the queue; up to 500 characters are kept.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        Self { pause: self.pause.reason(reason), ..self }
    }

    /// Says by whom; up to 500 characters are kept.
    pub fn author(self, author: impl Into<String>) -> Self {
        Self { pause: self.pause.author(author), ..self }
    }
}

impl IntoFuture for Pausing {
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { backend, events, scopes, pause } = self;
        Box::pin(async move {
            for scope in scopes {
                for part in parts_of(&*backend, &scope).await? {
                    backend.pause(&part, &pause).await?;
                }
                events.emit(|| Event::Paused { scope, pause: pause.clone() });
            }
            Ok(())
        })
    }
}

impl fmt::Debug for Pausing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pausing")
            .field("scopes", &self.scopes)
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}

/// A job in its queue, under all its names.
pub(crate) fn scopes_of<J: Job>() -> Result<Vec<Scope>> {
    let queue = QueueName::new(J::SPEC.queue)?;
    let names = std::iter::once(&J::SPEC.name).chain(J::SPEC.aliases);
    names.map(|name| Ok(Scope::Job(queue.clone(), JobName::new(*name)?))).collect()
}

/// Ends a pause, and says so.
pub(crate) async fn resume(backend: &dyn Backend, events: &Events, scope: Scope) -> Result<()> {
    for part in parts_of(backend, &scope).await? {
        backend.resume(&part).await?;
    }
    events.emit(|| Event::Resumed { scope });
    Ok(())
}

/// What a scope is in the store: several where a queue has partitions.
async fn parts_of(backend: &dyn Backend, scope: &Scope) -> Result<Vec<Scope>> {
    let Some(queue) = scope.queue() else { return Ok(vec![scope.clone()]) };
    let parts = parts(backend, queue).await?.into_iter();
    Ok(match scope {
        Scope::Job(_, job) => parts.map(|part| Scope::Job(part, job.clone())).collect(),
        _ => parts.map(Scope::Queue).collect(),
    })
}

/// Whether all parts of a queue are paused: what is said of the whole then.
pub(crate) async fn paused(backend: &dyn Backend, scope: &Scope) -> Result<Option<Paused>> {
    let mut first = None;
    for part in parts_of(backend, scope).await? {
        match backend.paused(&part).await? {
            Some(paused) => first = first.or(Some(paused)),
            None => return Ok(None),
        }
    }
    Ok(first)
}

/// The jobs that are paused in all parts of a queue.
pub(crate) async fn paused_jobs(
    backend: &dyn Backend,
    queue: &QueueName,
) -> Result<BTreeMap<JobName, Paused>> {
    let parts = parts(backend, queue).await?;
    let (whole, others) = parts.split_first().expect("a queue is a part of itself");
    let mut jobs = backend.paused_jobs(whole).await?;
    for part in others {
        let here = backend.paused_jobs(part).await?;
        jobs.retain(|job, _| here.contains_key(job));
    }
    Ok(jobs)
}
