//! Who is compared: each is a file, and says there which settings it has and why.

pub(crate) mod apalis;
pub(crate) mod bullmq_node;
pub(crate) mod bullmq_rust;
pub(crate) mod evalsha;
pub(crate) mod mosquito;
pub(crate) mod oxana;
pub(crate) mod raw;
pub(crate) mod sidekiq;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::assignment::{Arguments, How, Work};
use crate::ledger::Ledger;

/// Any error of any contestant: it ends the child process, and the figure is not quoted.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a run does not ask for again is lost when a worker dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Acks {
    Yes,
    No,
    /// It is no job system.
    Limit,
}

/// What one reads about a contestant.
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    /// The package whose version stands in the lock file.
    pub(crate) package: &'static str,
    pub(crate) acks: Acks,
    /// In a line: settings that are not the defaults, and why.
    pub(crate) settings: &'static str,
    /// Has a way to enqueue many at once.
    pub(crate) bulk: bool,
    /// It cannot work off more than so many at once, for the reason that is said.
    pub(crate) most_waiting: Option<(usize, &'static str)>,
}

/// One of those who are compared.
#[async_trait]
pub(crate) trait Contestant: Send + Sync {
    fn facts(&self) -> Facts;

    /// Whether it has this feature by itself; else why no figure is told.
    fn lacks(&self, work: Work) -> Option<&'static str>;

    /// Which keys hold runs that wait, are being performed or are not acknowledged, and the command that counts them. When these add up to
    /// nothing, the store itself says that all is done.
    fn left(&self) -> Vec<Count>;

    /// The fastest way to enqueue many.
    fn fill(&self) -> How {
        if self.facts().bulk { How::Bulk } else { How::Concurrent { tasks: 64 } }
    }

    /// Connects a client that enqueues. Called in a process of its own.
    async fn client(&self, url: &str, work: Work) -> Result<Arc<dyn Client>, Failure>;

    /// Performs runs, so many at a time, until the process ends. Called in a process of its own.
    async fn work(&self, url: &str, work: Work, executors: usize, ledger: Arc<Ledger>)
    -> Result<(), Failure>;
}

/// Enqueues. `at` of the arguments says when a run is due, if the work is scheduled.
#[async_trait]
pub(crate) trait Client: Send + Sync {
    /// Enqueues one run and waits for the answer.
    async fn one(&self, run: Arguments) -> Result<(), Failure>;

    /// Enqueues them all by the contestant's own means for many.
    async fn bulk(&self, runs: Vec<Arguments>) -> Result<(), Failure>;
}

/// How a key is counted.
#[derive(Clone, Debug)]
pub(crate) enum Count {
    /// By `LLEN`, `ZCARD`, `SCARD` or `HLEN` of a key.
    Of(&'static str, &'static str),
    /// As [`Of`](Self::Of), of every key with this beginning: there is one for each worker process.
    Each(&'static str, &'static str),
}

/// All of them, in the order in which they take turns.
pub(crate) fn all() -> Vec<Box<dyn Contestant>> {
    vec![
        Box::new(mosquito::Mosquito),
        Box::new(oxana::Oxana),
        Box::new(apalis::Apalis),
        Box::new(sidekiq::Sidekiq),
        Box::new(bullmq_rust::BullmqRust),
        Box::new(bullmq_node::BullmqNode),
        Box::new(raw::Raw),
    ]
}

/// The one of that name, also of those that only stand beside the others.
pub(crate) fn named(name: &str) -> Option<Box<dyn Contestant>> {
    let beside: Box<dyn Contestant> = Box::new(evalsha::Evalsha);
    all().into_iter().chain([beside]).find(|contestant| contestant.facts().name == name)
}
