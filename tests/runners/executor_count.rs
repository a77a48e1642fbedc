//! What the environment says about the number of executors, asked of a process that has it.

use std::time::Duration;

use mosquito_tests::Program;

/// What a process with this variable, whose code wants so many executors, prints.
fn told(variable: Option<&str>, configured: &str) -> String {
    let mut program = Program::at(env!("CARGO_BIN_EXE_executor-count")).arg(configured);
    if let Some(value) = variable {
        program = program.env("MOSQUITO_EXECUTOR_COUNT", value);
    }
    let mut running = program.start();
    let status = running.wait_for_end(Duration::from_secs(60));
    assert!(status.success(), "it ended with {status}: {:?}", running.lines());
    running.lines().join("\n")
}

#[test]
fn the_environment_overrides_the_code() {
    assert_eq!(told(None, "7"), "7 executors");
    assert_eq!(told(Some(""), "7"), "7 executors", "what is set to nothing says nothing");
    assert_eq!(told(Some("3"), "7"), "3 executors");
    assert_eq!(told(Some("12"), "0"), "12 executors", "what is overridden cannot be wrong");
}

#[test]
fn a_count_that_is_none_is_told_among_what_is_wrong() {
    let problems = told(Some("lots"), "0");

    assert!(problems.contains("for 2 reasons"), "{problems}");
    assert!(problems.contains("`MOSQUITO_EXECUTOR_COUNT` is `lots`: a whole number from 1 on"), "{problems}");
    assert!(problems.contains("`executors` is 0"), "{problems}");
}
