//! How many runs are claimed ahead, before there is an executor for them.
//!
//! With short runs, executors would wait for each claim to be answered, and each call would be about the few runs that ended meanwhile.
//! So as many are claimed ahead as the executors begin in five milliseconds, and none when they begin few. When they suddenly take longer, what
//! they do not come to is handed back, since somebody else may be idle.

use std::time::Duration;

use tokio::time::Instant;

/// The most runs that are claimed ahead.
const MOST: usize = 512;

/// Fewer than this are not worth it.
const LEAST: usize = 8;

/// How often it is looked at anew.
const WINDOW: Duration = Duration::from_millis(10);

/// A burst shows itself in this: its end is not waited for, since by then those behind would be late.
const BURST: Duration = Duration::from_millis(2);

/// For how much of a window runs are claimed ahead: a part of so many.
const PART: u64 = 2;

/// What would take so many windows is too much, once it was that for as many of them.
const PATIENCE: u64 = 5;

#[derive(Debug)]
pub(super) struct Ahead {
    since: Instant,
    /// How many runs had ended then.
    ended: u64,
    /// How many runs may be claimed ahead, as was said last.
    runs: usize,
    /// For how many windows on end there was too much.
    too_much: u64,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// How many runs may be claimed ahead from now on.
    pub(super) runs: usize,
    /// Whether those that nobody began are to be handed back.
    pub(super) hands_back: bool,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), ended: 0, runs: 0, too_much: 0 }
    }

    /// When to look again.
    pub(super) fn next(&self) -> Instant {
        self.since + WINDOW
    }

    /// Looks, if it is time to: how many runs have ended ever, by so many executors, and how many are claimed that nobody began.
    pub(super) fn look(&mut self, ended: u64, executors: usize, backlog: usize) -> Option<Look> {
        let now = Instant::now();
        let took = now.duration_since(self.since);
        if took < WINDOW {
            return self.look_for_a_burst(ended - self.ended, executors, took);
        }
        let windows = u32::try_from(took.as_millis() / WINDOW.as_millis()).ok()?;
        let in_one = (ended - self.ended) / u64::from(windows);
        let is_too_much = backlog as u64 > in_one * PATIENCE;
        self.too_much = if is_too_much { self.too_much + u64::from(windows.min(2)) } else { 0 };
        (self.since, self.ended) = (now, ended);
        let hands_back = self.too_much >= PATIENCE;
        if hands_back {
            self.too_much = 0;
        }
        self.runs = if hands_back { 0 } else { runs_of_a_part(in_one) };
        Some(Look { runs: self.runs, hands_back })
    }

    /// Before a window is over more are claimed ahead, and never fewer, which may be chance; and only when executors have ended two each, so
    /// that these are short runs, and not long ones that end together.
    fn look_for_a_burst(&mut self, ended: u64, executors: usize, took: Duration) -> Option<Look> {
        if took < BURST || ended < LEAST.max(2 * executors) as u64 {
            return None;
        }
        let in_one = ended as f64 * WINDOW.as_secs_f64() / took.as_secs_f64();
        let runs = runs_of_a_part(in_one as u64);
        (runs > self.runs).then(|| {
            self.runs = runs;
            Look { runs, hands_back: false }
        })
    }
}

/// How many are claimed ahead when so many end in a window.
fn runs_of_a_part(in_one: u64) -> usize {
    let runs = usize::try_from(in_one / PART).unwrap_or(MOST).min(MOST);
    if runs < LEAST { 0 } else { runs }
}

#[cfg(test)]
mod tests {
    use super::{Ahead, BURST, LEAST, Look, MOST, WINDOW};

    const EXECUTORS: usize = 10;

    async fn look_after_a_window(ahead: &mut Ahead, ended: u64, backlog: usize) -> Option<Look> {
        tokio::time::advance(WINDOW).await;
        ahead.look(ended, EXECUTORS, backlog)
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_are_claimed_ahead_as_begin_in_five_milliseconds() {
        let mut ahead = Ahead::new();
        let claims = |runs| Some(Look { runs, hands_back: false });

        assert_eq!(ahead.look(1_000, EXECUTORS, 0), None, "it is too early to know");
        assert_eq!(look_after_a_window(&mut ahead, 1_000, 0).await, claims(500));
        assert_eq!(look_after_a_window(&mut ahead, 1_500, 200).await, claims(250));
        assert_eq!(look_after_a_window(&mut ahead, 1_512, 0).await, claims(0), "{LEAST} are the least");
        assert_eq!(look_after_a_window(&mut ahead, 99_999, 0).await, claims(MOST));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_window_is_not_waited_for_in_a_burst_of_short_runs() {
        let mut ahead = Ahead::new();
        let after = async |ahead: &mut Ahead, time, ended| {
            tokio::time::advance(time).await;
            ahead.look(ended, EXECUTORS, 0)
        };
        let claims = |runs| Some(Look { runs, hands_back: false });

        assert_eq!(after(&mut ahead, BURST, 19).await, None, "they may be long, and have ended together");
        assert_eq!(after(&mut ahead, BURST, 40).await, claims(50));
        assert_eq!(after(&mut ahead, BURST, 40).await, None, "that they are fewer may be chance");
        assert_eq!(after(&mut ahead, BURST, 160).await, claims(100));
        assert_eq!(after(&mut ahead, BURST, 160).await, claims(80), "the window is over");
        assert_eq!(after(&mut ahead, WINDOW, 160).await, claims(0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_executors_do_not_come_to_is_handed_back_after_a_while_and_once() {
        let mut ahead = Ahead::new();
        let mut looks = Vec::new();
        for _ in 0..8 {
            looks.push(look_after_a_window(&mut ahead, 0, 200).await);
        }

        let hands_back: Vec<_> = looks.iter().flatten().map(|look| look.hands_back).collect();
        assert_eq!(hands_back, [false, false, false, false, true, false, false, false]);
        assert!(looks.iter().flatten().all(|look| look.runs == 0));
        assert!(!look_after_a_window(&mut ahead, 100, 200).await.is_some_and(|look| look.hands_back));
    }
}
