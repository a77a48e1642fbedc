//! The figures: each is a file, measured round by round, in each round one contestant after the other.

mod commands;
mod conditions;
mod deep;
mod drain;
mod enqueue;
mod features;
mod latency;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::assignment::Work;
use crate::clock;
use crate::contestants::{Contestant, Failure};
use crate::measure::Setup;
use crate::redis_server::{Aof, RedisServer};
use crate::results::Results;

pub(crate) use drain::{BEST, LEVELS};
pub(crate) use latency::RATE;

/// How thoroughly it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// A smoke run: a few thousand runs each, whatever their pace.
    pub(crate) quick: bool,
}

/// Everything that is measured, and with what.
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) contestants: Arc<[Box<dyn Contestant>]>,
    pub(crate) server: Arc<RedisServer>,
    pub(crate) results: Results,
    /// The fastest that a contestant went so far, in runs a second, by figure: says how many runs make a round of the length that is aimed at.
    paces: HashMap<(String, &'static str), f64>,
    pub(crate) began: Instant,
}

/// At most so many runs: what all of them take in the server, and in a worker's ledger, stays small.
const MOST: usize = 300_000;
/// Runs of a round before the pace is known.
const FIRST: usize = 2_000;
/// Runs of all rounds of a smoke run.
const SMOKE: usize = 1_000;

impl Bench {
    pub(crate) async fn new(
        contestants: Vec<Box<dyn Contestant>>,
        options: Options,
    ) -> Result<Self, Failure> {
        Ok(Self {
            options,
            contestants: contestants.into(),
            server: Arc::new(RedisServer::start(Aof::Off).await?),
            results: Results::default(),
            paces: HashMap::new(),
            began: Instant::now(),
        })
    }

    /// Measures all figures.
    pub(crate) async fn run(&mut self) -> Result<(), Failure> {
        self.enqueue().await?;
        self.drain().await?;
        self.commands().await?;
        self.deep().await?;
        self.latency().await?;
        self.conditions().await?;
        self.features().await
    }

    /// A setup at the server itself.
    fn setup<'a>(
        &self,
        contestant: &'a dyn Contestant,
        server: &'a RedisServer,
        work: Work,
        runs: usize,
    ) -> Setup<'a> {
        Setup { contestant, server, url: server.url(), work, runs }
    }

    /// So many runs that a round of this figure takes about as long as that; few when its pace is not known yet.
    fn runs(&self, figure: &str, contestant: &dyn Contestant, aim: Duration) -> usize {
        let facts = contestant.facts();
        let pace = self.paces.get(&(figure.to_owned(), facts.name));
        let runs = match pace {
            _ if self.options.quick => SMOKE,
            Some(pace) => (pace * aim.as_secs_f64()) as usize,
            None => FIRST,
        };
        runs.clamp(SMOKE, facts.most_waiting.map_or(MOST, |(most, _)| most))
    }

    fn goes(&mut self, figure: &str, contestant: &'static str, pace: f64) {
        let known = self.paces.entry((figure.to_owned(), contestant)).or_default();
        *known = known.max(pace);
    }

    /// The rounds; round 0 only finds the pace, and is not needed where the pace says nothing.
    fn rounds(&self) -> RangeInclusive<usize> {
        if self.options.quick { 1..=self.options.rounds } else { 0..=self.options.rounds }
    }

    /// Takes down why there is no figure, and says so.
    fn taken<T>(&mut self, figure: &str, contestant: &str, measured: Result<T, Failure>) -> Option<T> {
        match measured {
            Ok(measured) => Some(measured),
            Err(failure) => {
                self.say(&format!("{figure}: {contestant}: {failure}"));
                self.results.miss(figure, contestant, failure.to_string());
                None
            }
        }
    }

    /// Tells those who wait how far it is.
    fn say(&self, what: &str) {
        let since = self.began.elapsed().as_secs();
        eprintln!("{} +{:02}:{:02} {what}", &clock::date()[11..16], since / 60, since % 60);
    }
}
