//! When a periodic job ticks, and what becomes of ticks that nobody was there for.
//!
//! A schedule is a pure function from one tick to the next; where a job stands in it is kept by the
//! backend, so that a tick is enqueued exactly once, whoever works it out.

use std::time::Duration;

use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::backend::Overlap;
use crate::clock::{self, Timestamp};

/// A job's schedule, as its attribute declares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScheduleSpec {
    /// The rhythm.
    pub rhythm: Rhythm,
    /// What becomes of ticks that passed while no coordinator was there.
    pub missed: Missed,
    /// What happens at a tick while the run of an earlier one is unfinished.
    pub overlap: Overlap,
}

impl ScheduleSpec {
    /// Why it cannot be kept, if that is so: `#[job]` would have refused it, and a runner does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mosquito::backend::Overlap;
    /// use mosquito::{Missed, Rhythm, ScheduleSpec};
    ///
    /// let every = |period| ScheduleSpec { rhythm: Rhythm::Every(period), missed: Missed::Once, overlap: Overlap::Skip };
    ///
    /// assert_eq!(every(Duration::from_secs(60)).problem(), None);
    /// assert!(every(Duration::ZERO).problem().is_some());
    /// ```
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        Schedule::read(self).err()
    }
}

/// How the ticks of a schedule lie in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Each so long after the one before; the first so long after the job was first seen.
    Every(Duration),
    /// Where a cron pattern of five fields, or six with seconds in front, matches the time of day in a zone.
    ///
    /// A time that daylight saving leaves out is moved behind the gap, and one that it repeats is taken
    /// once, if the pattern names one hour, one minute and one second; with a wildcard, a step or a list in them it
    /// is taken as often as the clock shows it, as in vixie-cron.
    Cron {
        /// The pattern.
        pattern: &'static str,
        /// The IANA name of the zone.
        timezone: &'static str,
    },
}

/// What becomes of ticks that passed while no coordinator was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Missed {
    /// However many they are, one run is enqueued, for the latest.
    #[default]
    Once,
    /// They are passed over; a tick that is less than 30 s late does not count as missed.
    Skip,
    /// Each gets its run, the oldest first; of more than 1,000 only the latest, 500 to 1,000 of them.
    All,
}

/// A tick this late is passed over by [`Missed::Skip`]; a change of leaders takes less.
const LATE: Duration = Duration::from_secs(30);

/// A hundred years: a tick further away than any program runs is a mistake.
const LONGEST_PERIOD: Duration = Duration::from_secs(36_500 * 86_400);

/// The most ticks of one job that are caught up with.
const MOST_MISSED: usize = 1_000;

/// A schedule ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    ticks: Ticks,
    missed: Missed,
}

#[derive(Clone, Debug)]
enum Ticks {
    Every(Duration),
    Cron(Box<Cron>, Tz),
}

/// What is to be done about a schedule now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Ticks to enqueue, the oldest first.
    pub(crate) perform: Vec<Timestamp>,
    /// A tick to advance to without a run, when all due ones are passed over.
    pub(crate) pass: Option<Timestamp>,
    /// The next tick in the future.
    pub(crate) next: Option<Timestamp>,
}

impl Schedule {
    /// Reads a schedule. The macro has checked it already, so a complaint means that it was made by hand.
    pub(crate) fn read(spec: &ScheduleSpec) -> Result<Self, String> {
        let ticks = match spec.rhythm {
            Rhythm::Every(period) if period < Duration::from_millis(1) => {
                return Err(format!("a period of {period:?} is shorter than a millisecond"));
            }
            Rhythm::Every(period) if period > LONGEST_PERIOD => {
                return Err(format!("a period of {period:?} is longer than 100 years"));
            }
            Rhythm::Every(period) => Ticks::Every(period),
            Rhythm::Cron { pattern, timezone } => {
                let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
                let cron = parser.parse(pattern).map_err(|why| format!("cron `{pattern}`: {why}"))?;
                let zone = timezone.parse().map_err(|_| format!("there is no time zone `{timezone}`"))?;
                // Any moment will do, for the calendar comes around.
                if cron.find_next_occurrence(&Timestamp::UNIX_EPOCH, false).is_err() {
                    return Err(format!("cron `{pattern}` never fires"));
                }
                Ticks::Cron(Box::new(cron), zone)
            }
        };
        Ok(Self { ticks, missed: spec.missed })
    }

    /// The tick after a moment; none if there is none in the years that can be counted.
    pub(crate) fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        match &self.ticks {
            Ticks::Every(period) => Some(clock::after(time, *period)).filter(|next| *next > time),
            Ticks::Cron(cron, zone) => {
                cron.find_next_occurrence(&time.with_timezone(zone), false).ok().map(|next| next.to_utc())
            }
        }
    }

    /// What is to be done when the schedule was last advanced to `last`.
    pub(crate) fn due(&self, last: Timestamp, now: Timestamp) -> Due {
        let mut ticks = self.since(last, now);
        let next = self.next_after(ticks.back().copied().unwrap_or(last));
        let latest = ticks.pop_back();
        let pass = latest.filter(|tick| self.missed == Missed::Skip && clock::after(*tick, LATE) <= now);
        let perform = match (latest, self.missed) {
            (None, _) => Vec::new(),
            (Some(_), _) if pass.is_some() => Vec::new(),
            (Some(latest), Missed::All) => ticks.into_iter().chain([latest]).collect(),
            (Some(latest), Missed::Once | Missed::Skip) => vec![latest],
        };
        Due { perform, pass, next }
    }

    /// The ticks after `last` up to `now`, the latest of them when there are too many.
    fn since(&self, last: Timestamp, now: Timestamp) -> std::collections::VecDeque<Timestamp> {
        let mut from = last;
        if let Ticks::Every(period) = &self.ticks {
            // Years of missed seconds are not worth stepping through.
            let period = clock::millis(*period);
            let passed = (now - last).num_milliseconds() / period;
            let kept = i64::try_from(MOST_MISSED).expect("it is small");
            from = clock::from_millis(last.timestamp_millis() + (passed - kept).max(0) * period);
        }
        let mut ticks = std::collections::VecDeque::new();
        while let Some(tick) = self.next_after(from)
            && tick <= now
        {
            if ticks.len() == MOST_MISSED {
                // So many that the oldest are given up: on to where about half as many are left, if that is far.
                let gap = (tick - last) / i32::try_from(MOST_MISSED).expect("it is small");
                let near = now - gap * (i32::try_from(MOST_MISSED / 2).expect("it is small"));
                if near > tick + gap * 2 {
                    ticks.clear();
                    from = near;
                    continue;
                }
                ticks.pop_front();
            }
            ticks.push_back(tick);
            from = tick;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Due, Missed, Rhythm, Schedule, ScheduleSpec};
    use crate::backend::Overlap;
    use crate::clock::Timestamp;

    fn schedule(rhythm: Rhythm, missed: Missed) -> Schedule {
        Schedule::read(&ScheduleSpec { rhythm, missed, overlap: Overlap::Skip }).unwrap()
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    const MINUTELY: Rhythm = Rhythm::Every(Duration::from_secs(60));

    #[test]
    fn nothing_is_due_before_the_first_period_is_over() {
        let due =
            schedule(MINUTELY, Missed::Once).due(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:59Z"));

        assert_eq!(due, Due { perform: vec![], pass: None, next: Some(at("2026-01-01T00:01:00Z")) });
    }

    #[test]
    fn missed_ticks_are_performed_once_or_each_or_not_at_all() {
        let (last, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:03:40Z"));
        let due = |missed| schedule(MINUTELY, missed).due(last, now);
        let minute = |m: u8| at(&format!("2026-01-01T00:0{m}:00Z"));

        assert_eq!(due(Missed::Once).perform, [minute(3)]);
        assert_eq!(due(Missed::All).perform, [minute(1), minute(2), minute(3)]);
        assert!(due(Missed::Skip).perform.is_empty());
        assert_eq!(due(Missed::Skip).pass, Some(minute(3)), "it is 40 s late");
        assert_eq!(due(Missed::Once).next, Some(minute(4)));
    }

    #[test]
    fn a_tick_that_is_hardly_late_is_not_skipped() {
        let due =
            schedule(MINUTELY, Missed::Skip).due(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:01:05Z"));

        assert_eq!(due.perform, [at("2026-01-01T00:01:00Z")]);
    }

    #[test]
    fn ten_years_of_missed_seconds_are_bounded_and_quick() {
        let secondly = schedule(Rhythm::Every(Duration::from_secs(1)), Missed::All);

        let due = secondly.due(at("2016-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));

        assert_eq!(due.perform.len(), 1_000);
        assert_eq!(due.perform.last(), Some(&at("2026-01-01T00:00:00Z")));
    }

    #[test]
    fn ten_years_of_missed_cron_ticks_are_bounded_and_quick() {
        let secondly = schedule(Rhythm::Cron { pattern: "* * * * * *", timezone: "UTC" }, Missed::All);
        let begin = std::time::Instant::now();

        let due = secondly.due(at("2016-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));

        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        assert!((400..=1_000).contains(&due.perform.len()), "{}", due.perform.len());
        assert_eq!(due.perform.last(), Some(&at("2026-01-01T00:00:00Z")));
        assert_eq!(due.next, Some(at("2026-01-01T00:00:01Z")));
    }

    #[test]
    fn cron_is_read_in_its_time_zone() {
        let cron = Rhythm::Cron { pattern: "0 6 * * MON-FRI", timezone: "Europe/Berlin" };
        let schedule = schedule(cron, Missed::Once);

        assert_eq!(
            schedule.next_after(at("2026-07-03T12:00:00Z")),
            Some(at("2026-07-06T04:00:00Z")),
            "a Monday in summer"
        );
        assert_eq!(
            schedule.next_after(at("2026-12-01T12:00:00Z")),
            Some(at("2026-12-02T05:00:00Z")),
            "in winter"
        );
    }

    #[test]
    fn daylight_saving_neither_drops_nor_doubles_a_fixed_time() {
        let cron = Rhythm::Cron { pattern: "30 2 * * *", timezone: "Europe/Berlin" };
        let schedule = schedule(cron, Missed::All);

        let spring = schedule.due(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")).perform;
        let autumn = schedule.due(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")).perform;

        assert_eq!(spring.len(), 1, "02:30 does not exist that day, but the job is performed: {spring:?}");
        assert_eq!(autumn.len(), 1, "02:30 is twice that day, but the job is performed once: {autumn:?}");
    }

    #[test]
    fn a_schedule_made_by_hand_is_checked_too() {
        let read = |rhythm| {
            Schedule::read(&ScheduleSpec { rhythm, missed: Missed::Once, overlap: Overlap::Skip })
                .unwrap_err()
        };

        assert!(read(Rhythm::Every(Duration::ZERO)).contains("shorter than a millisecond"));
        assert!(read(Rhythm::Every(Duration::MAX)).contains("longer than 100 years"));
        assert!(read(Rhythm::Cron { pattern: "0 0 30 2 *", timezone: "UTC" }).contains("never fires"));
        assert!(read(Rhythm::Cron { pattern: "61 * * * *", timezone: "UTC" }).contains("cron `61 * * * *`"));
        assert!(
            read(Rhythm::Cron { pattern: "* * * * *", timezone: "Mars" }).contains("no time zone `Mars`")
        );
    }
}
