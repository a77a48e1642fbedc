//! What a journal says, run by run, read as it grows.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::fleet::{Fault, Hit};
use crate::journal::{Entry, Fact};

/// A journal, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Book {
    read: u64,
    runs: HashMap<String, Vec<Mark>>,
    deaths: HashMap<u32, u64>,
    counts: HashMap<Fact, u64>,
}

/// One fact about one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) fact: Fact,
    pub(crate) number: u64,
    pub(crate) pid: u32,
    pub(crate) at: u64,
}

/// A run that was performed to its end twice in a row.
#[derive(Debug)]
pub(crate) struct Rerun {
    pub(crate) pids: [u32; 2],
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// One performance of a run, from its begin to its end or to the death of its process, in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The run.
    pub id: String,
    /// The process.
    pub pid: u32,
    /// When it began.
    pub from: u64,
    /// When it ended.
    pub to: u64,
}

impl Book {
    /// Reads what was written since the last time.
    pub(crate) fn read_on(&mut self, path: &Path) {
        let Ok(mut file) = File::open(path) else { return };
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.read)).expect("a file can be read from anywhere");
        file.read_to_string(&mut text).expect("a journal is text");
        // A write is whole, but it may be read in the middle.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        for line in text[..whole].lines() {
            self.add(line.parse().unwrap_or_else(|why| panic!("{why}")));
        }
    }

    fn add(&mut self, entry: Entry) {
        let Entry { fact, id, number, pid, at } = entry;
        let counted = if matches!(fact, Fact::Rescued | Fact::Poisoned) { number } else { 1 };
        *self.counts.entry(fact).or_default() += counted;
        if fact == Fact::Died {
            self.deaths.insert(pid, at);
        }
        if id != "-" {
            self.runs.entry(id).or_default().push(Mark { fact, number, pid, at });
        }
    }

    /// How often something happened; for rescued and poisoned ones, how many runs.
    pub(crate) fn count(&self, fact: Fact) -> u64 {
        self.counts.get(&fact).copied().unwrap_or_default()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.runs.keys().map(String::as_str)
    }

    /// What is known of a run.
    pub(crate) fn marks(&self, id: &str) -> &[Mark] {
        self.runs.get(id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has(&self, id: &str, fact: Fact) -> bool {
        self.marks(id).iter().any(|mark| mark.fact == fact)
    }

    /// Each time a run was performed to its end once more.
    pub(crate) fn reruns(&self, id: &str) -> Vec<Rerun> {
        let marks = self.marks(id);
        let ends: Vec<_> = marks.iter().filter(|mark| mark.fact == Fact::Ended).collect();
        let began = |end: &Mark| {
            let begins = marks.iter().filter(|mark| mark.fact == Fact::Began && mark.pid == end.pid);
            begins.filter(|mark| mark.number == end.number).map(|mark| mark.at).min().unwrap_or(end.at)
        };
        let pair = |ends: &[&Mark]| Rerun {
            pids: [ends[0].pid, ends[1].pid],
            from: began(ends[0]).min(began(ends[1])),
            to: ends[0].at.max(ends[1].at),
        };
        ends.windows(2).map(pair).collect()
    }

    /// Each performance that came to its end, or was ended by a fault.
    pub(crate) fn spans(&self, faults: &[Fault]) -> Vec<Span> {
        let death = |pid: u32, from: u64| {
            let hits = faults.iter().filter(|fault| fault.hit == Hit::Process(pid));
            hits.map(|fault| self.hit_at(fault)).filter(|at| *at >= from).min()
        };
        let spans_of = |(id, marks): (&String, &Vec<Mark>)| {
            let begins = marks.iter().filter(|mark| mark.fact == Fact::Began);
            let span = |begin: &Mark| {
                let same = |mark: &&Mark| mark.pid == begin.pid && mark.number == begin.number;
                let ends = marks.iter().filter(|mark| matches!(mark.fact, Fact::Ended | Fact::Failed));
                let to =
                    ends.filter(same).map(|mark| mark.at).min().or_else(|| death(begin.pid, begin.at))?;
                Some(Span { id: id.clone(), pid: begin.pid, from: begin.at, to })
            };
            begins.filter_map(span).collect::<Vec<_>>()
        };
        self.runs.iter().flat_map(spans_of).collect()
    }

    /// Whether what the store agreed to forget was settled by the latest claim of the run, and once.
    pub(crate) fn settled_well(&self, id: &str) -> bool {
        let numbers = |fact: Fact| self.marks(id).iter().filter(move |mark| mark.fact == fact);
        let latest = numbers(Fact::Claimed).map(|mark| mark.number).max().unwrap_or_default();
        let mut forgotten = numbers(Fact::Forgotten);
        match (forgotten.next(), forgotten.next()) {
            (None, _) => true,
            (Some(once), None) => once.number == latest,
            (Some(_), Some(_)) => false,
        }
    }

    /// The moment of a process's death by its own word, or else when it was found dead.
    pub(crate) fn hit_at(&self, fault: &Fault) -> u64 {
        match fault.hit {
            Hit::Process(pid) => self.deaths.get(&pid).copied().unwrap_or(fault.from),
            Hit::Everybody => fault.from,
        }
    }

    /// How long the runs that a process had begun when it was hit waited, at most, until another one began them; in ms.
    pub(crate) fn longest_rescue(&self, fault: &Fault) -> Option<u64> {
        let Hit::Process(pid) = fault.hit else { return None };
        let hit = self.hit_at(fault);
        let delays = self.runs.values().filter_map(|marks| {
            let of_jobs = |mark: &&Mark| matches!(mark.fact, Fact::Began | Fact::Ended | Fact::Failed);
            let last = marks.iter().filter(of_jobs).rfind(|mark| mark.pid == pid && mark.at <= hit)?;
            let again = marks.iter().find(|mark| mark.fact == Fact::Began && mark.at >= hit)?;
            (last.fact == Fact::Began && again.pid != pid).then_some(again.at - hit)
        });
        delays.max()
    }
}
