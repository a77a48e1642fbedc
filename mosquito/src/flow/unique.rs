//! At most one run of a key.

use std::time::Duration;

use super::FlowKey;

/// At most one run of a key, in its queue and for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// What makes two runs the same. It names the job too.
    pub key: FlowKey,
    /// When the next one may come.
    pub until: Until,
    /// What becomes of one that comes before.
    pub on_conflict: OnConflict,
}

impl Unique {
    /// At most one run of this key until it is finished, answered by the run that is there. The key is taken as it is: one that does not
    /// name a job keeps runs of all jobs of the queue away that bear it.
    ///
    /// ```
    /// use mosquito::{FlowKey, OnConflict, Unique, Until};
    ///
    /// let digest = Unique::by(FlowKey::readable(&("digest", 7))?).until(Until::Start).on_conflict(OnConflict::Replace);
    /// # assert_eq!(digest.key.as_str(), r#"["digest",7]"#);
    /// # Ok::<(), mosquito::serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn by(key: FlowKey) -> Self {
        Self { key, until: Until::default(), on_conflict: OnConflict::default() }
    }

    /// With another moment at which the next one may come.
    #[must_use]
    pub fn until(self, until: Until) -> Self {
        Self { until, ..self }
    }

    /// With another answer to one that comes before.
    #[must_use]
    pub fn on_conflict(self, on_conflict: OnConflict) -> Self {
        Self { on_conflict, ..self }
    }
}

/// When a run stops keeping others of its key away. Whatever was said, it stops when it is dead, cancelled, deleted or flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Until {
    /// When it is claimed for an attempt: the next one may come while it is performed.
    Start,
    /// When it is finished: it succeeded, was discarded, or is dead.
    #[default]
    Finish,
    /// As with `Start`, and the next one waits until this one has left `pending`: one waits while one runs.
    StartThenWhileRunning,
    /// So long after its enqueue, whatever becomes of it.
    For(Duration),
}

impl Until {
    /// What is wrong with it, if anything.
    #[must_use]
    pub(crate) fn problem(self) -> Option<&'static str> {
        match self {
            Self::For(time) if time < Duration::from_millis(1) => {
                Some("a run that is unique for less than 1 ms would keep nobody away")
            }
            _ => None,
        }
    }
}

/// What becomes of an enqueue while another run of its key keeps it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum OnConflict {
    /// Nothing is enqueued, and the answer names the run that is there.
    #[default]
    Return,
    /// The run that is there gets the new arguments; one that is scheduled gets the new time too, and all else that the new one is
    /// under, such as until when it is unique; one that waits keeps its place, and one that is being performed stays as it is, and is answered as with `Return`.
    Replace,
    /// Nothing is enqueued, and that is an error.
    Reject,
    /// As with `Replace`; and while one is being performed, one more may wait for its end, which the latest replaces.
    KeepLatest,
}
