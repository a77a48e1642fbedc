//! Two processes on one SQLite file: no run is lost or performed twice, and neither sees an error.

use std::time::Duration;

use mosquito::QueueName;
use mosquito::backend::Backend;
use mosquito::backend::sqlite::Sqlite;
use mosquito_tests::{Ledger, Program};

const DEADLINE: Duration = Duration::from_secs(60);
const EACH: usize = 400;

#[tokio::test]
async fn sqlite_two_processes_share_one_file() {
    let files = tempfile::tempdir().expect("a folder for temporary files can be written");
    let path = files.path().join("jobs.db");
    let worker = |name: &str| {
        Program::at(env!("CARGO_BIN_EXE_two-processes-worker"))
            .arg(&path)
            .arg(name)
            .arg(EACH.to_string())
            .arg((2 * EACH).to_string())
            .start()
    };

    // Both make the file, if they can.
    let mut workers = [worker("ann"), worker("bob")];

    let ledger = Ledger::new();
    let mut performed = Vec::new();
    for worker in &mut workers {
        let ended = worker.wait_for_end(DEADLINE);
        let lines = worker.lines();
        assert!(ended.success(), "a worker saw an error:\n{}", lines.join("\n"));
        performed.push(lines.iter().filter(|line| line.starts_with("performed ")).count());
        for line in &lines {
            match line.split_once(' ') {
                Some(("enqueued", id)) => ledger.expect(id),
                Some(("performed", id)) => ledger.performed(id),
                _ => assert_eq!(line, "done", "a worker says nothing else"),
            }
        }
    }
    ledger.assert_exact();
    assert_eq!(ledger.done(), 2 * EACH, "both enqueued all of theirs");
    assert!(performed.iter().all(|count| *count > 0), "both took part in performing: {performed:?}");
    let store = Sqlite::open(&path).await.expect("the file opens afterwards");
    let sizes = store.sizes(&QueueName::new("mail").expect("it is a name")).await.expect("sizes are told");
    assert_eq!(sizes.total(), 0, "nothing is left in the file");
}
