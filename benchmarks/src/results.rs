//! What was measured: for each figure and contestant a value from each round, or the reason why there is none.

use std::collections::BTreeMap;

/// Which figure, as `drain/100/pace`.
pub(crate) type Metric = String;

/// The values of all rounds, or why there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) values: Vec<f64>,
    pub(crate) missing: Option<String>,
}

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Results {
    series: BTreeMap<(Metric, String), Series>,
}

impl Results {
    pub(crate) fn add(&mut self, metric: impl Into<Metric>, contestant: &str, value: f64) {
        self.series.entry((metric.into(), contestant.into())).or_default().values.push(value);
    }

    /// There is no figure for it, whatever other rounds showed.
    pub(crate) fn miss(&mut self, metric: impl Into<Metric>, contestant: &str, why: impl Into<String>) {
        self.series.entry((metric.into(), contestant.into())).or_default().missing = Some(why.into());
    }

    pub(crate) fn of(&self, metric: &str, contestant: &str) -> Option<&Series> {
        self.series.get(&(metric.into(), contestant.into()))
    }

    /// The median over the rounds, if each of them delivered.
    pub(crate) fn median(&self, metric: &str, contestant: &str) -> Option<f64> {
        self.of(metric, contestant)?.median()
    }

    pub(crate) fn is_missing(&self, metric: &str, contestant: &str) -> bool {
        self.of(metric, contestant).is_some_and(|series| series.missing.is_some())
    }
}

impl Series {
    pub(crate) fn median(&self) -> Option<f64> {
        if self.missing.is_some() || self.values.is_empty() {
            return None;
        }
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        Some(if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 })
    }

    /// The least and the most of all rounds.
    pub(crate) fn range(&self) -> (f64, f64) {
        let fold = |start: f64, pick: fn(f64, f64) -> f64| self.values.iter().copied().fold(start, pick);
        (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::Results;

    #[test]
    fn a_contestant_that_missed_a_round_has_no_figure() {
        let mut results = Results::default();
        for value in [3.0, 1.0, 2.0] {
            results.add("pace", "a", value);
            results.add("pace", "b", value);
        }

        results.miss("pace", "b", "lost 1 of 3");

        assert_eq!(results.median("pace", "a"), Some(2.0));
        assert_eq!(results.median("pace", "b"), None);
    }
}
