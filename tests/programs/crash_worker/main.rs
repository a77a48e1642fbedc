//! A worker that faults are tried on, `crash-worker PLAN`, or a process that enqueues for it, `crash-worker enqueue PLAN`;
//! with a plan that the tests write.

mod enqueue;
mod jobs;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("enqueue") {
        enqueue::enqueue();
    } else {
        mosquito_tests::work();
    }
}
