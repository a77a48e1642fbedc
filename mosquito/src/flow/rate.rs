//! How many runs start in a time: what a limit remembers, and whether it admits one more.
//!
//! All arithmetic is on whole numbers, of which the largest stay below 2⁵³, so that the scripts of Redis, which count in
//! floating point numbers, come to the same result.

use std::fmt;
use std::time::Duration;

use super::{FlowKey, LimitName};

/// A sliding window is remembered in so many parts. A part is forgotten as a whole, when its last moment is out of the
/// window: so more than the limit never start within any time as long as the window, and it is open again by up to
/// one part later than it could be.
const PARTS: i64 = 80;

/// So many runs start in a time, of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// How many, from 1 to [`RateLimit::MOST`]; each counts as its weight.
    pub limit: u32,
    /// In what time, from 1 ms to [`RateLimit::LONGEST`].
    pub per: Duration,
    /// How that time is counted.
    pub kind: RateKind,
}

/// How the time of a rate limit is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum RateKind {
    /// Never more than the limit in any time as long as `per`, wherever it begins. It is open again by up to 1/80 of `per`
    /// later than it could be.
    #[default]
    Sliding,
    /// A bucket that holds the limit and fills up evenly within `per`: a burst of the limit may start at once, and after it
    /// as many as flow in. So up to twice the limit may start within one `per`.
    TokenBucket,
    /// Not more than the limit from one multiple of `per` since 1970 to the next. So up to twice the limit may start
    /// around such a moment.
    Fixed,
}

/// That a run counts towards a rate limit when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateUse {
    /// Which limit.
    pub name: LimitName,
    /// Which of its keys.
    pub key: FlowKey,
    /// As how many runs it counts, at least 1. One that weighs more than the limit counts as the limit.
    pub weight: u32,
    /// The limit. What came last holds, for all runs under this name.
    pub rule: RateLimit,
}

impl RateLimit {
    /// The largest limit: a million.
    pub const MOST: u32 = 1_000_000;
    /// The longest time: 90 days.
    pub const LONGEST: Duration = Duration::from_secs(90 * 86_400);

    /// What is wrong with it, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        if !(1..=Self::MOST).contains(&self.limit) {
            Some("a rate limit is from 1 to 1,000,000")
        } else if self.per < Duration::from_millis(1) || self.per > Self::LONGEST {
            Some("the time of a rate limit is from 1 ms to 90 days")
        } else {
            None
        }
    }

    fn per_millis(&self) -> i64 {
        crate::clock::millis(self.per).max(1)
    }
}

/// What a limit remembers of a key. As text, `kind per a:b,a:b`, it is part of what stands in a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RateState {
    kind: RateKind,
    /// In ms.
    per: i64,
    /// Sliding: the parts of the window in which runs started, by number, each with how many. Token bucket: when it was looked
    /// at, and how much was missing then, in runs times `per`. Fixed: the number of the window, and how many started in it.
    parts: Vec<(i64, i64)>,
}

/// Whether a run may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// Not before this time, in ms since 1970.
    NotBefore(i64),
}

impl RateState {
    /// What is remembered when nothing has started.
    pub(crate) fn empty(rule: &RateLimit) -> Self {
        Self { kind: rule.kind, per: rule.per_millis(), parts: Vec::new() }
    }

    /// Counts a run in, if it may start now.
    pub(crate) fn admit(&mut self, rule: &RateLimit, weight: u32, now: i64) -> Admission {
        self.follow(rule, now);
        let limit = i64::from(rule.limit);
        let weight = i64::from(weight).clamp(1, limit);
        let used = self.counted(limit, now);
        let (per, room) = (self.per, self.capacity(limit));
        let cost = if self.kind == RateKind::TokenBucket { weight * per } else { weight };
        if used + cost <= room {
            self.count(cost, limit, now);
            return Admission::Admitted;
        }
        let excess = used + cost - room;
        Admission::NotBefore(match self.kind {
            RateKind::Sliding => {
                let mut gone = 0;
                let enough = self.parts.iter().find(|(_, count)| {
                    gone += count;
                    gone >= excess
                });
                enough.map_or(now + per, |(index, _)| over(*index, per))
            }
            RateKind::TokenBucket => now + (excess + limit - 1) / limit,
            RateKind::Fixed => (now.div_euclid(per) + 1) * per,
        })
    }

    /// How many runs count now, a run as its weight.
    pub(crate) fn used(&mut self, rule: &RateLimit, now: i64) -> u32 {
        self.follow(rule, now);
        let used = self.counted(i64::from(rule.limit), now);
        let runs = if self.kind == RateKind::TokenBucket { (used + self.per - 1) / self.per } else { used };
        u32::try_from(runs).unwrap_or(u32::MAX)
    }

    /// From when on it says the same as nothing would, in ms since 1970.
    pub(crate) fn fades(&self) -> i64 {
        let last = self.parts.last().map_or(0, |(at, _)| *at);
        match self.kind {
            RateKind::Sliding => over(last, self.per),
            RateKind::TokenBucket => last + self.per,
            RateKind::Fixed => (last + 1) * self.per,
        }
    }

    /// Goes over to a rule that was changed: what counted counts as started now.
    fn follow(&mut self, rule: &RateLimit, now: i64) {
        let mut followed = Self::empty(rule);
        if (self.kind, self.per) == (followed.kind, followed.per) {
            return;
        }
        // Of the old rule's limit nothing is known; what is missing from a bucket is so many runs in any case.
        let used = self.counted(i64::from(RateLimit::MOST), now);
        let runs = if self.kind == RateKind::TokenBucket { used / self.per } else { used };
        let runs = runs.min(i64::from(rule.limit));
        if runs > 0 {
            let cost = if followed.kind == RateKind::TokenBucket { runs * followed.per } else { runs };
            followed.count(cost, i64::from(rule.limit), now);
        }
        *self = followed;
    }

    /// How much there is room for.
    fn capacity(&self, limit: i64) -> i64 {
        if self.kind == RateKind::TokenBucket { limit * self.per } else { limit }
    }

    /// How much counts now. What does not any more is forgotten; what a clock that was set back has left in the future counts as of now.
    fn counted(&mut self, limit: i64, now: i64) -> i64 {
        let per = self.per;
        match self.kind {
            RateKind::Sliding => {
                let current = now.div_euclid(part(per));
                let future: i64 =
                    self.parts.iter().filter(|(index, _)| *index > current).map(|(_, count)| count).sum();
                self.parts.retain(|(index, _)| *index <= current && over(*index, per) > now);
                if future > 0 {
                    self.add(current, future);
                }
            }
            RateKind::TokenBucket => {
                let missing = self.parts.first().map_or(0, |(at, missing)| {
                    let elapsed = (now - at).clamp(0, per);
                    (missing - elapsed * limit).max(0)
                });
                self.parts = vec![(now, missing)];
            }
            RateKind::Fixed => {
                let current = now.div_euclid(per);
                self.parts.retain(|(window, _)| *window == current);
            }
        }
        self.parts.iter().map(|(_, count)| count).sum()
    }

    fn count(&mut self, cost: i64, limit: i64, now: i64) {
        let at = match self.kind {
            RateKind::Sliding => now.div_euclid(part(self.per)),
            RateKind::TokenBucket => now,
            RateKind::Fixed => now.div_euclid(self.per),
        };
        self.counted(limit, now);
        self.add(at, cost);
    }

    fn add(&mut self, at: i64, count: i64) {
        match self.parts.last_mut() {
            Some((last, counted)) if *last == at => *counted += count,
            _ => self.parts.push((at, count)),
        }
    }
}

impl fmt::Display for RateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RateKind::Sliding => "sliding",
            RateKind::TokenBucket => "bucket",
            RateKind::Fixed => "fixed",
        };
        let parts: Vec<_> = self.parts.iter().map(|(at, count)| format!("{at}:{count}")).collect();
        write!(f, "{kind} {} {}", self.per, parts.join(","))
    }
}

impl RateState {
    /// Reads what stands in a store; nothing when it cannot be read.
    #[cfg(any(feature = "redis", feature = "sqlite", test))]
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let kind = match words.next()? {
            "sliding" => RateKind::Sliding,
            "bucket" => RateKind::TokenBucket,
            "fixed" => RateKind::Fixed,
            _ => return None,
        };
        let per = words.next()?.parse().ok().filter(|per| *per > 0)?;
        let parts = words.next()?.split(',').filter(|part| !part.is_empty());
        let parts = parts.map(|part| {
            let (at, count) = part.split_once(':')?;
            Some((at.parse().ok()?, count.parse().ok()?))
        });
        Some(Self { kind, per, parts: parts.collect::<Option<_>>()? })
    }
}

/// How long a part of a sliding window is.
fn part(per: i64) -> i64 {
    (per + PARTS - 1) / PARTS
}

/// When a part of a sliding window is forgotten: when its last moment, and a whole window after it, have passed.
fn over(index: i64, per: i64) -> i64 {
    let part = part(per);
    (index + 1 + (per + part - 1) / part) * part
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Admission, RateKind, RateLimit, RateState, over, part};

    const NOW: i64 = 1_800_000_000_123;

    fn rule(kind: RateKind, limit: u32, per: u64) -> RateLimit {
        RateLimit { limit, per: Duration::from_millis(per), kind }
    }

    /// When each run starts, of a queue that never runs dry.
    fn starts(rule: &RateLimit, runs: usize) -> Vec<i64> {
        let (mut state, mut now) = (RateState::empty(rule), NOW);
        let mut starts = Vec::new();
        while starts.len() < runs {
            match state.admit(rule, 1, now) {
                Admission::Admitted => starts.push(now),
                Admission::NotBefore(time) => {
                    assert!(time > now, "it would be looked at for ever");
                    now = time;
                }
            }
            state = RateState::read(&state.to_string()).expect("it reads as it was written");
        }
        starts
    }

    #[test]
    fn no_sliding_window_has_more_than_the_limit_and_nearly_all_of_it_is_used() {
        for (limit, per) in [(100, 1_000), (1, 1_000), (7, 60_000), (1_000, 80), (3, 10)] {
            let starts = starts(&rule(RateKind::Sliding, limit, per), 1_000);

            for pair in starts.windows(limit as usize + 1) {
                assert!(pair[pair.len() - 1] - pair[0] >= per as i64, "{limit} per {per}");
            }
            if per >= 1_000 {
                let took = starts[starts.len() - 1] - starts[0];
                let least = (1_000 / i64::from(limit) - 1) * per as i64;
                assert!(took * 98 <= least * 100, "{limit} per {per}: {took} ms for {least}");
            }
        }
    }

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_what_flows_in() {
        let starts = starts(&rule(RateKind::TokenBucket, 10, 1_000), 30);

        assert!(starts[..10].iter().all(|start| *start == NOW));
        assert!(starts[10..].windows(2).all(|pair| pair[1] - pair[0] == 100), "{starts:?}");
    }

    #[test]
    fn a_fixed_window_ends_at_a_multiple_of_its_length() {
        let starts = starts(&rule(RateKind::Fixed, 2, 1_000), 5);

        assert_eq!(starts, [NOW, NOW, NOW + 877, NOW + 877, NOW + 1_877]);
    }

    #[test]
    fn a_heavy_run_takes_its_weight_and_one_heavier_than_the_limit_takes_all_of_it() {
        for kind in [RateKind::Sliding, RateKind::TokenBucket, RateKind::Fixed] {
            let rule = rule(kind, 10, 1_000);
            let mut state = RateState::empty(&rule);

            assert_eq!(state.admit(&rule, 7, NOW), Admission::Admitted);
            assert!(matches!(state.admit(&rule, 4, NOW), Admission::NotBefore(_)), "{kind:?}");
            assert_eq!(state.used(&rule, NOW), 7);
            assert_eq!(state.admit(&rule, 3, NOW), Admission::Admitted, "{kind:?}: the lighter one fits");
            assert_eq!(state.admit(&rule, 99, NOW + 2_500), Admission::Admitted, "{kind:?}: alone");
        }
    }

    #[test]
    fn what_was_started_counts_under_another_rule_too() {
        let old = rule(RateKind::Sliding, 10, 1_000);
        for kind in [RateKind::Sliding, RateKind::TokenBucket, RateKind::Fixed] {
            let mut state = RateState::empty(&old);
            (0..8).for_each(|_| assert_eq!(state.admit(&old, 1, NOW), Admission::Admitted));
            let new = rule(kind, 10, 60_000);

            assert_eq!(state.used(&new, NOW), 8, "{kind:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_no_longer_than_a_window() {
        for kind in [RateKind::Sliding, RateKind::TokenBucket, RateKind::Fixed] {
            let rule = rule(kind, 1, 1_000);
            let mut state = RateState::empty(&rule);
            state.admit(&rule, 1, NOW);
            let before = NOW - 3_600_000;

            if let Admission::NotBefore(time) = state.admit(&rule, 1, before) {
                assert!(time <= before + 1_000 + 2 * part(1_000), "{kind:?}");
            }
        }
        assert_eq!(over(0, 1_000) % part(1_000), 0);
    }

    #[test]
    fn what_cannot_be_read_is_no_state() {
        for text in ["", "sliding", "sliding 0 ", "sliding x 1:2", "sliding 10 1", "leaky 10 1:2"] {
            assert_eq!(RateState::read(text), None, "{text}");
        }
        let empty = RateState::empty(&rule(RateKind::Sliding, 1, 10));
        assert_eq!(RateState::read(&empty.to_string()), Some(empty));
    }
}
