//! Figures, and how they stand to those of before.

use std::collections::BTreeMap;

/// One figure: of a run, or of a call.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of the client, for a run. They differ a little from time to time, and with each compiler.
    Instructions,
    /// Of the server, for a call. They are always the same.
    Commands,
}

impl Kind {
    /// What a figure may be, in parts of what it was.
    pub(crate) fn allowed(self) -> f64 {
        match self {
            Self::Instructions => 1.10,
            Self::Commands => 1.0,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Instructions => "instructions a run",
            Self::Commands => "commands a call",
        }
    }
}

/// Figures by name, as they are kept.
pub(crate) type Kept = BTreeMap<String, f64>;

/// The least of each, and by which part of it the largest is above it.
pub(crate) fn least(times: &[Vec<Figure>]) -> Vec<(Figure, f64)> {
    let Some((first, rest)) = times.split_first() else { return Vec::new() };
    let all = first.iter().enumerate().map(|(at, figure)| {
        let values = || rest.iter().map(|time| time[at].value).chain([figure.value]);
        let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
        (Figure { value: least, ..figure.clone() }, most / least - 1.0)
    });
    all.collect()
}

/// Prints a table; answers how many figures are worse than they may be.
pub(crate) fn print(figures: &[(Figure, f64)], before: &Kept) -> usize {
    println!("{:<36} {:>10} {:>10} {:>7} {:>7}", "", "before", "now", "ratio", "spread");
    let (mut worse, mut unit) = (0, "");
    for (Figure { name, kind, value }, spread) in figures {
        if kind.unit() != unit {
            unit = kind.unit();
            println!("{unit}");
        }
        let (mut was, mut ratio, mut judgement) = ("-".into(), "-".into(), "");
        if let Some(before) = before.get(name) {
            (was, ratio) = (format!("{before:.0}"), format!("{:.3}", value / before));
            if *value > before * kind.allowed() {
                worse += 1;
                judgement = "  too many";
            }
        }
        println!("  {name:<34} {was:>10} {value:>10.0} {ratio:>7} {:>6.2}%{judgement}", 100.0 * spread);
    }
    worse
}
