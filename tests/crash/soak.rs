//! The soak, for a few seconds: so that it can be relied on when it is wanted for an hour.

use std::time::Duration;

use mosquito_tests::Program;

#[test]
fn ten_seconds_of_all_faults_lose_nothing_on_redis() {
    soak("redis");
}

#[test]
fn ten_seconds_of_all_faults_lose_nothing_on_sqlite() {
    soak("sqlite");
}

fn soak(store: &str) {
    let words = ["--seconds", "10", "--rate", "300", "--store", store];
    let soak = Program::at(env!("CARGO_BIN_EXE_soak"));
    let mut soak = words.into_iter().fold(soak, Program::arg).start();

    let ended = soak.wait_for_end(Duration::from_secs(180));

    let told = soak.lines().join("\n");
    println!("{told}");
    assert!(ended.success(), "the soak ended with {ended}:\n{told}");
    assert!(told.contains("all is well"), "{told}");
}
