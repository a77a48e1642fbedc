//! Which runs go first, and which go no more.

use std::time::Duration;

use mosquito::Priority;
use mosquito::testing::{Drained, Testing};

use crate::jobs::{Alert, Export, Flaky, Notice, Tick};

facts! {
    more_urgent_runs_go_first_and_others_in_the_order_in_which_they_came,
    tenants_take_turns,
    what_waited_too_long_is_not_performed_and_keeps_nobody_away,
    what_failed_once_expires_no_more,
    a_tick_flows_as_its_job_declares,
}

const MINUTE: Duration = Duration::from_secs(60);

/// The ids in the order in which they were performed.
fn order(drained: &Drained) -> Vec<String> {
    drained.runs.iter().map(|run| run.id.to_string()).collect()
}

async fn more_urgent_runs_go_first_and_others_in_the_order_in_which_they_came(testing: &Testing) {
    let id = |number: u64| format!("n{number}").parse().unwrap();
    for (number, priority) in [(1, None), (2, Some(9)), (3, Some(0)), (4, None), (5, Some(0)), (6, Some(6))] {
        let enqueue = testing.enqueue(Notice { number }).id(id(number));
        let _ = match priority {
            Some(level) => enqueue.priority(Priority::at(level)).await,
            None => enqueue.await,
        }
        .unwrap();
    }

    let drained = testing.drain().await.unwrap();

    assert_eq!(order(&drained), ["n3", "n5", "n6", "n1", "n4", "n2"], "the job's own level is 7");
}

async fn tenants_take_turns(testing: &Testing) {
    let exports = |tenant: &'static str, runs: u64| {
        let all = (0..runs).map(move |number| Export { tenant: tenant.into(), number });
        testing.enqueue_all(all).id_by(|job| format!("{}{}", job.tenant, job.number).parse().unwrap())
    };
    exports("big", 1_000).await.unwrap();
    exports("a", 2).await.unwrap();
    exports("b", 2).await.unwrap();

    let drained = testing.drain().await.unwrap();

    assert_eq!(drained.succeeded, 1_004);
    let order = order(&drained);
    let place = |id: &str| order.iter().position(|other| other == id).unwrap();
    assert!(place("a1") < 20 && place("b1") < 20, "{:?}", &order[..20]);
    assert!(place("a0") < place("a1"));
}

async fn what_waited_too_long_is_not_performed_and_keeps_nobody_away(testing: &Testing) {
    testing.enqueue(Alert { number: 1 }).await.unwrap();
    testing.enqueue(Alert { number: 2 }).expires_in(30 * MINUTE).await.unwrap();
    testing.enqueue(Alert { number: 3 }).delay(5 * MINUTE).await.unwrap();
    testing.advance(11 * MINUTE);

    let drained = testing.drain().await.unwrap();

    assert_eq!((drained.succeeded, drained.expired), (2, 1), "{drained}");
    assert_eq!(drained.to_string(), "succeeded 2, expired 1");
    assert_eq!(testing.performed().len(), 2);
    assert!(testing.enqueue(Alert { number: 1 }).await.unwrap().is_new());
}

async fn what_failed_once_expires_no_more(testing: &Testing) {
    testing.enqueue(Flaky).await.unwrap();

    let hours = testing.run_for(130 * MINUTE).queue("alerts").await.unwrap();

    assert_eq!((hours.retried, hours.succeeded, hours.expired), (1, 1, 0), "{hours}");
}

async fn a_tick_flows_as_its_job_declares(testing: &Testing) {
    // The tick of one o'clock is held up for longer than it may wait, that of two o'clock is not.
    testing.queue("ticks").unwrap().pause_for(100 * MINUTE).await.unwrap();

    let hours = testing.run_for(130 * MINUTE).await.unwrap();

    assert_eq!((hours.of("tick").count(), hours.expired), (1, 1), "{hours}");
    // One that is there keeps a tick away.
    testing.enqueue(Tick { name: "tick".into() }).delay(2 * 60 * MINUTE).await.unwrap();
    let hour = testing.run_for(60 * MINUTE).await.unwrap();
    assert_eq!(hour.of("tick").count(), 0, "{hour}");
}
