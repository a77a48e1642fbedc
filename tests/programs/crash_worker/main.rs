//! A worker that faults are tried on: `crash-worker PLAN`, with a plan that the tests write.

mod jobs;

fn main() {
    mosquito_tests::work();
}
