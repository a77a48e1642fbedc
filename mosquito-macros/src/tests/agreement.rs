//! What is accepted at compile time is accepted at run time, and what is refused there is refused here.

use std::time::Duration;

use fastrand::Rng;
use mosquito::backend::Overlap;
use mosquito::{
    FlowSpec, JobName, LimitName, Missed, Priority, QueueName, RateKind, RateLimit, Rhythm, ScheduleSpec,
};

use super::seed;
use crate::args::LAST_PRIORITY;
use crate::queue::MOST_PARTITIONS;
use crate::{cron, duration, limits, names, timezone};

/// For each field of a pattern, what it may be: any of it makes a pattern that both accept.
const FIELDS: [&[&str]; 6] = [
    &["*", "0", "59", "*/5", "0-30/10", "1,2,30-40"],
    &["*", "0", "59", "*/59", "5-7", "0,15,30,45", "007"],
    &["*", "0", "23", "*/2", "8-18", "8-18/3,22"],
    &["*", "?", "1", "28", "L", "LW", "15W", "1,15", "1-7", "*/10"],
    &["*", "1", "12", "JAN", "dec", "JAN-MAR", "3,JUN", "*/3"],
    &["*", "?", "0", "7", "MON-FRI", "fri-sun", "SUN-TUE", "5L", "FRIL", "MON#2", "3#L", "+FRI", "TUE,thu"],
];

/// What neither stands in a pattern nor is far from it.
const ODDITIES: [&str; 24] = [
    "60", "24", "32", "13", "8", "-1", "L", "W", "L-3", "5-L", "1-", "-", "*/0", "5/10", "/5", "22-4",
    "MON#6", "#2", "FOO", "1,,2", "@daily", "**", "１", "+",
];

fn any<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

fn pattern(rng: &mut Rng, mistakes: usize) -> String {
    let mut fields = FIELDS.map(|field| any(rng, field)).to_vec();
    for _ in 0..mistakes {
        match rng.u8(..4) {
            0 => fields.push(any(rng, &ODDITIES)),
            1 => drop(fields.pop()),
            _ => {
                let place = rng.usize(..fields.len());
                let other = rng.usize(..6);
                fields[place] = if rng.bool() { any(rng, &ODDITIES) } else { any(rng, FIELDS[other]) };
            }
        }
    }
    let begin = usize::from(rng.bool());
    fields[begin..].join(any(rng, &[" ", "  ", "\t"]))
}

fn kept(rhythm: Rhythm) -> Result<(), String> {
    let spec = ScheduleSpec { rhythm, missed: Missed::Once, overlap: Overlap::Skip };
    spec.problem().map_or(Ok(()), Err)
}

/// What the runtime says, whose schedules live as long as the program does.
fn kept_cron(pattern: &str, timezone: &str) -> Result<(), String> {
    kept(Rhythm::Cron { pattern: pattern.to_owned().leak(), timezone: timezone.to_owned().leak() })
}

#[test]
fn a_right_pattern_is_right_here_and_there() {
    let mut rng = seed::begin();
    for _ in 0..300 {
        let pattern = pattern(&mut rng, 0);

        assert_eq!(cron::check(&pattern), kept_cron(&pattern, "UTC"), "{pattern:?}");
        assert_eq!(cron::check(&pattern), Ok(()), "{pattern:?}");
    }
    for nickname in ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly", " @Daily "] {
        assert_eq!((cron::check(nickname), kept_cron(nickname, "UTC")), (Ok(()), Ok(())), "{nickname:?}");
    }
}

#[test]
fn no_pattern_is_right_here_and_wrong_there() {
    let mut rng = seed::begin();
    for _ in 0..1_000 {
        let mistakes = rng.usize(1..3);
        let pattern = pattern(&mut rng, mistakes);
        let (here, there) = (cron::check(&pattern), kept_cron(&pattern, "UTC"));

        // The other way around, the parser takes some patterns for what they do not seem to be.
        assert!(here.is_err() || there.is_ok(), "{pattern:?} is {here:?} here and {there:?} there");
    }
}

#[test]
fn what_never_fires_is_wrong_here_and_there() {
    for pattern in
        ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 31 FEB ?", "@reboot", "@every 5m", "0 0 6 * * * 2030", ""]
    {
        assert!(cron::check(pattern).is_err(), "{pattern:?}");
        assert!(kept_cron(pattern, "UTC").is_err(), "{pattern:?}");
    }
}

#[test]
fn a_time_zone_is_one_here_and_there() {
    let mut rng = seed::begin();
    let agree = |name: &str| {
        assert_eq!(timezone::check(name).is_ok(), kept_cron("0 6 * * *", name).is_ok(), "{name:?}");
    };
    for zone in chrono_tz::TZ_VARIANTS {
        agree(zone.name());
    }
    for _ in 0..10 {
        let name = chrono_tz::TZ_VARIANTS[rng.usize(..chrono_tz::TZ_VARIANTS.len())].name();
        [name.to_lowercase(), name.replace('/', ""), format!("{name} ")].iter().for_each(|name| agree(name));
    }
}

#[test]
fn a_period_is_one_here_and_there() {
    for text in ["1ms", "1s", "36500d", "36499d 23h 59m 59s 999ms"] {
        assert_eq!(duration::parse(text).map(|period| kept(Rhythm::Every(period))), Ok(Ok(())), "{text}");
    }
    let (shortest, longest) = (duration::parse("1ms").unwrap(), duration::parse("36500d").unwrap());
    let nanosecond = std::time::Duration::from_nanos(1);
    assert!(duration::parse("0ms").is_err() && kept(Rhythm::Every(shortest - nanosecond)).is_err());
    assert!(duration::parse("36500d 1ms").is_err() && kept(Rhythm::Every(longest + nanosecond)).is_err());
}

#[test]
fn a_name_is_one_here_and_there() {
    let mut rng = seed::begin();
    let odd = ['-', '_', '.', ':', ' ', '{', '}', '/', '\0', '\n', 'ß', '０', '🦟', '"', '\\', 'A', 'z', '9'];
    for _ in 0..3_000 {
        let length = if rng.u8(..10) == 0 { rng.usize(126..131) } else { rng.usize(..6) };
        let strange = rng.bool();
        let mut char =
            || if strange && rng.bool() { odd[rng.usize(..odd.len())] } else { rng.alphanumeric() };
        let name: String = std::iter::repeat_with(&mut char).take(length).collect();

        assert_eq!(names::check("queue name", &name).is_ok(), QueueName::new(&name).is_ok(), "{name:?}");
        assert_eq!(names::check("job name", &name).is_ok(), JobName::new(&name).is_ok(), "{name:?}");
        assert_eq!(names::check("limit name", &name).is_ok(), LimitName::new(&name).is_ok(), "{name:?}");
    }
}

#[test]
fn a_number_of_partitions_is_one_here_and_there() {
    let events = QueueName::new("events").unwrap();

    assert!(events.at_partition(MOST_PARTITIONS - 1).is_some());
    assert_eq!(events.at_partition(MOST_PARTITIONS), None);
}

#[test]
fn a_rate_limit_is_one_here_and_there() {
    let kept = |limit, per| RateLimit { limit, per, kind: RateKind::Sliding }.problem().is_none();
    let (millisecond, most, longest) = (Duration::from_millis(1), limits::MOST, limits::LONGEST);

    assert_eq!((most, longest), (RateLimit::MOST, RateLimit::LONGEST));
    assert!(kept(1, millisecond) && kept(most, longest));
    assert!(!kept(0, millisecond) && !kept(most + 1, millisecond));
    assert!(!kept(1, Duration::ZERO) && !kept(1, longest + millisecond));
    assert_eq!(duration::parse("1ms"), Ok(millisecond), "the shortest that can be written");
}

#[test]
fn a_priority_is_one_here_and_there() {
    assert_eq!(LAST_PRIORITY, u32::from(Priority::LAST.level()));
    assert!((0..=9).all(|level| Priority::new(level).is_some()) && Priority::new(10).is_none());
    assert_eq!(FlowSpec::default(), FlowSpec::PLAIN, "what the macro leaves out is the default");
}
