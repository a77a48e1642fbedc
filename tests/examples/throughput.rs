//! The throughput example accounts for every run. Its figures mean something in a release build only.

use mosquito_tests::RedisServer;

use crate::programs::{example, lines_of};

#[test]
fn throughput_accounts_for_every_run_and_leaves_nothing_behind() {
    let server = RedisServer::start();

    let program = example("throughput")
        .arg("--url")
        .arg(server.url())
        .arg("--runs")
        .arg("5000")
        .arg("--executors")
        .arg("100");
    let lines = lines_of(program.start(), "each of the 5000 runs was performed exactly once");

    assert!(lines.iter().any(|line| line == "report: performed 5000, failed 0, handed back 0"), "{lines:#?}");
    assert_eq!(server.command::<usize>(&["DBSIZE"]), 0, "it cleared up");
}
