//! The exact ledger of a fault: what was promised, what was performed, where everything ended up, and whose fault it is
//! that something was performed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mosquito::Mosquito;
use mosquito::backend::{BATCH_LIMIT, List};
use tempfile::TempDir;

use crate::account::Account;
use crate::book::{Book, Span};
use crate::eventually::eventually;
use crate::fleet::{Fault, Fleet};
use crate::flowing::leaks;
use crate::inside::Inside;
use crate::journal::Fact;

/// How long runs may take to come to an end on a busy machine.
const DEADLINE: Duration = Duration::from_secs(180);

/// How many ids of a kind a report lists before it only counts them.
const LISTED: usize = 20;

/// The queue of the periodic job that ticks each second.
const TICKS: &str = "ticks";

/// What was promised to be performed, against the journal of those who performed it.
///
/// An id is promised by [`promise`](Self::promise), when the answer to its enqueue has come, or by an
/// [`Enqueued`](Fact::Enqueued) in the journal.
#[derive(Debug)]
pub struct CrashLedger {
    folder: TempDir,
    promised: Mutex<BTreeMap<String, Promise>>,
    book: Mutex<Book>,
    inside: Mutex<Option<Inside>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Performed,
    Dead,
}

impl CrashLedger {
    /// An empty ledger, with a journal in a folder of its own.
    ///
    /// # Panics
    ///
    /// When there is nowhere to write.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mosquito-crash-").tempdir();
        let folder = folder.expect("a folder for temporary files can be written");
        Self { folder, promised: Mutex::default(), book: Mutex::default(), inside: Mutex::default() }
    }

    /// Where workers write down what they do.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// A folder that lasts as long as the ledger, such as for a SQLite file.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// At the end the store is also looked into past its backend, which does not tell of what it has forgotten.
    pub fn look_into(&self, inside: Inside) {
        *lock(&self.inside) = Some(inside);
    }

    /// These runs are enqueued: each is to be performed to its end.
    pub fn promise(&self, ids: impl IntoIterator<Item = impl ToString>) {
        let performed = |id: &dyn ToString| (id.to_string(), Promise::Performed);
        lock(&self.promised).extend(ids.into_iter().map(|id| performed(&id)));
    }

    /// These runs are enqueued: each is to end in `dead`.
    pub fn promise_dead(&self, ids: impl IntoIterator<Item = impl ToString>) {
        lock(&self.promised).extend(ids.into_iter().map(|id| (id.to_string(), Promise::Dead)));
    }

    /// How often something has happened so far; for rescued and poisoned ones, how many runs.
    #[must_use]
    pub fn count(&self, fact: Fact) -> u64 {
        self.read().count(fact)
    }

    /// How often something has happened to one run so far.
    #[must_use]
    pub fn count_of(&self, id: impl fmt::Display, fact: Fact) -> usize {
        self.read().marks(&id.to_string()).iter().filter(|mark| mark.fact == fact).count()
    }

    /// When something happened to runs, in milliseconds since 1970, in the order of the journal, and in which process.
    #[must_use]
    pub fn times(&self, fact: Fact) -> Vec<(u64, u32)> {
        let book = self.read();
        let marks = book.ids().flat_map(|id| book.marks(id));
        let mut times: Vec<_> =
            marks.filter(|mark| mark.fact == fact).map(|mark| (mark.at, mark.pid)).collect();
        times.sort_unstable();
        times
    }

    /// When something happened to each of these runs, in milliseconds since 1970, in order.
    #[must_use]
    pub fn times_of(&self, fact: Fact, whose: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<u64>> {
        let book = self.read();
        let mut all = BTreeMap::<_, Vec<_>>::new();
        for id in book.ids().filter(|id| whose(id)) {
            let times = book.marks(id).iter().filter(|mark| mark.fact == fact).map(|mark| mark.at);
            times.for_each(|at| all.entry(id.to_owned()).or_default().push(at));
        }
        all.values_mut().for_each(|times| times.sort_unstable());
        all
    }

    /// When it happened to each of them for the first time, in order.
    #[must_use]
    pub fn firsts(&self, fact: Fact, whose: impl Fn(&str) -> bool) -> Vec<u64> {
        let mut times: Vec<_> = self.times_of(fact, whose).values().map(|times| times[0]).collect();
        times.sort_unstable();
        times
    }

    /// Each performance of a run, until its end or the fault that ended it.
    #[must_use]
    pub fn spans(&self, faults: &[Fault]) -> Vec<Span> {
        self.read().spans(faults)
    }

    /// Waits until something has happened so often.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn until(&self, fact: Fact, times: u64) {
        let look = || async {
            let seen = self.count(fact);
            if seen >= times { Ok(()) } else { Err(seen) }
        };
        eventually(&format!("{fact:?} {times} times"), DEADLINE, look).await;
    }

    /// Waits until somebody performs a run.
    ///
    /// # Panics
    ///
    /// When nobody does.
    pub async fn until_began(&self, id: impl fmt::Display) {
        let look = || async { if self.count_of(&id, Fact::Began) > 0 { Ok(()) } else { Err("it waits") } };
        eventually(&format!("{id} is performed"), DEADLINE, look).await;
    }

    /// Waits until each promise is kept and no run is left that is to be performed, ticks apart.
    ///
    /// # Panics
    ///
    /// With what is missing, when that does not come.
    pub async fn until_kept(&self, mosquito: &Mosquito) {
        let look = || async {
            let (promised, ended) = self.progress();
            if ended < promised {
                return Err(format!("{ended} of {promised} were performed"));
            }
            let open = self.unkept();
            if !open.is_empty() {
                return Err(format!("not performed: {}", listed(&open)));
            }
            match left(mosquito).await {
                Ok(0) => Ok(()),
                Ok(left) => {
                    let runs = standing(mosquito).await.unwrap_or_default();
                    let runs: Vec<_> = runs.into_iter().map(|(id, list)| format!("{id} in {list}")).collect();
                    Err(format!("{left} are still in the store: {}", listed(&runs)))
                }
                Err(why) => Err(format!("the store does not answer: {why:?}")),
            }
        };
        eventually("every run comes to its end", DEADLINE, look).await;
    }

    /// Checks everything, prints the account as one line, and returns it. To be called when all workers have ended.
    ///
    /// # Panics
    ///
    /// With all that must not be, when there is anything.
    pub async fn close(&self, name: &str, fleet: &Fleet, mosquito: &Mosquito) -> Account {
        let account = self.account(name, fleet, mosquito).await;
        println!("{account}");
        assert!(account.violations.is_empty(), "{name}:\n  {}\n", account.violations.join("\n  "));
        account
    }

    /// The account, whatever it says: for faults that the store itself may lose something by.
    ///
    /// # Panics
    ///
    /// When the store does not answer.
    pub async fn account(&self, name: &str, fleet: &Fleet, mosquito: &Mosquito) -> Account {
        let standing = standing(mosquito).await.expect("the store answers at the end");
        let unkept = self.unkept();
        let leaks = leaks(mosquito, self.all_ids()).await.expect("the store answers at the end");
        let book = self.read();
        let at = |fault: &Fault| Fault { from: book.hit_at(fault), ..fault.clone() };
        let faults: Vec<_> = fleet.faults().iter().map(at).collect();
        let mut violations = self.misplaced(&standing, &book);
        violations.extend(leaks);
        violations.extend(lock(&self.inside).iter().flat_map(Inside::leftovers));
        if !unkept.is_empty() {
            violations.push(format!(
                "{} runs were never performed to their end: {}",
                unkept.len(),
                listed(&unkept)
            ));
        }
        let ill: Vec<_> = book.ids().filter(|id| !book.settled_well(id)).map(str::to_owned).collect();
        if !ill.is_empty() {
            violations.push(format!(
                "{} runs were settled under an old claim or twice: {}",
                ill.len(),
                listed(&ill)
            ));
        }
        let reruns: Vec<_> =
            book.ids().flat_map(|id| book.reruns(id).into_iter().map(move |rerun| (id, rerun))).collect();
        for (id, rerun) in &reruns {
            if !faults.iter().any(|fault| fault.explains(&rerun.pids, rerun.from, rerun.to)) {
                violations.push(format!("no fault explains why {id} was performed again: {rerun:?}"));
            }
        }
        let bound: usize = faults.iter().map(|fault| fault.executors + BATCH_LIMIT).sum();
        if reruns.len() > bound {
            violations.push(format!("{} runs were performed again, more than {bound}", reruns.len()));
        }
        // What was handed back is begun again, too; but that is no rescue.
        let rescues = book.count(Fact::Rescued);
        let longest =
            faults.iter().filter(|_| rescues > 0).filter_map(|fault| book.longest_rescue(fault)).max();
        let ended = |id: &&String| book.has(id, Fact::Ended);
        Account {
            name: name.into(),
            runs: self.promised_ids(&book).iter().filter(ended).count(),
            faults: faults.len(),
            reruns: reruns.len(),
            rescues,
            poisoned: book.count(Fact::Poisoned),
            refused: book.count(Fact::Refused),
            longest_rescue: longest.map(Duration::from_millis),
            violations,
        }
    }

    /// What stands where it must not.
    fn misplaced(&self, standing: &[(String, List)], book: &Book) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        let promised = lock(&self.promised);
        for (id, list) in standing {
            if !seen.insert(id) {
                wrong.push(format!("{id} stands in two lists, one of them {list}"));
            }
            if book.has(id, Fact::Forgotten) {
                wrong.push(format!("{id} stands in {list}, although it was settled as done"));
            }
            let may_stand = match (list, promised.get(id)) {
                (List::Dead, promise) => promise == Some(&Promise::Dead),
                // A tick comes each second, also in the one in which everybody stops.
                _ => is_tick(id),
            };
            if !may_stand {
                wrong.push(format!("{id} stands in {list} at the end"));
            }
        }
        let dead = |id: &&String| standing.iter().any(|(other, list)| other == *id && *list == List::Dead);
        for (id, _) in promised.iter().filter(|(_, promise)| **promise == Promise::Dead) {
            if !dead(&id) {
                wrong.push(format!("{id} is not in dead"));
            }
        }
        wrong.extend(gaps(book.ids().chain(seen.iter().map(|id| id.as_str()))));
        wrong
    }

    /// How much was promised to be performed, by the clients, and how often anything was: a quick look.
    fn progress(&self) -> (u64, u64) {
        let promised =
            lock(&self.promised).values().filter(|promise| **promise == Promise::Performed).count();
        (promised as u64, self.count(Fact::Ended))
    }

    /// What was promised to be performed, and was not, to its end.
    fn unkept(&self) -> Vec<String> {
        let book = self.read();
        let open = |id: &String| !book.has(id, Fact::Ended) && !is_tick(id);
        self.promised_ids(&book).into_iter().filter(open).collect()
    }

    fn promised_ids(&self, book: &Book) -> BTreeSet<String> {
        let promised = lock(&self.promised);
        let here = promised.iter().filter(|(_, promise)| **promise == Promise::Performed);
        let there = book.ids().filter(|id| book.has(id, Fact::Enqueued));
        here.map(|(id, _)| id.clone()).chain(there.map(str::to_owned)).collect()
    }

    fn all_ids(&self) -> BTreeSet<String> {
        let promised: Vec<_> = lock(&self.promised).keys().cloned().collect();
        self.read().ids().map(str::to_owned).chain(promised).collect()
    }

    fn read(&self) -> MutexGuard<'_, Book> {
        let mut book = lock(&self.book);
        book.read_on(&self.journal());
        book
    }
}

impl Default for CrashLedger {
    fn default() -> Self {
        Self::new()
    }
}

/// How many runs are to be performed, ticks apart. All lists of a queue at one moment: of one after another, a run may move from behind the
/// look to before it.
async fn left(mosquito: &Mosquito) -> mosquito::Result<usize> {
    let mut left = 0;
    for queue in mosquito.queues().await? {
        if queue.name().as_str() != TICKS {
            let sizes = queue.sizes().await?;
            left += sizes.total() - sizes.dead;
        }
    }
    Ok(left)
}

/// Every run in the store, and the list it stands in; as often as it is found.
async fn standing(mosquito: &Mosquito) -> mosquito::Result<Vec<(String, List)>> {
    let mut standing = Vec::new();
    for queue in mosquito.queues().await? {
        for list in List::ALL {
            for offset in (0..).step_by(BATCH_LIMIT) {
                let page = queue.page(list, offset, BATCH_LIMIT).await?;
                standing.extend(page.iter().map(|run| (run.id.to_string(), list)));
                if page.len() < BATCH_LIMIT {
                    break;
                }
            }
        }
    }
    Ok(standing)
}

/// The run of a periodic job that ticks each second.
fn is_tick(id: &str) -> bool {
    id.contains(':')
}

/// The seconds between the first and the last tick that nobody ever saw.
fn gaps<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let ticks: BTreeSet<u64> =
        ids.filter_map(|id| id.rsplit_once(':')).filter_map(|(_, tick)| tick.parse().ok()).collect();
    let next = ticks.iter().skip(1);
    let missing = ticks.iter().zip(next).filter(|(one, next)| *next - *one != 1_000);
    missing.map(|(one, next)| format!("there is no tick between {one} and {next}")).collect()
}

fn listed(ids: &[String]) -> String {
    let more = if ids.len() > LISTED { format!(" and {} more", ids.len() - LISTED) } else { String::new() };
    format!("{}{more}", ids[..ids.len().min(LISTED)].join(", "))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that panicked elsewhere still wants to read it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
