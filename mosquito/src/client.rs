//! The way in: connects to a store, enqueues jobs, and starts runners.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::memory::Memory;
use crate::backend::{Backend, Checkup, Paused, Scope};
use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::error::{Error, Result, without_password};
use crate::events::EventStream;
use crate::job::{Enqueue, EnqueueAll, Enqueuer, Job, Metadata};
use crate::middleware::{EnqueueLayers, EnqueueMiddleware};
use crate::name::{JobName, QueueName};
use crate::pausing::{self, Pausing};
use crate::queue::Queue;

/// A client of one store. Cheap to clone; all clones share its connections.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use mosquito::Mosquito;
///
/// let mosquito = Mosquito::connect("memory://").await?;
/// assert!(mosquito.queues().await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Mosquito {
    pub(crate) enqueuer: Enqueuer,
}

impl Mosquito {
    /// Connects to the store that a URL names:
    ///
    /// | URL | store | feature |
    /// |---|---|---|
    /// | `memory://` | this process's memory, new for each client | |
    /// | `sqlite://jobs.db`, `sqlite:///var/lib/app/jobs.db` | a file, made when missing; several processes may share it | `sqlite` |
    /// | `redis://[user:password@]host[:6379][/db]` | a Redis server | `redis` |
    /// | `redis+sentinel://[user:password@]host[:26379],…/service[/db]` | the master of a service, as its sentinels name it; failovers are followed | `redis` |
    /// | `redis+cluster://[user:password@]host[:6379],…` | a Redis Cluster, found by some of its servers; failovers and moves of slots are followed | `redis` |
    /// | `rediss://…`, `rediss+sentinel://…`, `rediss+cluster://…` | the same over TLS, sentinels included | `redis` |
    ///
    /// User and password are those of the servers. Sentinels that ask for a password of their own are given it behind the
    /// rest, `?sentinel_user=…&sentinel_password=…`; the user may be left out. In each part, what has a meaning in URLs is
    /// written in `%` signs: `p@ss` is `p%40ss`.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] when it names no store that this build can reach, [`Error::Unavailable`] when the store does
    /// not answer, [`Error::Refused`] when it does and will not have us.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder().connect(url).await
    }

    /// Connects with other settings than the defaults.
    pub fn builder() -> MosquitoBuilder {
        MosquitoBuilder::default()
    }

    /// A client of a backend that was made by hand, with the default settings.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { enqueuer: Enqueuer::new(backend) }
    }

    /// Enqueues a run of a job, when it is awaited; see [`Enqueue`] for when and where.
    pub fn enqueue<J: Job>(&self, job: J) -> Enqueue<J> {
        self.enqueuer.enqueue(job)
    }

    /// Enqueues many runs of a job, when it is awaited, in as few calls of the store as it takes.
    pub fn enqueue_all<J: Job, I>(&self, jobs: I) -> EnqueueAll<J, I::IntoIter>
    where
        I: IntoIterator<Item = J>,
    {
        self.enqueuer.enqueue_all(jobs)
    }

    /// A queue, to look into and to act on. It need not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when no queue can have that name.
    pub fn queue(&self, name: &str) -> Result<Queue> {
        Ok(self.queue_of(QueueName::new(name)?))
    }

    /// The queues that anything was ever enqueued in, in the order of their names. One with partitions is one of them.
    ///
    /// # Errors
    ///
    /// When the backend is out of reach.
    pub async fn queues(&self) -> Result<Vec<Queue>> {
        let names = self.backend().queues().await?.into_iter();
        let names: BTreeSet<_> = names.map(|name| name.whole()).collect();
        Ok(names.into_iter().map(|name| self.queue_of(name)).collect())
    }

    fn queue_of(&self, name: QueueName) -> Queue {
        Queue::new(name, self.backend().clone(), self.enqueuer.events.clone())
    }

    /// Stops every queue of the store from handing out runs, also those that come into being later, until
    /// [`resume`](Self::resume), when it is awaited; see [`Pausing`] for what can be said about it. Beside the
    /// [pauses](Queue::pause) of single queues, of which it knows nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// let mosquito = mosquito::Mosquito::connect("memory://").await?;
    /// let mail = mosquito.queue("mail")?;
    /// mail.pause().await?;
    ///
    /// mosquito.pause().reason("the database moves").await?;
    /// assert!(mosquito.queue("reports")?.paused().await?.is_some());
    /// mosquito.resume().await?;
    ///
    /// assert!(mosquito.queue("reports")?.paused().await?.is_none());
    /// assert!(mail.paused().await?.is_some()); // by itself
    /// # Ok(()) }
    /// ```
    pub fn pause(&self) -> Pausing {
        Pausing::new(self.backend(), &self.enqueuer.events, Scope::Everything)
    }

    /// As [`pause`](Self::pause), for so long: then all queues resume by themselves, and idle runners notice it within a second.
    pub fn pause_for(&self, duration: Duration) -> Pausing {
        self.pause().lasting(duration)
    }

    /// Ends a [pause](Self::pause) of everything. Queues that are paused by themselves stay so.
    ///
    /// # Errors
    ///
    /// As [`Pausing`].
    pub async fn resume(&self) -> Result<()> {
        pausing::resume(&**self.backend(), &self.enqueuer.events, Scope::Everything).await
    }

    /// Whether everything is paused: since when, until when, why and by whom.
    ///
    /// # Errors
    ///
    /// When the backend is out of reach.
    pub async fn paused(&self) -> Result<Option<Paused>> {
        self.backend().paused(&Scope::Everything).await
    }

    /// Stops handing out runs of a job in its queue, under its name and all that it had before: as [`Queue::pause_job`] does.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job(queue = "mail")] struct Newsletter { issue: u32 }
    /// # impl Perform for Newsletter { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// let mosquito = Mosquito::connect("memory://").await?;
    ///
    /// mosquito.pause_job::<Newsletter>()?.reason("a link in it is wrong").await?;
    /// assert_eq!(mosquito.queue("mail")?.paused_jobs().await?.len(), 1);
    ///
    /// mosquito.resume_job::<Newsletter>().await?;
    /// assert!(mosquito.queue("mail")?.paused_jobs().await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when no queue or job can have such a name, which `#[job]` would have refused.
    pub fn pause_job<J: Job>(&self) -> Result<Pausing> {
        Ok(Pausing::all(self.backend(), &self.enqueuer.events, pausing::scopes_of::<J>()?))
    }

    /// As [`pause_job`](Self::pause_job), for so long: then the job resumes by itself.
    ///
    /// # Errors
    ///
    /// As [`pause_job`](Self::pause_job).
    pub fn pause_job_for<J: Job>(&self, duration: Duration) -> Result<Pausing> {
        Ok(self.pause_job::<J>()?.lasting(duration))
    }

    /// Ends a [pause](Self::pause_job) of a job.
    ///
    /// # Errors
    ///
    /// As [`pause_job`](Self::pause_job), and when the backend is out of reach.
    pub async fn resume_job<J: Job>(&self) -> Result<()> {
        for scope in pausing::scopes_of::<J>()? {
            pausing::resume(&**self.backend(), &self.enqueuer.events, scope).await?;
        }
        Ok(())
    }

    /// What runners are told while they work: how many executors they have, and how many runs of a queue they perform at once.
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        Configuration::new(self.backend())
    }

    /// What a job type keeps for itself in the store; in a job, [`Context::metadata`](crate::Context::metadata) is shorter.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when no job can have that name, which `#[job]` would have refused.
    pub fn metadata<J: Job>(&self) -> Result<Metadata> {
        self.metadata_of(J::SPEC.name)
    }

    /// What the job type of a name keeps for itself in the store. It need not be known here.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when no job can have that name.
    pub fn metadata_of(&self, job: &str) -> Result<Metadata> {
        Ok(Metadata::new(self.backend(), JobName::new(job)?))
    }

    /// Looks at the store for what may lose runs, or slow them down: settings of the server, its clock, how far away it
    /// is, the file system of a file. A runner does so once as it starts, and tells each warning as an
    /// [`Event`](crate::events::Event::Warned).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// let mosquito = mosquito::Mosquito::connect("memory://").await?;
    ///
    /// for warning in mosquito.check().await?.warnings {
    ///     eprintln!("{warning}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the store is out of reach; within five seconds for each of at most eight calls. What it does not tell is no error.
    pub async fn check(&self) -> Result<Checkup> {
        self.backend().check().await
    }

    /// What happens in this client, its clones and their runners, from now on.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.enqueuer.events.subscribe()
    }

    /// The store, for what this client has no method for.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.enqueuer.backend
    }
}

/// The settings of a client.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = mosquito::Mosquito::builder().payload_limit(1024).connect("memory://").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it connects"]
pub struct MosquitoBuilder {
    prefix: Option<String>,
    payload_limit: Option<usize>,
    middleware: EnqueueLayers,
    clock: Option<Clock>,
    #[cfg(feature = "redis")]
    tls: Option<crate::backend::redis::Tls>,
}

impl MosquitoBuilder {
    /// The first part of every key in Redis, `mosquito` by default: several applications can share a
    /// server, each with a prefix of its own. The other stores need none and refuse it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// The largest arguments of one run, as JSON, in bytes; 256 KiB by default.
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.payload_limit = Some(bytes);
        self
    }

    /// Puts application code around every enqueue of this client, within what was added before; see
    /// [`EnqueueMiddleware`].
    pub fn enqueue_middleware(mut self, middleware: impl EnqueueMiddleware) -> Self {
        self.middleware.add(middleware);
        self
    }

    /// The clock of the store, for tests that move it. All that share a store must share its clock; a Redis must not be
    /// a cluster then. By default that of the server, of the machine, or of tokio for `memory://`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Whom to trust, and who to be, on `rediss://`; see [`Tls`](crate::Tls) for the defaults. Where there is no TLS
    /// these settings would do nothing, and are refused.
    #[cfg(feature = "redis")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
    pub fn tls(mut self, tls: crate::backend::redis::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Connects to the store that a URL names; see [`Mosquito::connect`].
    ///
    /// # Errors
    ///
    /// As [`Mosquito::connect`]; [`Error::File`] when a file of the TLS settings cannot be used.
    pub async fn connect(self, url: &str) -> Result<Mosquito> {
        let mut mosquito = Mosquito::new(self.backend(url).await?);
        if let Some(limit) = self.payload_limit {
            mosquito.enqueuer.payload_limit = limit;
        }
        mosquito.enqueuer.middleware = self.middleware;
        Ok(mosquito)
    }

    async fn backend(&self, url: &str) -> Result<Arc<dyn Backend>> {
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let refuse = |reason: &str| Err(Error::Url { url: without_password(url), reason: reason.into() });
        let no_prefix = "a prefix is for Redis; this store is a namespace of its own";
        let store = match scheme.split_once('+') {
            // Sentinels, a cluster, or what is refused with the ways there are.
            Some((redis @ ("redis" | "rediss"), _)) => redis,
            _ => scheme,
        };
        match store {
            "memory" | "sqlite" if self.prefix.is_some() => refuse(no_prefix),
            #[cfg(feature = "redis")]
            "memory" | "sqlite" if self.tls.is_some() => {
                refuse("TLS settings are for rediss://; this store has no connections")
            }
            "memory" if !rest.is_empty() => refuse("`memory://` takes nothing behind it"),
            "memory" => Ok(Arc::new(Memory::with_clock(self.clock.clone().unwrap_or_else(Clock::tokio)))),
            "sqlite" if rest.is_empty() => {
                refuse("a path belongs behind `sqlite://`, as in `sqlite://jobs.db`")
            }
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                let clock = self.clock.clone().unwrap_or_else(Clock::system);
                Ok(Arc::new(crate::backend::sqlite::Sqlite::open_with_clock(rest, clock).await?))
            }
            #[cfg(not(feature = "sqlite"))]
            "sqlite" => refuse("this build has no SQLite: turn on the feature `sqlite` of mosquito"),
            #[cfg(feature = "redis")]
            "redis" | "rediss" => {
                use crate::backend::redis::{DEFAULT_PREFIX, Redis};
                let prefix = self.prefix.as_deref().unwrap_or(DEFAULT_PREFIX);
                Ok(Arc::new(Redis::open(url, prefix, self.clock.clone(), self.tls.clone()).await?))
            }
            #[cfg(not(feature = "redis"))]
            "redis" | "rediss" => refuse("this build has no Redis: turn on the feature `redis` of mosquito"),
            _ => refuse("it starts with none of memory://, sqlite://, redis:// and rediss://"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mosquito;

    async fn refusal(url: &str) -> String {
        Mosquito::connect(url).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_url_that_names_no_store_is_told_what_would_be_right() {
        assert!(
            refusal("postgres://h/db").await.contains("none of memory://, sqlite://, redis:// and rediss://")
        );
        assert!(refusal("jobs.db").await.contains("none of memory://"));
        assert!(refusal("sqlite://").await.contains("as in `sqlite://jobs.db`"));
        assert!(refusal("memory://x").await.contains("takes nothing behind it"));
    }

    #[tokio::test]
    async fn a_prefix_is_refused_where_it_would_do_nothing() {
        let refused = Mosquito::builder().prefix("app").connect("memory://").await.unwrap_err();

        assert!(refused.to_string().contains("a prefix is for Redis"));
    }
}
