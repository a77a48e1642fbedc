//! The clocks of machines are wrong, and are set while workers work. On Redis that must not matter: the server's counts.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mosquito::{Enqueued, RunId};
use mosquito_tests::journal::{self, Fact};
use mosquito_tests::{CrashLedger, Fleet, WorkerPlan, enqueue_flowing};

use crate::jobs::{Flaky, Work};
use crate::store::Store;
use crate::wrapped;

const HOUR: i64 = 3_600;

/// How long the runs are put off that nobody may perform before: longer than two steps take on a busy machine.
const DELAY: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_two_hours_apart_and_jump_do_not_matter() {
    let store = Store::redis();
    let ledger = CrashLedger::new();
    let plan = WorkerPlan { queues: vec!["work".into(), "ticks".into()], ..store.plan(&ledger) };
    let mosquito = plan.connect().await.unwrap();
    let shim = compiled(ledger.folder());
    let clocks = ["ahead", "behind"].map(|name| Clock::new(ledger.folder(), name));
    let mut fleets = clocks.each_ref().map(|clock| Fleet::of(clock.wrapped(&shim)));
    let promise = |answers: Vec<Enqueued>| ledger.promise(answers.iter().map(Enqueued::id));

    let workers = fleets.each_mut().map(|fleet| fleet.start(&plan));
    let begin = Instant::now();
    let later = mosquito.enqueue_all((0..5).map(|_| Work { pause: 5 })).delay(DELAY).await.unwrap();
    let ids = || (0..10).map(|_| RunId::random());
    promise(enqueue_flowing(&mosquito, ids().map(|id| (id, Work { pause: 3_000 }))).await.unwrap());
    promise(enqueue_flowing(&mosquito, ids().map(|id| (id, Flaky { succeeds_at: 3 }))).await.unwrap());
    ledger.until(Fact::Began, 10).await;
    for (ahead, behind) in [(HOUR, -HOUR), (-HOUR, HOUR)] {
        clocks[0].set(ahead);
        clocks[1].set(behind);
        promise(enqueue_flowing(&mosquito, ids().map(|id| (id, Flaky { succeeds_at: 2 }))).await.unwrap());
        let ticks = ledger.count(Fact::Began);
        ledger.until(Fact::Began, ticks + 10).await;
    }
    let early: usize = later.iter().map(|answer| ledger.count_of(answer.id(), Fact::Began)).sum();
    let in_time = begin.elapsed() >= DELAY;
    promise(later);
    ledger.until_kept(&mosquito).await;
    let now = journal::now();
    let reports = [0, 1].map(|n| tokio::task::block_in_place(|| fleets[n].stop(workers[n])));

    assert!(early == 0 || in_time, "what is put off is not performed before: {early} were");
    assert!(reports.iter().all(|report| report.refused + report.unsettled == 0), "{reports:?}");
    let times = ledger.times(Fact::Began);
    let off = |at: u64| at.abs_diff(now) > 3_000_000;
    for (fleet, worker) in fleets.iter().zip(workers) {
        let of_worker = times.iter().filter(|(_, pid)| *pid == fleet.pid(worker));
        assert!(of_worker.clone().any(|(at, _)| off(*at)), "its clock was an hour off");
    }
    let account = ledger.close("redis: clocks two hours apart", &fleets[0], &mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

/// The clock of the processes of one program.
struct Clock {
    file: File,
    path: PathBuf,
}

impl Clock {
    fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        std::fs::write(&path, 0_i64.to_ne_bytes()).expect("a file can be written");
        let file = File::options().write(true).open(&path).expect("it was made just now");
        Self { file, path }
    }

    /// So many seconds before the machine's.
    fn set(&self, seconds: i64) {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0).expect("a file can be written");
    }

    /// The workers' program, on this clock.
    fn wrapped(&self, shim: &Path) -> PathBuf {
        let before = format!("exec env LD_PRELOAD='{}' CLOCK_STEP='{}'", shim.display(), self.path.display());
        let folder = self.path.parent().expect("it is in a folder");
        let name = self.path.file_name().expect("it has a name").to_string_lossy();
        wrapped::worker(folder, &format!("worker-{name}"), &before)
    }
}

/// The library that is loaded into processes whose clock is to be set.
fn compiled(folder: &Path) -> PathBuf {
    let library = folder.join("clock_step.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/clock_step.c");
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    let status = status.expect("there is a C compiler, as SQLite needs one, too");
    assert!(status.success(), "the library does not compile: {status}");
    library
}
