//! The throughput example accounts for every run. Its figures mean something in a release build only.

use mosquito_tests::RedisServer;

use crate::programs::{example, lines_of};

#[test]
fn throughput_accounts_for_every_run_and_leaves_nothing_behind() {
    let server = RedisServer::start();

    let program = example("throughput")
        .arg("--store")
        .arg(server.url())
        .arg("--runs")
        .arg("5000")
        .arg("--executors")
        .arg("100");
    let lines = lines_of(program.start(), "each of the 5000 runs was performed exactly once");

    let report = "  report: performed 5000, failed 0, handed back 0";
    assert!(lines.iter().any(|line| line == report), "{lines:#?}");
    assert_eq!(server.command::<usize>(&["DBSIZE"]), 0, "it cleared up");
}

#[test]
fn throughput_tells_what_runs_with_a_flow_cost_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("runs.db").display());

    let program = example("throughput").arg("--flow").arg("--store").arg(store).arg("--runs").arg("2000");
    let lines = lines_of(program.start(), "each of the 2000 runs was performed exactly once");

    let report = "  report: performed 2000, failed 0, handed back 0";
    assert_eq!(lines.iter().filter(|line| *line == report).count(), 2, "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("of the plain pace: ")), "{lines:#?}");
}
