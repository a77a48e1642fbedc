//! How long an attempt may take, and all attempts at its run together.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Claim;
use crate::clock::Timestamp;
use crate::job::{Deadline, JobError, JobSpec, Kind};

/// What is left of a run's time, counted from the moment at which its claim was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLeft {
    timeout: Option<Duration>,
    deadline: Option<Deadline>,
    begun: Instant,
}

/// How long one attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) time: Duration,
    /// All attempts together, where that is what ends this one.
    deadline: Option<Duration>,
}

impl TimeLeft {
    /// At the begin of an attempt; of a job that is not known, there is nothing to say.
    pub(super) fn of(spec: Option<&JobSpec>, claim: &Claim, claimed_at: Timestamp) -> Self {
        let began = claim.history.began().unwrap_or(claimed_at);
        let spent = (claimed_at - began).to_std().unwrap_or_default();
        let deadline = spec.and_then(|spec| spec.deadline);
        Self {
            timeout: spec.and_then(|spec| spec.timeout),
            deadline: deadline.map(|total| Deadline { total, left: total.saturating_sub(spent) }),
            begun: Instant::now(),
        }
    }

    /// The limit of this attempt: the smaller of the two.
    pub(super) fn limit(&self) -> Option<Limit> {
        match (self.timeout, self.deadline) {
            (Some(time), None) => Some(Limit { time, deadline: None }),
            (Some(time), Some(Deadline { left, .. })) if time <= left => Some(Limit { time, deadline: None }),
            (_, Some(Deadline { total, left })) => Some(Limit { time: left, deadline: Some(total) }),
            (None, None) => None,
        }
    }

    /// What is left now for further attempts.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let now = |deadline: Deadline| Deadline {
            left: deadline.left.saturating_sub(self.begun.elapsed()),
            ..deadline
        };
        self.deadline.map(now)
    }
}

impl Limit {
    /// What an attempt failed of that took longer.
    pub(super) fn exceeded(self) -> JobError {
        JobError(self.deadline.map_or(Kind::TimedOut(self.time), Kind::DeadlineOver))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Limit, TimeLeft};
    use crate::backend::{Claim, ClaimToken};
    use crate::clock::from_millis;
    use crate::job::{Deadline, JobSpec};
    use crate::job_run::{History, PastAttempt};
    use crate::name::{OverseerId, RunId};

    const MINUTE: Duration = Duration::from_secs(60);

    /// Of a run whose first attempt began so many minutes before this one.
    fn left(timeout: Option<Duration>, deadline: Option<Duration>, before: i64) -> TimeLeft {
        let mut history = History::default();
        history.remember(PastAttempt::died(1, from_millis(0), OverseerId::random()));
        let claim =
            Claim { id: RunId::random(), token: ClaimToken("1".into()), envelope: Vec::new(), history };
        let spec = JobSpec { timeout, deadline, ..JobSpec::named("send") };
        TimeLeft::of(Some(&spec), &claim, from_millis(before * 60_000))
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_at_its_timeout_or_when_the_deadline_comes_before_it() {
        let by_timeout = Some(Limit { time: MINUTE, deadline: None });
        assert_eq!(left(None, None, 5).limit(), None);
        assert_eq!(left(Some(MINUTE), None, 5).limit(), by_timeout);
        assert_eq!(left(Some(MINUTE), Some(10 * MINUTE), 5).limit(), by_timeout);

        let cut = |left, total| Some(Limit { time: left * MINUTE, deadline: Some(total * MINUTE) });
        assert_eq!(left(None, Some(10 * MINUTE), 4).limit(), cut(6, 10));
        assert_eq!(left(Some(9 * MINUTE), Some(10 * MINUTE), 4).limit(), cut(6, 10));
        assert_eq!(left(Some(MINUTE), Some(10 * MINUTE), 99).limit(), cut(0, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_attempt_takes_is_not_left_for_the_next() {
        let time = left(None, Some(10 * MINUTE), 4);

        tokio::time::sleep(2 * MINUTE).await;
        assert_eq!(time.deadline(), Some(Deadline { total: 10 * MINUTE, left: 4 * MINUTE }));
        tokio::time::sleep(20 * MINUTE).await;
        assert_eq!(time.deadline(), Some(Deadline { total: 10 * MINUTE, left: Duration::ZERO }));
    }
}
