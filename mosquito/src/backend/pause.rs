//! Stopping queues from handing out runs: one of them, or all that there are and will be; or the runs of one job in a queue.
//!
//! Invariant: a queue's own pause, those of its jobs and that of everything know nothing of each other. A run is handed out when none of
//! them lasts.

use std::fmt;
use std::time::Duration;

use crate::clock::{self, Timestamp};
use crate::job_run::cut_to;
use crate::name::{JobName, QueueName};

/// The most characters that a pause keeps of its reason, and of its author. What is longer is cut, and ends in an ellipsis.
pub(crate) const WORDS_LIMIT: usize = 500;

/// What is paused, or resumed.
///
/// ```
/// use mosquito::QueueName;
/// use mosquito::backend::Scope;
///
/// let mail = QueueName::new("mail")?;
/// assert_eq!(Scope::from(&mail), Scope::Queue(mail));
/// # Ok::<(), mosquito::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One queue.
    Queue(QueueName),
    /// The runs of one job in a queue; others go past them.
    Job(QueueName, JobName),
    /// Every queue of the store, also those that come into being later.
    Everything,
}

impl Scope {
    /// The queue, if it is one, or a job in one.
    #[must_use]
    pub fn queue(&self) -> Option<&QueueName> {
        match self {
            Self::Queue(queue) | Self::Job(queue, _) => Some(queue),
            Self::Everything => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => write!(f, "queue {queue}"),
            Self::Job(queue, job) => write!(f, "job {job} in queue {queue}"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

impl From<&QueueName> for Scope {
    fn from(queue: &QueueName) -> Self {
        Self::Queue(queue.clone())
    }
}

/// How long a pause is to last, why it is made and by whom. By default until it is resumed, and without a word about it.
///
/// ```
/// use std::time::Duration;
/// use mosquito::backend::Pause;
///
/// let pause = Pause::new().lasting(Duration::from_secs(600)).reason("the mail server moves").author("ada");
/// assert_eq!(pause.words(), (Some("the mail server moves"), Some("ada")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a pause does nothing until a backend is told"]
pub struct Pause {
    duration: Option<Duration>,
    reason: Option<String>,
    author: Option<String>,
}

impl Pause {
    /// One that lasts until it is resumed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets it end by itself, so long after the backend made it.
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Says why; up to 500 characters are kept.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(cut_to(WORDS_LIMIT, reason.into()));
        self
    }

    /// Says by whom; up to 500 characters are kept.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = Some(cut_to(WORDS_LIMIT, author.into()));
        self
    }

    /// One that ends when another does, and says the same.
    pub(crate) fn like(paused: &Paused, now: Timestamp) -> Self {
        let duration = paused.until.map(|until| (until - now).to_std().unwrap_or_default());
        Self { duration, reason: paused.reason.clone(), author: paused.author.clone() }
    }

    /// How long it is to last; nothing when it does not end by itself.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Its reason and its author.
    #[must_use]
    pub fn words(&self) -> (Option<&str>, Option<&str>) {
        (self.reason.as_deref(), self.author.as_deref())
    }
}

/// That a queue, a job in one, or everything is paused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paused {
    /// Since when; nothing when a release made it that did not take it down.
    pub since: Option<Timestamp>,
    /// When it ends by itself; nothing when it lasts until it is resumed.
    pub until: Option<Timestamp>,
    /// Why, as it was said: at most 500 characters and an ellipsis.
    pub reason: Option<String>,
    /// By whom, likewise.
    pub author: Option<String>,
    /// Whether it is everything that is paused. A queue that is paused by itself as well tells that one of the two that lasts
    /// longer; its own, when neither ends before the other.
    pub everything: bool,
}

impl Paused {
    /// From now on, as it was asked for.
    pub(crate) fn begin(pause: &Pause, scope: &Scope, now: Timestamp) -> Self {
        Self {
            since: Some(now),
            until: pause.duration.map(|duration| clock::after(now, duration)),
            reason: pause.reason.clone(),
            author: pause.author.clone(),
            everything: *scope == Scope::Everything,
        }
    }

    pub(crate) fn lasts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Of a queue's own pause and that of everything, the one that lasts longer.
    pub(crate) fn longer(own: Option<Self>, everything: Option<Self>) -> Option<Self> {
        match (own, everything) {
            (Some(own), Some(everything)) => {
                let until = |pause: &Self| pause.until.unwrap_or(Timestamp::MAX_UTC);
                Some(if until(&everything) > until(&own) { everything } else { own })
            }
            (own, everything) => own.or(everything),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pause, Paused, Scope, WORDS_LIMIT};
    use crate::clock::from_millis;

    #[test]
    fn words_without_end_are_cut_between_characters() {
        let pause = Pause::new().reason("ü".repeat(WORDS_LIMIT + 7)).author("ü".repeat(WORDS_LIMIT));

        let (reason, author) = pause.words();

        assert_eq!(reason.unwrap().chars().count(), WORDS_LIMIT + 1, "the limit and an ellipsis");
        assert!(reason.unwrap().ends_with('…'));
        assert_eq!(author.unwrap().chars().count(), WORDS_LIMIT, "what fits stays as it is");
    }

    #[test]
    fn of_two_pauses_the_one_that_lasts_longer_is_told() {
        let now = from_millis(1_000);
        let lasting = |scope: &Scope, seconds: Option<u64>| {
            let pause = seconds.map_or_else(Pause::new, |s| Pause::new().lasting(Duration::from_secs(s)));
            Some(Paused::begin(&pause, scope, now))
        };
        let mail = Scope::Queue(crate::name::QueueName::new("mail").unwrap());
        let tells_everything = |own: Option<u64>, everything: Option<u64>| {
            let (own, everything) = (lasting(&mail, own), lasting(&Scope::Everything, everything));
            Paused::longer(own, everything).unwrap().everything
        };

        assert!(tells_everything(Some(5), Some(9)) && tells_everything(Some(5), None));
        assert!(!tells_everything(Some(9), Some(5)) && !tells_everything(None, Some(5)));
        assert!(!tells_everything(None, None), "its own, when neither ends before the other");
        assert_eq!(Paused::longer(None, None), None);
    }
}
