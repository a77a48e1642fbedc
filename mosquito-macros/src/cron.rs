//! Checks cron patterns.
//!
//! Whether a pattern is right is what the runtime's parser says, set up alike. Why it is wrong is found
//! here, field by field, for the parser does not tell the field. A few patterns that the parser takes
//! for something else than it seems, such as a month's name among the weekdays, are refused as well.

use chrono::DateTime;
use croner::parser::{CronParser, Seconds, Year};

use crate::suggest::{nearest, unknown};

struct Field {
    name: &'static str,
    min: u16,
    max: u16,
    /// The names of its values, the first of them that of `min`.
    names: &'static [&'static str],
    /// What it takes besides, by itself.
    letters: &'static [&'static str],
    /// The letter that one of its values may end with.
    modifier: Option<char>,
}

const fn numbers(name: &'static str, min: u16, max: u16) -> Field {
    Field { name, min, max, names: &[], letters: &[], modifier: None }
}

const FIELDS: [Field; 6] = [
    numbers("second", 0, 59),
    numbers("minute", 0, 59),
    numbers("hour", 0, 23),
    Field { letters: &["L", "LW"], modifier: Some('W'), ..numbers("day of month", 1, 31) },
    Field {
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
        ..numbers("month", 1, 12)
    },
    // Sunday is both 0 and 7.
    Field {
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        modifier: Some('L'),
        ..numbers("day of week", 0, 7)
    },
];

const NICKNAMES: [&str; 6] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"];

const FIVE_FIELDS: &str = "minute, hour, day of month, month and day of week, such as \"0 6 * * MON-FRI\"; a sixth in front is the second";

/// Checks a pattern; the answer says which field is wrong, why, and what would be right.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    if pattern.trim_start().starts_with('@') {
        check_nickname(pattern.trim())?;
    } else {
        check_fields(pattern)?;
    }
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    let cron = parser.parse(pattern).map_err(|why| format!("this cron pattern cannot be read: {why}"))?;
    // Any moment will do, for the calendar comes around; a fixed one makes every build alike.
    if cron.find_next_occurrence(&DateTime::UNIX_EPOCH, false).is_err() {
        return Err(never_fires(pattern));
    }
    Ok(())
}

fn never_fires(pattern: &str) -> String {
    let fields: Vec<_> = pattern.split_whitespace().rev().collect();
    match fields[..] {
        [_, month, day, ..] => format!(
            "this cron pattern never fires: no month `{month}` has a day `{day}`; a day of month that each has is 1 to 28, and the last is `L`"
        ),
        _ => "this cron pattern never fires".to_owned(),
    }
}

fn check_nickname(nickname: &str) -> Result<(), String> {
    if NICKNAMES.contains(&nickname.to_lowercase().as_str()) {
        return Ok(());
    }
    Err(match &*nickname.to_lowercase() {
        "@midnight" => "there is no `@midnight`; write `@daily`".to_owned(),
        _ => unknown("there is no", nickname, &NICKNAMES, "the nicknames are"),
    })
}

fn check_fields(pattern: &str) -> Result<(), String> {
    let given: Vec<_> = pattern.split_whitespace().collect();
    let fields = match given.len() {
        5 => &FIELDS[1..],
        6 => &FIELDS[..],
        count => {
            let years = if count == 7 { ", and years cannot be given" } else { "" };
            return Err(format!(
                "a cron pattern has 5 or 6 fields, this one has {count}{years}; the fields are {FIVE_FIELDS}"
            ));
        }
    };
    for (field, text) in fields.iter().zip(given) {
        field.check(text).map_err(|why| format!("{} field `{text}`: {why}", field.name))?;
    }
    Ok(())
}

impl Field {
    fn check(&self, text: &str) -> Result<(), String> {
        // `+` makes both days count; `?` is `*` in them.
        let text = match self.name {
            "day of week" => text.strip_prefix('+').unwrap_or(text),
            _ => text,
        };
        if text == "?" && self.name.starts_with("day") {
            return Ok(());
        }
        text.to_uppercase().split(',').try_for_each(|item| self.check_item(item))
    }

    /// Checks `*`, `5`, `1-5`, or one of them with a step, `*/5`.
    fn check_item(&self, item: &str) -> Result<(), String> {
        if item.is_empty() {
            return Err("there is nothing beside a comma".to_owned());
        }
        let Some((range, step)) = item.split_once('/') else { return self.check_range(item) };
        if range != "*" && !range.contains('-') {
            return Err(format!(
                "a step goes with `*` or a range, as in `*/{step}` or `{}-{}/{step}`",
                self.min, self.max
            ));
        }
        match step.parse::<u16>() {
            Ok(0) => return Err(format!("a step of 0 leads nowhere; write `{range}` or `{range}/2`")),
            Ok(step) if step > self.max => return Err(format!("the step {step} is beyond {}", self.max)),
            Ok(_) => {}
            Err(_) => return Err(format!("the step `{step}` is not a number")),
        }
        self.check_range(range)
    }

    fn check_range(&self, item: &str) -> Result<(), String> {
        if item == "*" {
            return Ok(());
        }
        let Some((first, last)) = item.split_once('-') else { return self.check_single(item) };
        let (start, end) = (self.value(first)?, self.value(last)?);
        // "FRI-SUN": the parser takes Sunday at the end for 7.
        let end = if last == "SUN" { 7 } else { end };
        if start > end {
            return Err(format!(
                "`{item}` runs backwards; write it in two, `{first}-{},{}-{last}`",
                self.spelled(if self.max == 7 { 6 } else { self.max }),
                self.spelled(self.min)
            ));
        }
        Ok(())
    }

    /// Checks a value, with the modifiers of the days: `L`, `15W`, `FRIL`, `MON#2`.
    fn check_single(&self, item: &str) -> Result<(), String> {
        if self.letters.contains(&item) {
            return Ok(());
        }
        let of_week = self.max == 7;
        if let Some((day, nth)) = item.split_once('#').filter(|_| of_week) {
            if !["1", "2", "3", "4", "5", "L"].contains(&nth) {
                return Err(format!("`#{nth}` is not in #1 to #5; `{day}#L` is the last"));
            }
            return self.value(day).map(|_| ());
        }
        match self.modifier.and_then(|modifier| item.strip_suffix(modifier)) {
            Some("") if of_week => Err("`L` needs its day, as in `FRIL`, the last Friday".to_owned()),
            Some("") => Err("`W` needs its day, as in `15W`, the weekday nearest to the 15th".to_owned()),
            Some(day) => self.value(day).map(|_| ()),
            None => self.value(item).map(|_| ()),
        }
    }

    fn value(&self, text: &str) -> Result<u16, String> {
        if let Some(at) = self.names.iter().position(|name| *name == text) {
            return Ok(self.min + u16::try_from(at).expect("there are twelve at most"));
        }
        let bounds = format!("{}..={}", self.min, self.max);
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let value = text.parse().ok().filter(|value| (self.min..=self.max).contains(value));
            return value.ok_or_else(|| format!("{text} is not in {bounds}"));
        }
        let meant = nearest(text, self.names.iter().copied())
            .map_or(String::new(), |meant| format!(", did you mean `{meant}`?"));
        Err(match self.names {
            _ if text.is_empty() => "a number is missing".to_owned(),
            [] => format!("`{text}` is not a number in {bounds}"),
            [first, .., last] | [first @ last] => {
                format!("`{text}` is neither a number in {bounds} nor a name in {first} to {last}{meant}")
            }
        })
    }

    fn spelled(&self, value: u16) -> String {
        let name = self.names.get(usize::from(value - self.min));
        name.map_or_else(|| value.to_string(), |name| (*name).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn refused(pattern: &str) -> String {
        check(pattern).unwrap_err()
    }

    #[test]
    fn patterns_that_fire_are_right() {
        for pattern in [
            "* * * * *",
            "0 6 * * MON-FRI",
            "*/10 * * * * *",
            "0,30 8-18/2 1,15 jan-jun,dec *",
            "0 0 L * *",
            "0 0 LW * *",
            "0 0 15W * ?",
            "0 0 * * FRIL",
            "0 0 * * 5#2",
            "0 0 * * FRI-SUN",
            "0 0 13 * +FRI",
            "0 0 29 2 *",
            "@daily",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn the_wrong_field_is_named_with_its_bounds() {
        assert_eq!(refused("61 * * * *"), "minute field `61`: 61 is not in 0..=59");
        assert_eq!(refused("60 * * * * *"), "second field `60`: 60 is not in 0..=59");
        assert_eq!(refused("0 24 * * *"), "hour field `24`: 24 is not in 0..=23");
        assert_eq!(refused("0 0 32 * *"), "day of month field `32`: 32 is not in 1..=31");
        assert_eq!(refused("0 0 1-40 * *"), "day of month field `1-40`: 40 is not in 1..=31");
        assert_eq!(refused("0 0 * 13 *"), "month field `13`: 13 is not in 1..=12");
        assert_eq!(refused("0 0 * * 8"), "day of week field `8`: 8 is not in 0..=7");
        assert_eq!(
            refused("0 0 * * MON#6"),
            "day of week field `MON#6`: `#6` is not in #1 to #5; `MON#L` is the last"
        );
    }

    #[test]
    fn names_are_those_of_the_field() {
        assert!(
            refused("0 0 * JAN-FOO *")
                .contains("`FOO` is neither a number in 1..=12 nor a name in JAN to DEC")
        );
        assert!(refused("0 0 * JNA *").contains("did you mean `JAN`?"), "{}", refused("0 0 * JNA *"));
        assert!(refused("0 0 * * JAN").contains("a name in SUN to SAT"));
        assert!(refused("0 0 MON * *").contains("`MON` is not a number in 1..=31"));
        assert!(refused("noon * * * *").contains("minute field `noon`: `NOON` is not a number in 0..=59"));
    }

    #[test]
    fn steps_and_ranges_are_put_right() {
        assert!(refused("5/10 * * * *").contains("as in `*/10` or `0-59/10`"));
        assert!(refused("/10 * * * *").contains("as in `*/10`"));
        assert!(refused("*/0 * * * *").contains("a step of 0"));
        assert!(refused("*/x * * * *").contains("the step `X` is not a number"));
        assert!(refused("0 22-4 * * *").contains("write it in two, `22-23,0-4`"));
        assert!(refused("0 0 * * FRI-MON").contains("`FRI-SAT,SUN-MON`"));
        assert!(refused("1- * * * *").contains("a number is missing"));
        assert!(refused("1,,2 * * * *").contains("nothing beside a comma"));
        assert_eq!(
            refused("0 0 * * L"),
            "day of week field `L`: `L` needs its day, as in `FRIL`, the last Friday"
        );
        assert!(refused("0 0 W * *").contains("`W` needs its day"));
    }

    #[test]
    fn a_pattern_has_five_fields_or_six() {
        assert!(refused("0 6 * *").contains("5 or 6 fields, this one has 4"));
        assert!(refused("0 0 6 * * * 2030").contains("years cannot be given"));
        assert!(refused("").contains("this one has 0"));
        assert!(refused("@dayly").contains("did you mean `@daily`?"));
    }

    #[test]
    fn a_pattern_that_never_fires_is_refused() {
        assert!(refused("0 0 30 2 *").contains("never fires: no month `2` has a day `30`"));
        assert!(refused("0 0 31 4,6,9,11 *").contains("never fires"));
    }

    #[test]
    fn what_is_accepted_here_is_accepted_by_the_parser() {
        for pattern in ["0 0 L-3 * *", "0 0 1L * *", "0 0 W * *", "0 0 5-L * *", "* * * * 1-5#2", "0 0 * * L"]
        {
            let said = check(pattern);
            assert!(!said.as_ref().is_err_and(|why| why.contains("0b")), "{pattern}: {said:?}");
        }
    }
}
