//! What can happen to a SQLite file: no room, a lock that another process holds, and the file gone under a worker.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mosquito::{Body, JobName, NewRun, QueueName, RunId, When};
use mosquito_tests::journal::Fact;
use mosquito_tests::{Fleet, Hit, soon};
use serde_json::value::RawValue;

use crate::Trial;
use crate::jobs::{Flaky, Work};
use crate::store::Store;
use crate::wrapped;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_is_waited_for() {
    let mut trial = Trial::on(&Store::sqlite()).await;
    // So that whatever the worker writes goes beyond the limit that it will be given.
    let ballast = QueueName::new("ballast").unwrap();
    trial.mosquito.backend().enqueue(&ballast, &heavy_runs()).await.unwrap();
    trial.mosquito.queue("ballast").unwrap().flush().await.unwrap();
    trial.enqueue((0..300).map(|_| Work { pause: 20 })).await;
    trial.enqueue((0..10).map(|_| Flaky { succeeds_at: 2 })).await;
    // A process that heeds that signal dies of it, where a full disk only fails.
    trial.fleet = Fleet::of(wrapped::worker(trial.ledger.folder(), "deaf-worker", "trap '' XFSZ\nexec"));
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let worker = fleet.start(plan);
    ledger.until(Fact::Forgotten, 50).await;

    let full = fleet.begin_fault("disk full", Hit::Everybody, 5);
    limit_files(fleet.pid(worker), "1000000:");
    let stored = ledger.count(Fact::Forgotten);
    // Nothing tells from outside that the leases have run out.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let meanwhile = ledger.count(Fact::Forgotten) - stored;
    limit_files(fleet.pid(worker), "unlimited:");
    ledger.until_kept(mosquito).await;
    fleet.end_fault(full);
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert!(meanwhile <= 50, "{meanwhile} runs were settled on a full disk");
    assert_eq!((report.performed, report.unsettled), (310, 0), "{report:?}");
    let account = ledger.close("sqlite: disk full", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "nobody had died: {account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_process_locks_is_waited_for() {
    let mut trial = Trial::on(&Store::sqlite()).await;
    trial.enqueue((0..300).map(|_| Work { pause: 10 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let worker = fleet.start(plan);
    ledger.until(Fact::Ended, 50).await;

    let locked = fleet.begin_fault("file locked", Hit::Everybody, 5);
    let other = rusqlite::Connection::open(ledger.folder().join("jobs.db")).unwrap();
    other.busy_timeout(Duration::from_secs(20)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begin = Instant::now();
    // One after the other, each would wait ten seconds.
    let refused =
        join_all((0..8).map(|_| async { mosquito.enqueue(Work { pause: 1 }).await.unwrap_err() })).await;
    let waited = begin.elapsed();
    other.execute_batch("COMMIT").unwrap();
    ledger.until_kept(mosquito).await;
    fleet.end_fault(locked);
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert!(refused.iter().all(mosquito::Error::is_transient), "{refused:?}");
    assert!(Duration::from_secs(9) < waited && waited < Duration::from_secs(30), "{waited:?}");
    assert_eq!((report.performed, report.unsettled), (300, 0), "{report:?}");
    let account = ledger.close("sqlite: file locked", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "nobody had died: {account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_deleted_ends_its_workers_with_a_sentence() {
    gone(|file| std::fs::remove_file(file).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_replaced_ends_its_workers_with_a_sentence() {
    gone(|file| {
        let copy = file.with_extension("copy");
        std::fs::copy(file, &copy).unwrap();
        std::fs::rename(copy, file).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_deleted_ends_its_workers_with_a_sentence() {
    gone(|file| std::fs::remove_file(file.with_extension("db-wal")).unwrap()).await;
}

/// Something happens to the file while a worker has it open.
async fn gone(happen: impl FnOnce(&Path)) {
    let mut trial = Trial::on(&Store::sqlite()).await;
    trial.enqueue((0..20).map(|_| Work { pause: 5 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let worker = fleet.start(plan);
    ledger.until(Fact::Forgotten, 20).await;

    happen(&ledger.folder().join("jobs.db"));
    let refused = mosquito.enqueue(Work { pause: 1 }).await.expect_err("the file is gone");
    let status = tokio::task::block_in_place(|| fleet.wait_for_end(worker));

    let sentence = "the file was deleted, moved or replaced while it was open; put it back, and start this process again";
    assert!(!refused.is_transient() && refused.to_string().ends_with(sentence), "{refused:?}");
    let said = fleet.worker(worker).lines().join("\n");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains(sentence), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_or_folder_that_cannot_be_written_ends_a_worker_with_a_sentence() {
    for (file_mode, folder_mode) in [(0o444, 0o777), (0o666, 0o555)] {
        let Trial { ledger, plan, mosquito, .. } = Trial::on(&Store::sqlite()).await;
        let folder = ledger.folder();
        drop(mosquito);
        soon("the file is closed", || async {
            if folder.join("jobs.db-wal").exists() { Err("it is open") } else { Ok(()) }
        })
        .await;
        std::fs::write(ledger.journal(), "").unwrap();
        let mut fleet = Fleet::of(common_worker(folder));
        set_mode(&ledger.journal(), 0o666);
        set_mode(&folder.join("jobs.db"), file_mode);
        set_mode(folder, folder_mode);

        let worker = fleet.launch(&plan);
        let status = tokio::task::block_in_place(|| fleet.wait_for_end(worker));

        set_mode(folder, 0o755);
        let said = fleet.worker(worker).lines().join("\n");
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(
            said.contains("give this process the permission to"),
            "{file_mode:o} in {folder_mode:o}: {said}"
        );
    }
}

/// A worker that may not do whatever it likes, which the one who runs the tests may be allowed to.
fn common_worker(folder: &Path) -> PathBuf {
    let we_are_root = std::fs::metadata(folder).expect("it is ours").uid() == 0;
    if !we_are_root {
        return crate::WORKER.into();
    }
    // The folder of programs may be for this user alone.
    let copied = Command::new("cp").arg(crate::WORKER).arg(folder.join("worker")).status();
    assert!(copied.expect("there is a `cp`").success(), "the worker is copied");
    let nobody = "cd \"${0%/*}\"\nexec setpriv --reuid=65534 --regid=65534 --clear-groups ./worker \"$@\" #";
    wrapped::worker(folder, "common-worker", nobody)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// Six megabytes, which stay in the write-ahead log.
fn heavy_runs() -> Vec<NewRun> {
    let args = RawValue::from_string(format!("\"{}\"", "x".repeat(100_000))).expect("it is JSON");
    let name = JobName::new("ballast").expect("it is a name");
    let body = Body::new(&name, &args);
    (0..60).map(|_| NewRun::new(RunId::random(), When::Now, &body)).collect()
}

/// How large a file may become, beyond which the process cannot write: as on a disk that is full.
fn limit_files(pid: u32, limit: &str) {
    let status =
        Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--fsize={limit}")]).status();
    let status = status.expect("`prlimit` is on the PATH (Debian: util-linux)");
    assert!(status.success(), "the limit of {pid} cannot be set: {status}");
}
