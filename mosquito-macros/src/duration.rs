//! Reads durations: `"30s"`, `"1h 30m"`.

use std::time::Duration;

use syn::LitStr;

use crate::errors::Mistakes;
use crate::suggest::nearest;

/// The units, the largest first: how each is written, its milliseconds, and what else people write.
const UNITS: [(&str, u64, &[&str]); 5] = [
    ("d", 86_400_000, &["day", "days"]),
    ("h", 3_600_000, &["hr", "hrs", "hour", "hours"]),
    ("m", 60_000, &["min", "mins", "minute", "minutes"]),
    ("s", 1_000, &["sec", "secs", "second", "seconds"]),
    ("ms", 1, &["msec", "millis", "millisecond", "milliseconds"]),
];

/// A hundred years: longer than any program runs, and short enough to be added to any date.
const LONGEST: u64 = 36_500 * 86_400_000;

const SPELLING: &str =
    "a duration is whole numbers with units, such as \"30s\" or \"1h 30m\"; the units are ms, s, m, h and d";

/// Reads a duration where it was written.
pub(crate) fn of(text: &LitStr, mistakes: &mut Mistakes) -> Option<Duration> {
    parse(&text.value()).map_err(|why| mistakes.at(text, why)).ok()
}

/// Reads one or more of a whole number and a unit, or says what is wrong.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("this is no duration; {SPELLING}"));
    }
    if rest.starts_with('-') {
        return Err(format!("a duration cannot be negative: {text:?}"));
    }
    let (mut total, mut smallest) = (0_u64, u64::MAX);
    while !rest.is_empty() {
        let (number, unit, behind) = split_part(rest);
        let millis = unit_millis(number, unit)?;
        if millis >= smallest {
            return Err(format!("{text:?} is out of order; write each unit once, the largest first"));
        }
        smallest = millis;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
        total = part
            .and_then(|part| part.checked_add(total))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| format!("{text:?} is too long; a duration is 100 years (\"36500d\") at most"))?;
        rest = behind;
    }
    if total == 0 {
        return Err(format!("{text:?} is no time at all; the shortest duration is \"1ms\""));
    }
    Ok(Duration::from_millis(total))
}

/// A duration as it is written: `1h 30m`.
pub(crate) fn spell(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, millis, _) in UNITS {
        if rest >= millis {
            parts.push(format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    parts.join(" ")
}

/// The number, the unit, and what stands behind them.
fn split_part(text: &str) -> (&str, &str, &str) {
    let of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_');
    let (number, rest) = text.split_at(text.find(|c| !of_number(c)).unwrap_or(text.len()));
    let rest = rest.trim_start();
    let end = rest.find(|c: char| c.is_whitespace() || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, behind) = rest.split_at(end);
    (number, unit, behind.trim_start())
}

/// The milliseconds of a unit that stands behind a number, when both are spelled as they should be.
fn unit_millis(number: &str, unit: &str) -> Result<u64, String> {
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("there is no number before `{unit}`; {SPELLING}"));
    }
    let meant = meant_unit(unit);
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole = meant.and_then(|(_, millis)| in_whole_numbers(number, millis));
        let instead = whole.map_or(SPELLING.to_owned(), |whole| format!("write \"{whole}\""));
        return Err(format!("`{number}` is not a whole number; {instead}"));
    }
    match meant {
        Some((spelling, millis)) if spelling == unit => Ok(millis),
        _ if unit.is_empty() => {
            Err(format!("`{number}` has no unit; write \"{number}s\" for seconds, or one of ms, m, h, d"))
        }
        Some((spelling, _)) => Err(format!(
            "unknown unit `{unit}`, did you mean \"{number}{spelling}\"? the units are ms, s, m, h and d"
        )),
        None if ["w", "week", "weeks"].contains(&unit) => {
            let days = number
                .parse::<u64>()
                .map_or_else(|_| String::new(), |weeks| weeks.saturating_mul(7).to_string());
            Err(format!("unknown unit `{unit}`, did you mean \"{days}d\"? the units are ms, s, m, h and d"))
        }
        None => Err(format!("unknown unit `{unit}`; the units are ms, s, m, h and d")),
    }
}

/// The unit that a word stands for, rightly spelled or not.
fn meant_unit(word: &str) -> Option<(&'static str, u64)> {
    let lower = word.to_lowercase();
    let is = |unit: &&(&'static str, u64, &[&str])| unit.0 == lower || unit.2.contains(&&*lower);
    let resembles = |unit: &&(&'static str, u64, &[&str])| {
        lower.len() > 2 && nearest(&lower, unit.2.iter().copied()).is_some()
    };
    let found = UNITS.iter().find(is).or_else(|| UNITS.iter().find(resembles));
    found.map(|(unit, millis, _)| (*unit, *millis))
}

/// `1.5` hours as `1h 30m`.
fn in_whole_numbers(number: &str, millis: u64) -> Option<String> {
    let (whole, fraction) = number
        .replace('_', "")
        .replace(',', ".")
        .split_once('.')
        .map(|(whole, fraction)| (whole.to_owned(), fraction.to_owned()))?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(fraction.parse().ok()?)?;
    let spelled = spell(Duration::from_millis(parts.checked_mul(millis)? / scale));
    (!spelled.is_empty()).then_some(spelled)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, spell};

    fn refused(text: &str) -> String {
        parse(text).unwrap_err()
    }

    #[test]
    fn a_duration_is_numbers_with_units() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(parse("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse("1h30m"), parse("90m"));
        assert_eq!(parse(" 5 m "), parse("5m"));
    }

    #[test]
    fn a_misspelled_unit_is_put_right() {
        assert!(refused("5 minuts").contains("did you mean \"5m\"?"), "{}", refused("5 minuts"));
        assert!(refused("5 minutes").contains("did you mean \"5m\"?"));
        assert!(refused("1 hour").contains("did you mean \"1h\"?"));
        assert!(refused("30S").contains("did you mean \"30s\"?"));
        assert!(refused("2 weeks").contains("did you mean \"14d\"?"));
        assert!(refused("5 parsecs").contains("the units are ms, s, m, h and d"));
    }

    #[test]
    fn a_number_alone_is_asked_for_its_unit() {
        assert!(refused("30").contains("write \"30s\" for seconds"));
    }

    #[test]
    fn a_fraction_is_written_in_whole_numbers() {
        assert!(refused("1.5h").contains("write \"1h 30m\""), "{}", refused("1.5h"));
        assert!(refused("0.25s").contains("write \"250ms\""));
        assert!(refused("1_000ms").contains("not a whole number"));
    }

    #[test]
    fn a_duration_is_more_than_nothing_and_less_than_a_century() {
        assert!(refused("0s").contains("no time at all"));
        assert!(refused("0h 0m").contains("no time at all"));
        assert!(refused("-5s").contains("cannot be negative"));
        assert!(refused("36501d").contains("too long"));
        assert!(refused("99999999999999999999d").contains("too long"));
        assert!(parse("36500d").is_ok());
    }

    #[test]
    fn what_is_no_duration_is_told_what_one_is() {
        assert!(refused("").contains("such as \"30s\""));
        assert!(refused("soon").contains("such as \"30s\""));
        assert!(refused("30m 1h").contains("the largest first"));
        assert!(refused("5s 5s").contains("each unit once"));
    }

    #[test]
    fn a_duration_is_spelled_as_it_is_read() {
        assert_eq!(spell(Duration::from_millis(90_061_001)), "1d 1h 1m 1s 1ms");
        assert_eq!(spell(Duration::from_secs(21_600)), "6h");
    }
}
