//! A pause about to be made.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Pause, Scope};
use crate::error::Result;
use crate::events::{Event, Events};
use crate::job::Job;
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
/// Awaited: when the backend is out of reach. In a Redis Cluster of which a part is, a pause of everything holds for the rest, and for
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
                backend.pause(&scope, &pause).await?;
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
    backend.resume(&scope).await?;
    events.emit(|| Event::Resumed { scope });
    Ok(())
}
