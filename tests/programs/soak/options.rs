//! What a soak is told.

use std::time::Duration;

/// How it is used.
pub(crate) const USAGE: &str =
    "usage: soak --minutes N | --seconds N [--seed S] [--store redis|sqlite] [--rate RUNS_PER_SECOND]";

/// What a soak is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// For how long there are faults.
    pub(crate) time: Duration,
    /// What all random choices follow from.
    pub(crate) seed: u64,
    pub(crate) store: Store,
    /// How many runs are enqueued in a second.
    pub(crate) rate: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Redis,
    Sqlite,
}

impl Options {
    /// Reads the arguments of the command line.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut time = None;
        let (mut seed, mut store, mut rate) = (fastrand::u64(..), Store::Redis, None);
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number, for `{word}`"));
            match word.as_str() {
                "--minutes" => time = Some(Duration::from_secs(60 * number()?)),
                "--seconds" => time = Some(Duration::from_secs(number()?)),
                "--seed" => seed = number()?,
                "--rate" => rate = Some(number()?),
                "--store" => store = Store::read(&value)?,
                _ => return Err(format!("`{word}` is unknown")),
            }
        }
        let time = time.ok_or("it is not said for how long")?;
        Ok(Self { time, seed, store, rate: rate.unwrap_or(1_200) })
    }
}

impl Store {
    fn read(word: &str) -> Result<Self, String> {
        match word {
            "redis" => Ok(Self::Redis),
            "sqlite" => Ok(Self::Sqlite),
            _ => Err(format!("`{word}` is no store: redis or sqlite")),
        }
    }
}
