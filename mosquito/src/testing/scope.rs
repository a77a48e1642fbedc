//! One test's own store, clock and bench.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::client::Mosquito;
use crate::clock::{Clock, Timestamp};
use crate::error::{BuildError, Result};
use crate::job::{Job, States, Witness};
use crate::middleware::{EnqueueLayers, EnqueueMiddleware, Layers, Middleware};
use crate::testing::bench::{Bench, Inline};
use crate::testing::store::OwnStore;
use crate::testing::{Drain, EnqueuedJob, PerformJob, Performed, Standing, performed};

/// One test's own store, on a clock of its own, in which nothing is performed unless the test says so.
///
/// It is a client: what is under test takes it as a `&Mosquito`, and so does everything that a client can do. Everything
/// ends with it: a store that it made for itself is removed.
///
/// ```standalone_crate
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// # #[job(queue = "mail")] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// use mosquito::testing::{Testing, assert_enqueued, refute_enqueued};
///
/// async fn sign_up(mosquito: &Mosquito, name: &str) -> mosquito::Result<()> {
///     mosquito.enqueue(Greet { name: name.into() }).await?;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let testing = Testing::record().await?;
///
/// sign_up(&testing, "Ada").await?;
///
/// assert_enqueued!(testing, Greet { name: "Ada" }, queue = "mail");
/// let drained = testing.drain().await?;
/// assert_eq!(drained.succeeded, 1);
/// refute_enqueued!(testing, Greet);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Testing {
    mosquito: Mosquito,
    bench: Arc<Bench>,
    clock: Clock,
    _inline: Arc<Inline>,
    // The last to go: the store is removed when nobody uses it any more.
    _store: OwnStore,
}

impl Testing {
    /// Enqueues and performs nothing, until the test [drains](Self::drain) the queues or lets [time pass](Self::run_for).
    pub fn record() -> TestingBuilder {
        TestingBuilder::default()
    }

    /// Performs each run when it is enqueued, before the enqueue answers, and with it all that is enqueued by it. A run for
    /// later waits for its time to [pass](Self::run_for), as do the retries of one that fails.
    ///
    /// It goes through the store like any other, so that its arguments are serialized, and is performed as a runner would; an
    /// enqueue succeeds also when its run fails. What became of it is said by [`performed`](Self::performed); a test ends
    /// with [`assert_succeeded`](Self::assert_succeeded) when nothing is to fail.
    ///
    /// One run at a time: what is enqueued by a run, or by a task beside it, is performed after it, by the task that
    /// performs already.
    pub fn inline() -> TestingBuilder {
        TestingBuilder { inline: true, ..Self::record() }
    }

    /// The time by the store's clock, which stands still between the calls of this type.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock, and does nothing else: what becomes due meanwhile is performed by the next
    /// [`drain`](Self::drain), all at one time. See [`run_for`](Self::run_for) for performing each at its own.
    pub fn advance(&self, time: Duration) {
        self.bench.advance(time);
    }

    /// Performs everything that is due now, one run after the other, until nothing is: ticks of periodic jobs, scheduled
    /// runs whose time has come, what waits, and what is enqueued by those.
    pub fn drain(&self) -> Drain<'_> {
        Drain::new(&self.bench, None)
    }

    /// Lets so much time pass: moves the clock from one due moment to the next, and performs at each what is due
    /// then. A month of a daily job's ticks is thirty runs, each at its own time, and takes milliseconds. The answer holds
    /// every attempt, though: a day of a job that ticks each second is 86,400 of them, and takes seconds.
    pub fn run_for(&self, time: Duration) -> Drain<'_> {
        Drain::new(&self.bench, Some(time))
    }

    /// Performs one job as a runner would, by way of its serialized arguments, without enqueueing it.
    pub fn perform<J: Job>(&self, job: J) -> PerformJob<'_, J> {
        PerformJob::new(&self.bench, &self.mosquito, job)
    }

    /// Every attempt so far, in the order in which they were made; the last 10,000 of them.
    #[must_use]
    pub fn performed(&self) -> Vec<Performed> {
        self.bench.performed()
    }

    /// Panics unless every attempt so far succeeded: what [inline](Self::inline) tests end with, since an enqueue
    /// does not fail when its run does.
    ///
    /// # Panics
    ///
    /// When an attempt failed, was put off, given up or discarded, or its job is unknown: with what became of it.
    #[track_caller]
    pub fn assert_succeeded(&self) {
        performed::assert_succeeded(&self.performed());
    }

    /// The runs of a job that are enqueued: those in `waiting`, then those in `scheduled`.
    ///
    /// # Errors
    ///
    /// When the store is out of reach, or the arguments of such a run do not decode.
    pub async fn enqueued<J: Job>(&self) -> Result<Vec<EnqueuedJob<J>>> {
        self.standing().await?.jobs()
    }

    /// Everything that is enqueued, for [`assert_enqueued!`](crate::testing::assert_enqueued).
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    pub async fn standing(&self) -> Result<Standing> {
        Standing::read(self, self.now(), self.performed()).await
    }
}

impl Deref for Testing {
    type Target = Mosquito;

    fn deref(&self) -> &Mosquito {
        &self.mosquito
    }
}

/// What a test's store is to be. Awaited, it is made.
#[must_use = "nothing is made until this is awaited"]
#[derive(Default)]
pub struct TestingBuilder {
    inline: bool,
    store: Option<String>,
    time: Option<Timestamp>,
    states: Vec<State>,
    middleware: Layers,
    enqueue_middleware: EnqueueLayers,
}

type State = Box<dyn FnOnce(&mut States, &Mosquito) + Send>;

impl TestingBuilder {
    /// Gives jobs that declare `state(T)` their `T`. Those that no performed job needs may be left out.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.state_with(|_| state)
    }

    /// Gives jobs that declare `state(T)` a `T` that is made of the test's client.
    pub fn state_with<T: Send + Sync + 'static>(
        mut self,
        state: impl FnOnce(&Mosquito) -> T + Send + 'static,
    ) -> Self {
        self.states.push(Box::new(|states, mosquito| states.insert(state(mosquito))));
        self
    }

    /// Puts application code around every attempt, as a runner does; see [`Middleware`].
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.add(middleware);
        self
    }

    /// Puts application code around every enqueue, as a client does; see [`EnqueueMiddleware`].
    pub fn enqueue_middleware(mut self, middleware: impl EnqueueMiddleware) -> Self {
        self.enqueue_middleware.add(middleware);
        self
    }

    /// Uses another store than this process's memory, where everything is the same but slower: `sqlite://` for a file of
    /// the test's own, `sqlite://jobs.db` for one that is kept, `redis://127.0.0.1/` for a corner of a server, under a random prefix,
    /// that is emptied in the end.
    pub fn store(mut self, url: impl Into<String>) -> Self {
        self.store = Some(url.into());
        self
    }

    /// Begins at a time from 1970 on, instead of now.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    async fn start(self) -> Result<Testing> {
        if let Some(time) = self.time.filter(|time| *time < Timestamp::UNIX_EPOCH) {
            let why = format!("a test cannot begin at {time}: stores count their time from 1970 on");
            return Err(BuildError::new(vec![why]).into());
        }
        let clock = self.time.map_or_else(Clock::manual, Clock::manual_at);
        let store = OwnStore::of(self.store.as_deref().unwrap_or("memory://"))?;
        let mut mosquito = store.connect(clock.clone()).await?;
        mosquito.enqueuer.middleware = self.enqueue_middleware;
        let runner = mosquito.runner().layers(self.middleware);
        let inline: Arc<Inline> = Arc::default();
        if self.inline {
            let witness: Arc<dyn Witness> = inline.clone();
            mosquito.enqueuer.witness = Some(Arc::downgrade(&witness));
        }
        let mut states = States::default();
        self.states.into_iter().for_each(|state| state(&mut states, &mosquito));
        let by_hand = runner.by_hand(states)?;
        let bench = Arc::new(Bench::new(mosquito.backend().clone(), clock.clone(), by_hand, self.inline));
        // From now on ticks are counted.
        bench.begin().await?;
        inline.is_at(&bench);
        Ok(Testing { mosquito, bench, clock, _inline: inline, _store: store })
    }
}

impl fmt::Debug for TestingBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestingBuilder").field("inline", &self.inline).finish_non_exhaustive()
    }
}

impl IntoFuture for TestingBuilder {
    type Output = Result<Testing>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Testing>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}
