//! Into `waiting` or `scheduled`, once.

use mosquito::backend::{BATCH_LIMIT, Enqueued, Fate, List};
use mosquito::{Timestamp, When, stamped};
use serde_json::Value;

use crate::making::{
    HOUR, Overseer, banish, ids, numbered, run, run_id, run_in, run_when, run_with, runs, tokens,
};
use crate::store::Store;

facts! {
    each_run_is_answered_in_the_order_given,
    an_id_twice_in_one_call_is_enqueued_once,
    a_repeated_enqueue_changes_nothing,
    a_duplicate_leaves_the_run_as_it_is_in_every_list,
    an_id_is_free_again_when_its_run_is_gone,
    runs_wait_in_the_order_of_enqueue_whoever_enqueues,
    a_run_for_later_stands_in_scheduled,
    a_run_for_a_time_that_is_past_waits_at_once,
    the_longest_delay_is_no_error,
    an_envelope_is_the_body_with_the_time_of_enqueue,
    arguments_survive_byte_for_byte,
    a_full_batch_is_taken_in_one_call,
}

async fn each_run_is_answered_in_the_order_given(store: &Store) {
    store.put(&["b"]).await;

    let answers = store.enqueue(&[run("a"), run("b"), run_in("c", HOUR)]).await;

    let expected = [Enqueued::New(run_id("a")), Enqueued::Duplicate(run_id("b")), Enqueued::New(run_id("c"))];
    assert_eq!(answers, expected, "one answer for each, in order");
    assert_eq!(store.enqueue(&[]).await, [], "and none for none");
}

async fn an_id_twice_in_one_call_is_enqueued_once(store: &Store) {
    let answers = store.enqueue(&[run("a"), run_in("a", HOUR), run("b")]).await;

    let new: Vec<bool> = answers.iter().map(Enqueued::is_new).collect();
    assert_eq!(new, [true, false, true], "the second of the same id is a duplicate");
    assert_eq!(store.list(List::Waiting).await, ["a", "b"], "the first is the one that counts");
    assert_eq!(store.sizes().await.total(), 2, "and there is no other");
}

async fn a_repeated_enqueue_changes_nothing(store: &Store) {
    let batch = [run("a"), run_in("b", HOUR)];
    store.put_runs(&batch).await;
    let before = store.everything().await;

    let answers = store.enqueue(&batch).await;

    assert!(!answers.iter().any(Enqueued::is_new), "the runs are there already: {answers:?}");
    assert_eq!(store.everything().await, before, "and stay as they are");
}

async fn a_duplicate_leaves_the_run_as_it_is_in_every_list(store: &Store) {
    let ann = Overseer::named("ann");
    let dead = store.claimed("dead", &ann).await;
    store.settle_one(&dead, banish()).await;
    store.claimed("pending", &ann).await;
    store.put_runs(&[run("waiting"), run_in("scheduled", HOUR)]).await;
    let before = store.everything().await;
    store.pass(std::time::Duration::from_millis(5)).await;

    for id in ["waiting", "pending", "scheduled", "dead"] {
        let others = [run_with(id, "\"other\"", When::Now), run_with(id, "\"other\"", When::After(HOUR * 9))];
        let answers = store.enqueue(&others).await;

        assert!(!answers.iter().any(Enqueued::is_new), "a {id} run is a run: {answers:?}");
    }

    assert_eq!(store.everything().await, before, "place, time, envelope and history are what they were");
}

async fn an_id_is_free_again_when_its_run_is_gone(store: &Store) {
    let ann = Overseer::named("ann");
    let first = store.claimed("a", &ann).await;
    store.settle_one(&first, Fate::Forget).await;

    let answers = store.enqueue(&[run("a")]).await;

    assert_eq!(answers, [Enqueued::New(run_id("a"))], "the queue does not hold that id any more");
    let again = store.claim(&ann, 1).await;
    assert_ne!(tokens(&again), [first.token], "and the new run's claim is another one");
}

async fn runs_wait_in_the_order_of_enqueue_whoever_enqueues(store: &Store) {
    store.put(&["z", "y"]).await;
    let elsewhere = store.second().enqueue(store.queue(), &[run("m"), run("a")]).await;
    store.put(&["b"]).await;

    assert_eq!(elsewhere.expect("the other handle works too").len(), 2, "it answers for each");
    assert_eq!(store.list(List::Waiting).await, ["z", "y", "m", "a", "b"], "first come, first served");
}

async fn a_run_for_later_stands_in_scheduled(store: &Store) {
    let before = store.now().await;
    let at = before + chrono::TimeDelta::hours(2);

    store.put_runs(&[run_when("at", When::At(at)), run_in("after", HOUR), run("now")]).await;

    let after = store.now().await;
    assert_eq!(store.list(List::Waiting).await, ["now"], "only what is for now waits");
    assert_eq!(store.list(List::Scheduled).await, ["after", "at"], "the rest stands by its time");
    let due = |id| async move { store.find(id).await.and_then(|run| run.at).expect("it has a due time") };
    assert_eq!(due("at").await, at, "a time is kept as it was given");
    let (due, hour) = (due("after").await, chrono::TimeDelta::hours(1));
    assert!(before + hour <= due && due <= after + hour, "{due} is an hour from the enqueue");
}

async fn a_run_for_a_time_that_is_past_waits_at_once(store: &Store) {
    let now = store.now().await;
    let past = [
        run_when("a", When::At(now)),
        run_when("b", When::At(now - chrono::TimeDelta::days(1))),
        run_when("c", When::At(Timestamp::UNIX_EPOCH)),
        run_when("d", When::At(Timestamp::MIN_UTC)),
        run_when("e", When::After(std::time::Duration::ZERO)),
    ];

    store.put_runs(&past).await;

    assert_eq!(store.list(List::Waiting).await, ["a", "b", "c", "d", "e"], "in the order given");
}

async fn the_longest_delay_is_no_error(store: &Store) {
    let endless = [
        run_in("after", std::time::Duration::MAX),
        run_when("at", When::At(Timestamp::MAX_UTC)),
        run_in("years", HOUR * 24 * 366 * 100),
    ];

    store.put_runs(&endless).await;

    assert_eq!(store.sizes().await.scheduled, 3, "all are for later");
    let promoted = store.promote(10).await;
    assert_eq!(promoted.moved, 0, "and not due");
    assert!(promoted.next_due > Some(HOUR * 24 * 366 * 99), "for long: {promoted:?}");
}

async fn an_envelope_is_the_body_with_the_time_of_enqueue(store: &Store) {
    let new = run("a");
    let before = store.now().await;

    store.put_runs(std::slice::from_ref(&new)).await;

    let (after, stored) = (store.now().await, store.find("a").await.expect("it is there"));
    let envelope: Value = serde_json::from_slice(&stored.envelope).expect("an envelope is JSON");
    let at = envelope["enqueued_at"].as_i64().expect("it tells the time of enqueue, in milliseconds");
    let at = Timestamp::from_timestamp_millis(at).expect("which is a time");
    assert!(before <= at && at <= after, "{at} is when the backend took it: {before} to {after}");
    assert_eq!(stored.envelope, stamped(new.body(), at).as_bytes(), "and nothing else is added");
    assert_eq!(envelope["job"], "send_letter", "the job is in it");
    assert_eq!(envelope["v"], mosquito::WIRE_VERSION, "and so is the version");
}

async fn arguments_survive_byte_for_byte(store: &Store) {
    let large = format!("\"{}\"", "0123456789abcdef".repeat(200 * 1024 / 16));
    let arguments = [
        r#"{"name":"Zoë \"🦟\" O'Neill","lines":"one\ntwo\r\n\tthree","zero":"\u0000"}"#,
        "\"märz, 三月, مارس\u{2028}\u{200d}\u{feff}\"",
        r#"{ "spaces" : [ 1 , 2 ] , "empty":[], "none":{} , "deep":[[[[[[null]]]]]] }"#,
        r#"[9223372036854775807,18446744073709551615,0.1,1e308,-0.0,12345678901234567890123]"#,
        r#""'; DROP TABLE runs; -- {mail} %s $1 ?1 \\ ]]""#,
        &large,
    ];
    let news: Vec<_> = arguments.iter().zip(numbered(9)).map(|(a, id)| run_with(&id, a, When::Now)).collect();

    store.put_runs(&news).await;

    let page = store.page(List::Waiting, 0, 10).await;
    let claims = store.claim(&Overseer::named("ann"), 10).await;
    assert_eq!((page.len(), claims.len()), (news.len(), news.len()), "all of them are there");
    for ((new, stored), claim) in news.iter().zip(&page).zip(&claims) {
        let members = new.body().strip_prefix('{').expect("a body is an object");
        assert!(stored.envelope.ends_with(members.as_bytes()), "{} is stored as given", new.id);
        assert_eq!(claim.envelope, stored.envelope, "{} is handed out as stored", new.id);
    }
}

async fn a_full_batch_is_taken_in_one_call(store: &Store) {
    let expected = numbered(BATCH_LIMIT);

    let answers = store.enqueue(&runs(&expected)).await;

    let answered: Vec<_> = answers.iter().map(|answer| answer.id().as_str()).collect();
    assert_eq!(answered, expected, "each is answered");
    let claims = store.claim(&Overseer::named("ann"), BATCH_LIMIT).await;
    assert_eq!(ids(&claims), expected, "and each can be claimed");
}
