//! Enqueues without end, one run and many in turn, half of them with a flow, and writes down each id that the store answered.

use mosquito::RunId;
use mosquito_tests::journal::{Entry, Fact, Journal};
use mosquito_tests::{WorkerPlan, enqueue_flowing, flow_of};

use crate::jobs::Work;

/// Enqueues until it is killed.
#[tokio::main]
pub(crate) async fn enqueue() {
    let plan = WorkerPlan::given();
    let journal = Journal::open(&plan.journal).expect("the journal can be opened");
    let mosquito = plan.connect().await.expect("the store is there");
    println!("ready to enqueue");
    for n in 1.. {
        let id = RunId::random();
        let flow = flow_of(&id).unwrap_or_default();
        let one = mosquito.enqueue(Work { pause: 1 }).id(id).flow(|its| *its = flow);
        let one = one.await.expect("a run is enqueued");
        journal.note(Fact::Enqueued, one.id(), 0_u64);
        let many = (0..n % 30).map(|_| (RunId::random(), Work { pause: 1 }));
        let many = enqueue_flowing(&mosquito, many).await.expect("runs are enqueued");
        journal.write(many.iter().map(|one| Entry::now(Fact::Enqueued, one.id(), 0_u64)));
        // So that the workers keep up.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
