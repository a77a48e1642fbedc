//! Enqueues without end, one run and many in turn, and writes down each id that the store answered.

use mosquito_tests::WorkerPlan;
use mosquito_tests::journal::{Entry, Fact, Journal};

use crate::jobs::Work;

/// Enqueues until it is killed.
#[tokio::main]
pub(crate) async fn enqueue() {
    let plan = WorkerPlan::given();
    let journal = Journal::open(&plan.journal).expect("the journal can be opened");
    let mosquito = plan.connect().await.expect("the store is there");
    println!("ready to enqueue");
    for n in 1.. {
        let one = mosquito.enqueue(Work { pause: 1 }).await.expect("a run is enqueued");
        journal.note(Fact::Enqueued, one.id(), 0_u64);
        let many = (0..n % 30).map(|_| Work { pause: 1 });
        let many = mosquito.enqueue_all(many).await.expect("runs are enqueued");
        journal.write(many.iter().map(|one| Entry::now(Fact::Enqueued, one.id(), 0_u64)));
        // So that the workers keep up.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
