//! The exact ledger of a soak, two bytes a run: what the journal's pipe says is counted and forgotten.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mosquito_tests::journal::{Entry, Fact};

/// The id that says that nothing more comes.
const END: &str = "end";

const ANSWERED: u8 = 1;
const ENDED: u8 = 2;
const FORGOTTEN: u8 = 4;

/// What is known of all runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    runs: Vec<Run>,
    /// Who performs a run right now, and since when.
    performing: HashMap<usize, (u32, u64)>,
    /// When processes were killed or held.
    hit: HashMap<u32, u64>,
    pub(crate) counts: Counts,
    ended: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    flags: u8,
    /// The attempt of the claim by which it was settled as done, or of its latest claim until then.
    attempt: u8,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) flowed: u64,
    pub(crate) performed: u64,
    pub(crate) reruns: u64,
    pub(crate) rescues: u64,
    pub(crate) poisoned: u64,
    pub(crate) refused: u64,
    pub(crate) old_claims: u64,
    pub(crate) longest_rescue: u64,
}

/// Reads a pipe, to its end, into a tally.
pub(crate) fn read(pipe: &Path) -> io::Result<Arc<Mutex<Tally>>> {
    let tally = Arc::<Mutex<Tally>>::default();
    // For writing, too, so that the pipe does not end when no worker is there.
    let lines = BufReader::new(OpenOptions::new().read(true).write(true).open(pipe)?).lines();
    let counted = tally.clone();
    std::thread::spawn(move || {
        for line in lines {
            let entry = line.expect("a pipe can be read").parse().unwrap_or_else(|why| panic!("{why}"));
            let mut tally = lock(&counted);
            tally.count(entry);
            if tally.ended {
                return;
            }
        }
    });
    Ok(tally)
}

/// The id of a run.
pub(crate) fn id_of(number: usize) -> String {
    format!("s{number}")
}

/// What closes the journal: all that was written before it is counted when this is.
pub(crate) fn end() -> Entry {
    Entry::now(Fact::Enqueued, END, 0_u64)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    /// The store has answered that it has a run.
    pub(crate) fn answered(&mut self, number: usize) {
        self.run(number).flags |= ANSWERED;
        self.counts.answered += 1;
    }

    /// A process was killed, or is held from now on.
    pub(crate) fn hit(&mut self, pid: u32, at: u64) {
        self.hit.insert(pid, at);
    }

    /// Whether the journal is closed and read.
    pub(crate) fn is_closed(&self) -> bool {
        self.ended
    }

    /// The runs that the store has answered for and that were not performed to their end.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        let is_open = |run: &Run| run.flags & ANSWERED != 0 && run.flags & ENDED == 0;
        self.runs.iter().enumerate().filter(move |(_, run)| is_open(run)).map(|(number, _)| number)
    }

    /// How many were performed to their end of those that were answered for.
    pub(crate) fn done(&self) -> u64 {
        self.counts.answered - self.open().count() as u64
    }

    fn count(&mut self, entry: Entry) {
        let Entry { fact, id, number, pid, at } = entry;
        let counts = &mut self.counts;
        match fact {
            Fact::Rescued => counts.rescues += number,
            Fact::Poisoned => counts.poisoned += number,
            Fact::Refused => counts.refused += 1,
            Fact::Enqueued if id == END => self.ended = true,
            _ => (),
        }
        let Some(run) = id.strip_prefix('s').and_then(|number| number.parse().ok()) else { return };
        let attempt = u8::try_from(number).unwrap_or(u8::MAX);
        match fact {
            Fact::Claimed => self.claimed(run, attempt),
            Fact::Forgotten => self.forgotten(run, attempt),
            Fact::Began => self.began(run, pid, at),
            Fact::Failed => drop(self.performing.remove(&run)),
            Fact::Ended => {
                self.performing.remove(&run);
                self.counts.performed += 1;
                let before = std::mem::replace(&mut self.run(run).flags, ENDED);
                self.run(run).flags |= before;
                self.counts.reruns += u64::from(before & ENDED != 0);
            }
            _ => (),
        }
    }

    fn claimed(&mut self, number: usize, attempt: u8) {
        let run = self.run(number);
        let is_done = run.flags & FORGOTTEN != 0;
        // A process that was held may tell of an earlier claim much later.
        let is_new = attempt > run.attempt;
        if !is_done {
            run.attempt = run.attempt.max(attempt);
        }
        self.counts.old_claims += u64::from(is_done && is_new);
    }

    /// Settled as done: once, and by the latest claim.
    fn forgotten(&mut self, number: usize, attempt: u8) {
        let run = self.run(number);
        let wrong = run.flags & FORGOTTEN != 0 || attempt < run.attempt;
        run.flags |= FORGOTTEN;
        run.attempt = attempt;
        self.counts.old_claims += u64::from(wrong);
    }

    fn began(&mut self, number: usize, pid: u32, at: u64) {
        let before = self.performing.insert(number, (pid, at)).filter(|(before, _)| *before != pid);
        let hit = before.and_then(|(before, began)| Some((*self.hit.get(&before)?, began)));
        // One that was held may begin others once it goes on, and hand them back when it leaves: no fault hit these.
        if let Some((hit, _)) = hit.filter(|(hit, began)| began <= hit) {
            self.counts.longest_rescue = self.counts.longest_rescue.max(at.saturating_sub(hit));
        }
    }

    fn run(&mut self, number: usize) -> &mut Run {
        if number >= self.runs.len() {
            self.runs.resize(number + 1, Run::default());
        }
        &mut self.runs[number]
    }
}

#[cfg(test)]
mod tests {
    use mosquito_tests::journal::{Entry, Fact};

    use super::Tally;

    fn tally(entries: &[(Fact, u64, u32)]) -> Tally {
        let mut tally = Tally::default();
        tally.answered(1);
        for (fact, number, pid) in entries {
            tally.count(Entry { pid: *pid, ..Entry::now(*fact, "s1", *number) });
        }
        tally
    }

    #[test]
    fn a_run_that_is_settled_by_its_second_claim_is_well() {
        use Fact::{Began, Claimed, Ended, Forgotten};
        let ill = tally(&[(Claimed, 2, 8), (Began, 2, 8), (Ended, 2, 8), (Forgotten, 2, 8), (Claimed, 1, 7)]);

        assert_eq!((ill.counts.old_claims, ill.counts.reruns, ill.done()), (0, 0, 1));
    }

    #[test]
    fn what_is_settled_under_an_old_claim_is_counted() {
        use Fact::{Claimed, Ended, Forgotten};
        let order = [(Claimed, 1, 7), (Claimed, 2, 8), (Ended, 1, 7), (Forgotten, 1, 7)];
        let late = [(Claimed, 1, 7), (Forgotten, 1, 7), (Claimed, 2, 8)];
        let twice = [(Claimed, 1, 7), (Forgotten, 1, 7), (Ended, 1, 7), (Ended, 2, 8), (Forgotten, 2, 8)];

        assert_eq!(tally(&order).counts.old_claims, 1);
        assert_eq!(tally(&late).counts.old_claims, 1, "also when the other claim is told later");
        assert_eq!((tally(&twice).counts.old_claims, tally(&twice).counts.reruns), (1, 1));
    }
}
