//! How often a failed run is tried again, and how long it waits each time.

use std::time::Duration;

/// A retry policy: `#[job(retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.2))]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// How many attempts a run has in all, the first one included; at least 1.
    pub attempts: u32,
    /// How long a failed run waits for its next attempt.
    pub backoff: Backoff,
    /// How far the wait may differ at random, as a share of it: 0 to 1. Keeps runs that failed together from coming back together.
    pub jitter: f64,
}

/// How the wait grows with the number of attempts used up, `n`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// Always the same.
    Fixed(Duration),
    /// `step × n`, at most `max`.
    Linear {
        /// The first wait.
        step: Duration,
        /// The longest wait.
        max: Duration,
    },
    /// `step × n²`, at most `max`.
    Quadratic {
        /// The first wait.
        step: Duration,
        /// The longest wait.
        max: Duration,
    },
    /// `first × 2ⁿ⁻¹`, at most `max`.
    Exponential {
        /// The first wait.
        first: Duration,
        /// The longest wait.
        max: Duration,
    },
}

impl Retry {
    /// The longest wait, unless the policy names another: six hours.
    pub const MAX_WAIT: Duration = Duration::from_secs(6 * 3600);

    /// What a job without `retry(..)` has: 20 attempts, exponential from 2 s to 6 h, jitter 20 %.
    pub const DEFAULT: Self = Self {
        attempts: 20,
        backoff: Backoff::Exponential { first: Duration::from_secs(2), max: Self::MAX_WAIT },
        jitter: 0.2,
    };

    /// What a periodic job without `retry(..)` has: one attempt, for the next tick is the retry.
    pub const NEVER: Self = Self { attempts: 1, ..Self::DEFAULT };

    /// What the macro would have refused, in a policy made without it.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { attempts, jitter, .. } = self;
        if *attempts == 0 {
            return Some("its policy has 0 attempts: no run would be performed".into());
        }
        let is_share = (0.0..=1.0).contains(jitter);
        (!is_share).then(|| format!("its policy has a jitter of {jitter}, which is a share from 0 to 1"))
    }

    /// How long a run waits after its `attempt`th attempt (from 1) failed. `chance`, from 0 to 1, places
    /// the wait within the jitter: `wait × (1 + jitter × (2 × chance − 1))`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mosquito::Retry;
    ///
    /// assert_eq!(Retry::DEFAULT.wait(3, 0.5), Duration::from_secs(8));
    /// assert_eq!(Retry::DEFAULT.wait(3, 1.0), Duration::from_millis(9600));
    /// ```
    #[must_use]
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let wait = self.backoff.wait(attempt.max(1)).as_secs_f64();
        let jittered = wait * (1.0 + self.jitter * (2.0 * chance - 1.0));
        Duration::try_from_secs_f64(jittered).unwrap_or(Duration::MAX)
    }
}

impl Backoff {
    fn wait(self, n: u32) -> Duration {
        match self {
            Self::Fixed(wait) => wait,
            Self::Linear { step, max } => step.saturating_mul(n).min(max),
            Self::Quadratic { step, max } => step.saturating_mul(n.saturating_mul(n)).min(max),
            Self::Exponential { first, max } => first.saturating_mul(2_u32.saturating_pow(n - 1)).min(max),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, Retry};

    fn waits(backoff: Backoff) -> Vec<u64> {
        let retry = Retry { backoff, jitter: 0.0, ..Retry::DEFAULT };
        [1, 2, 3, 4, u32::MAX].map(|attempt| retry.wait(attempt, 0.9).as_secs()).to_vec()
    }

    #[test]
    fn each_backoff_grows_as_its_formula_says_and_stops_at_its_maximum() {
        let (step, max) = (Duration::from_secs(2), Duration::from_secs(100));

        assert_eq!(waits(Backoff::Fixed(step)), [2, 2, 2, 2, 2]);
        assert_eq!(waits(Backoff::Linear { step, max }), [2, 4, 6, 8, 100]);
        assert_eq!(waits(Backoff::Quadratic { step, max }), [2, 8, 18, 32, 100]);
        assert_eq!(waits(Backoff::Exponential { first: step, max }), [2, 4, 8, 16, 100]);
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let ten = Retry { backoff: Backoff::Fixed(Duration::from_secs(10)), jitter: 0.2, attempts: 3 };

        assert_eq!(ten.wait(1, 0.0), Duration::from_secs(8));
        assert_eq!(ten.wait(1, 0.5), Duration::from_secs(10));
        assert_eq!(ten.wait(1, 1.0), Duration::from_secs(12));
    }
}
