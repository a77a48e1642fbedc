//! Many runs cancelled at once, by what they are.

use std::time::Duration;

use mosquito::backend::{BATCH_LIMIT, Cancelled, List};
use mosquito::{Filter, Mosquito, When};

use crate::making::{HOUR, Overseer, numbered, run, run_id, run_in, run_with, runs};
use crate::store::Store;

facts! {
    a_filter_cancels_what_it_means_and_nothing_else,
    a_filter_is_told_what_is_being_performed,
    everything_in_a_long_queue_is_cancelled,
}

fn client(store: &Store) -> mosquito::Queue {
    let mosquito = Mosquito::new(store.backend().clone());
    mosquito.queue(store.queue().as_str()).expect("it is a name")
}

async fn a_filter_cancels_what_it_means_and_nothing_else(store: &Store) {
    let to = |name: &str| format!(r#"{{"to":"{name}"}}"#);
    store.put_runs(&[run("a"), run_with("b", &to("bob"), When::Now), run_in("c", HOUR)]).await;
    store.pass(Duration::from_millis(5)).await;
    let since = store.now().await;
    store.pass(Duration::from_millis(5)).await;
    store.put(&["d"]).await;
    let queue = client(store);
    let removed = async |filter| {
        let count = queue.cancel_where(filter).await.expect("it is answered");
        assert_eq!(count.running, 0);
        count.removed
    };

    assert_eq!(removed(Filter::new().job_named("another_job")).await, 0);
    assert_eq!(removed(Filter::new().list(List::Dead)).await, 0, "what is dead is nothing to cancel");
    assert_eq!(removed(Filter::new().list(List::Scheduled)).await, 1);
    let bobs = Filter::new().job_named("send_letter").matching(|run| run.args.get().contains("bob"));
    assert_eq!(removed(bobs).await, 1);
    assert_eq!(store.list(List::Waiting).await, ["a", "d"]);
    assert_eq!(removed(Filter::new().enqueued_before(since)).await, 1, "but for what is new");
    assert_eq!(store.list(List::Waiting).await, ["d"]);
    assert_eq!(removed(Filter::new()).await, 1);
    assert_eq!(store.sizes().await.total(), 0);
}

async fn a_filter_is_told_what_is_being_performed(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c"]).await;
    store.claim(&ann, 2).await;
    let queue = client(store);

    let count = queue.cancel_where(Filter::new()).await.expect("it is answered");

    assert_eq!((count.removed, count.running), (1, 2));
    let marked = store.backend().cancelled(store.queue(), &ann.id).await.expect("it is answered");
    assert_eq!(marked.len(), 2);
    let one = queue.cancel(&run_id("a")).await.expect("it is answered");
    assert_eq!(one, Cancelled::Running(ann.id.clone()), "one at a time, too");
}

async fn everything_in_a_long_queue_is_cancelled(store: &Store) {
    let all = numbered(7_000);
    store.put_runs(&runs(&all)).await;
    let is_odd = |run: &mosquito::backend::StoredRun| run.id.as_str().ends_with(['1', '3', '5', '7', '9']);

    // Every other one is another job's.
    let queue = client(store);
    let mut odd = Vec::new();
    for offset in (0..all.len()).step_by(BATCH_LIMIT) {
        odd.extend(store.page(List::Waiting, offset, BATCH_LIMIT).await.into_iter().filter(is_odd));
    }
    let odd: Vec<_> = odd.into_iter().map(|run| run.id).collect();
    store.backend().cancel(store.queue(), &odd).await.expect("it is answered");
    let count = queue.cancel_where(Filter::new()).await.expect("it is answered");

    assert_eq!((odd.len(), count.removed), (3_500, 3_500));
    assert_eq!(store.list(List::Waiting).await, [""; 0]);
    assert!(store.claim(&Overseer::named("ann"), 10).await.is_empty());
}
