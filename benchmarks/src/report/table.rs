//! A table with a column for each contestant, and notes on what is missing.

use crate::contestants::Acks;
use crate::figures::Bench;
use crate::results::Series;

/// How a number is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum As {
    /// With blanks between thousands, and three digits that count.
    Whole,
    /// With two or three digits that count.
    Fine,
    /// Bytes as MiB.
    Mebibytes,
}

pub(crate) struct Table<'a> {
    bench: &'a Bench,
    columns: Vec<&'static str>,
    lines: Vec<String>,
    /// Of whom, why, and in which row first.
    notes: Vec<(&'static str, String, String)>,
}

impl<'a> Table<'a> {
    pub(crate) fn of(bench: &'a Bench, corner: &str, limits: bool) -> Self {
        let facts = bench.contestants.iter().map(|contestant| contestant.facts());
        let columns: Vec<_> =
            facts.filter(|facts| limits || facts.acks != Acks::Limit).map(|facts| facts.name).collect();
        let head = format!("| {corner} | {} |", columns.join(" | "));
        let rule = format!("|---|{}", "---:|".repeat(columns.len()));
        Self { bench, columns, lines: vec![head, rule], notes: Vec::new() }
    }

    /// A row of one metric.
    pub(crate) fn row(&mut self, title: &str, metric: &str, how: As) {
        self.row_of(title, how, |_| Some(metric.to_owned()));
    }

    /// A row in which each contestant has a metric of its own.
    pub(crate) fn row_of(&mut self, title: &str, how: As, metric: impl Fn(&str) -> Option<String>) {
        let mut cells = Vec::new();
        for name in self.columns.clone() {
            let metric = metric(name);
            let series = metric.as_ref().and_then(|metric| self.bench.results.of(metric, name));
            cells.push(self.cell(title, name, metric.as_deref(), series, how));
        }
        self.lines.push(format!("| {title} | {} |", cells.join(" | ")));
    }

    fn cell(
        &mut self,
        title: &str,
        name: &'static str,
        metric: Option<&str>,
        series: Option<&'a Series>,
        how: As,
    ) -> String {
        // A part of a figure, as its bytes, is missing for the reason that the figure is.
        let whole = metric.and_then(|metric| metric.rsplit_once('/')).map(|(whole, _)| whole);
        let missing = |series: &Series| series.missing.clone();
        let why = series.and_then(missing).or_else(|| missing(self.bench.results.of(whole?, name)?));
        match (series.and_then(Series::median), why) {
            (_, Some(why)) => {
                if !self.notes.iter().any(|(whose, told, _)| *whose == name && *told == why) {
                    self.notes.push((name, why.clone(), title.into()));
                }
                if why.starts_with("lost") { why } else { "–".into() }
            }
            (Some(median), None) => shown_with_range(median, series, how),
            (None, None) => String::new(),
        }
    }

    pub(crate) fn finish(mut self) -> String {
        self.lines.push(String::new());
        // What a dash stands for, once for each reason.
        for (name, why, title) in &self.notes {
            self.lines.push(format!("- {name}, {title}: {why}."));
        }
        if !self.notes.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.join("\n")
    }
}

fn shown_with_range(median: f64, series: Option<&Series>, how: As) -> String {
    let range = series.filter(|series| series.values.len() > 1).map(Series::range);
    match range.map(|(least, most)| (shown(least, how), shown(most, how))) {
        Some((least, most)) if least != most => format!("**{}** ({least}–{most})", shown(median, how)),
        _ => format!("**{}**", shown(median, how)),
    }
}

/// A number as one reads it.
pub(crate) fn shown(value: f64, how: As) -> String {
    match how {
        As::Whole if value >= 1_000.0 => {
            // Three digits that count: more than that is noise.
            let unit = 10f64.powi((value.log10().floor() as i32 - 2).max(0));
            thousands(((value / unit).round() * unit) as u64)
        }
        As::Whole => format!("{value:.0}"),
        As::Fine if value >= 100.0 => thousands(value.round() as u64),
        As::Fine if value >= 10.0 => format!("{value:.1}"),
        As::Fine if value >= 0.1 || value == 0.0 => format!("{value:.2}"),
        As::Fine => {
            // Two digits that count, however small.
            let places = (1.0 - value.log10().floor()).clamp(2.0, 6.0) as usize;
            format!("{value:.places$}")
        }
        As::Mebibytes => format!("{:.1}", value / 1_048_576.0),
    }
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{As, shown};

    #[test]
    fn numbers_have_the_digits_that_count() {
        assert_eq!(shown(123_456.0, As::Whole), "123,000");
        assert_eq!(shown(1_234.0, As::Whole), "1,230");
        assert_eq!(shown(999.7, As::Whole), "1000");
        assert_eq!(shown(0.456, As::Fine), "0.46");
        assert_eq!(shown(0.00456, As::Fine), "0.0046");
        assert_eq!(shown(0.0, As::Fine), "0.00");
        assert_eq!(shown(12.34, As::Fine), "12.3");
        assert_eq!(shown(2_097_152.0, As::Mebibytes), "2.0");
    }
}
