//! A pause of everything: every queue there is, and every one that comes into being, beside their own pauses.

use std::sync::Arc;
use std::time::Duration;

use mosquito::backend::{Backend, Pause, Paused, Scope, Signal};

use crate::making::{HOUR, Overseer, ids, queue, run};
use crate::store::Store;

facts! {
    while_everything_is_paused_nothing_is_handed_out,
    a_queue_that_comes_into_being_later_is_held_back_from_its_first_run_on,
    a_queue_that_is_not_there_yet_tells_of_the_pause_of_everything,
    to_resume_everything_leaves_a_queue_paused_that_was_so_by_itself,
    to_resume_a_queue_does_not_resume_it_from_the_pause_of_everything,
    of_two_pauses_the_one_that_lasts_longer_is_told,
    a_pause_of_everything_with_a_duration_ends_by_itself,
    a_second_pause_of_everything_replaces_the_first,
    a_pause_of_everything_says_since_when_why_and_by_whom,
    to_resume_everything_signals_the_work_that_waits,
    to_complete_what_is_complete_changes_nothing,
    ; at_once:
    however_many_speak_at_once_all_queues_heed_the_last,
}

async fn pause(store: &Store, scope: &Scope, pause: Pause) {
    store.backend().pause(scope, &pause).await.expect("a pause is answered");
}

async fn resume(store: &Store, scope: &Scope) {
    store.second().resume(scope).await.expect("a resumption is answered");
}

async fn paused(store: &Store, scope: &Scope) -> Option<Paused> {
    store.second().paused(scope).await.expect("a pause is told")
}

async fn put(store: &Store, name: &str, id: &str) {
    let _new = store.backend().enqueue(&queue(name), &[run(id)]).await.expect("it is enqueued");
}

async fn claim(store: &Store, name: &str) -> Vec<String> {
    let ticket = Overseer::named("ann").ticket();
    let claimed = store.second().claim(&queue(name), &ticket, 5).await.expect("a claim is answered");
    ids(&claimed.runs).into_iter().map(Into::into).collect()
}

async fn while_everything_is_paused_nothing_is_handed_out(store: &Store) {
    for name in ["mail", "bulk"] {
        put(store, name, "a").await;
    }
    assert_eq!(paused(store, &Scope::Everything).await, None, "it begins unpaused");

    pause(store, &Scope::Everything, Pause::new()).await;

    for name in ["mail", "bulk"] {
        assert!(claim(store, name).await.is_empty(), "{name} hands out nothing");
        let told = paused(store, &Scope::Queue(queue(name))).await.expect("it is paused");
        assert!(told.everything && told.until.is_none(), "{told:?} tells that everything is");
    }
    resume(store, &Scope::Everything).await;
    for name in ["mail", "bulk"] {
        assert_eq!(claim(store, name).await, ["a"], "{name} goes on");
        assert_eq!(paused(store, &Scope::Queue(queue(name))).await, None, "{name} is not paused any more");
    }
    resume(store, &Scope::Everything).await;
    assert_eq!(paused(store, &Scope::Everything).await, None, "to resume what is not paused changes nothing");
}

async fn a_queue_that_is_not_there_yet_tells_of_the_pause_of_everything(store: &Store) {
    let nowhere = Scope::Queue(queue("nowhere"));

    pause(store, &Scope::Everything, Pause::new().reason("it moves").lasting(HOUR)).await;

    assert_eq!(paused(store, &nowhere).await, paused(store, &Scope::Everything).await);
    resume(store, &Scope::Everything).await;
    assert_eq!(paused(store, &nowhere).await, None);
    assert!(store.backend().queues().await.expect("they are told").is_empty(), "nor did it come to be there");
}

async fn a_queue_that_comes_into_being_later_is_held_back_from_its_first_run_on(store: &Store) {
    pause(store, &Scope::Everything, Pause::new()).await;

    // By a client that knows of no pause.
    let _new = store.second().enqueue(&queue("new"), &[run("a")]).await.expect("it is enqueued");

    assert!(claim(store, "new").await.is_empty(), "it hands out nothing");
    assert!(
        paused(store, &Scope::Queue(queue("new"))).await.is_some_and(|told| told.everything),
        "and says so"
    );
    resume(store, &Scope::Everything).await;
    assert_eq!(claim(store, "new").await, ["a"], "until everything is resumed");
}

async fn to_resume_everything_leaves_a_queue_paused_that_was_so_by_itself(store: &Store) {
    let mail = Scope::Queue(queue("mail"));
    for name in ["mail", "bulk"] {
        put(store, name, "a").await;
    }
    pause(store, &mail, Pause::new().reason("its own")).await;
    pause(store, &Scope::Everything, Pause::new()).await;

    resume(store, &Scope::Everything).await;

    assert!(claim(store, "mail").await.is_empty(), "it hands out nothing");
    let told = paused(store, &mail).await.expect("it is paused");
    assert_eq!((told.everything, told.reason.as_deref()), (false, Some("its own")));
    assert_eq!(claim(store, "bulk").await, ["a"], "the other one goes on");
    resume(store, &mail).await;
    assert_eq!(claim(store, "mail").await, ["a"], "as does the first when it is resumed");
}

async fn to_resume_a_queue_does_not_resume_it_from_the_pause_of_everything(store: &Store) {
    let mail = Scope::Queue(queue("mail"));
    put(store, "mail", "a").await;
    pause(store, &Scope::Everything, Pause::new()).await;
    pause(store, &mail, Pause::new()).await;

    resume(store, &mail).await;

    assert!(claim(store, "mail").await.is_empty(), "everything is paused still");
    resume(store, &Scope::Everything).await;
    assert_eq!(claim(store, "mail").await, ["a"], "and its own pause is over");
}

async fn of_two_pauses_the_one_that_lasts_longer_is_told(store: &Store) {
    let mail = Scope::Queue(queue("mail"));
    put(store, "mail", "a").await;
    let tells_everything = async || paused(store, &mail).await.expect("it is paused").everything;

    pause(store, &mail, Pause::new().lasting(HOUR)).await;
    pause(store, &Scope::Everything, Pause::new().lasting(HOUR * 2)).await;
    assert!(tells_everything().await, "everything resumes an hour later");
    pause(store, &mail, Pause::new()).await;
    assert!(!tells_everything().await, "the queue does not resume by itself");
    pause(store, &Scope::Everything, Pause::new()).await;
    assert!(!tells_everything().await, "nor does everything: then its own pause is told");
}

async fn a_pause_of_everything_with_a_duration_ends_by_itself(store: &Store) {
    let duration = Duration::from_secs(2);
    put(store, "mail", "a").await;

    pause(store, &Scope::Everything, Pause::new().lasting(duration)).await;

    put(store, "new", "b").await;
    assert!(claim(store, "mail").await.is_empty() && claim(store, "new").await.is_empty(), "until then");
    let until = |told: Option<Paused>| told.and_then(|told| told.until).expect("it ends");
    let of_queue = until(paused(store, &Scope::Queue(queue("mail"))).await);
    assert_eq!(
        of_queue,
        until(paused(store, &Scope::Everything).await),
        "a queue tells when everything resumes"
    );
    store.pass(duration).await;
    assert_eq!((claim(store, "mail").await, claim(store, "new").await), (vec!["a".into()], vec!["b".into()]));
    assert_eq!(paused(store, &Scope::Everything).await, None, "and no pause is told any more");
    put(store, "newer", "c").await;
    assert_eq!(claim(store, "newer").await, ["c"], "nor does it concern what comes later");
}

async fn a_second_pause_of_everything_replaces_the_first(store: &Store) {
    let short = Duration::from_millis(50);
    put(store, "mail", "a").await;
    pause(store, &Scope::Everything, Pause::new().lasting(short)).await;

    pause(store, &Scope::Everything, Pause::new()).await;
    store.pass(short * 2).await;

    assert!(claim(store, "mail").await.is_empty(), "the second has no end");
    pause(store, &Scope::Everything, Pause::new().lasting(Duration::ZERO)).await;
    assert_eq!(claim(store, "mail").await, ["a"], "the third is over as it begins");
}

async fn a_pause_of_everything_says_since_when_why_and_by_whom(store: &Store) {
    put(store, "mail", "a").await;
    let before = store.now().await;

    pause(store, &Scope::Everything, Pause::new().reason("\"number\":1 {mail} 100 %").author("ada, ops"))
        .await;

    let after = store.now().await;
    for scope in [Scope::Everything, Scope::Queue(queue("mail"))] {
        let told = paused(store, &scope).await.expect("it is paused");
        let since = told.since.expect("it is told since when");
        if store.clock().is_some() {
            assert!(before <= since && since <= after, "{scope}: since {since}");
        }
        assert_eq!(told.reason.as_deref(), Some("\"number\":1 {mail} 100 %"), "{scope}");
        assert_eq!(told.author.as_deref(), Some("ada, ops"), "{scope}");
    }
}

async fn to_resume_everything_signals_the_work_that_waits(store: &Store) {
    let queues = [queue("mail"), queue("bulk")];
    pause(store, &Scope::Everything, Pause::new()).await;
    for name in ["mail", "bulk"] {
        put(store, name, "a").await;
    }
    let wait =
        async |time| store.second().wait(Signal::Work, &queues, time).await.expect("a wait is answered");
    while wait(Duration::from_millis(300)).await.is_some() {}

    resume(store, &Scope::Everything).await;

    let heard = [wait(Duration::from_secs(20)).await, wait(Duration::from_secs(20)).await];
    assert!(heard.contains(&Some(queue("mail"))) && heard.contains(&Some(queue("bulk"))), "{heard:?}");
}

async fn to_complete_what_is_complete_changes_nothing(store: &Store) {
    put(store, "mail", "a").await;
    let complete = async |store: &Arc<dyn Backend>| {
        store.complete_pause(&[queue("mail"), queue("nowhere")]).await.expect("it is answered");
    };
    let mail = Scope::Queue(queue("mail"));

    complete(store.backend()).await;
    assert_eq!(paused(store, &mail).await, None, "nothing was ever paused");
    pause(store, &Scope::Everything, Pause::new()).await;
    let before = paused(store, &mail).await;
    complete(store.second()).await;
    assert_eq!(paused(store, &mail).await, before, "it is paused as it was");
    resume(store, &Scope::Everything).await;
    complete(store.backend()).await;
    assert_eq!(claim(store, "mail").await, ["a"], "it goes on");
}

async fn however_many_speak_at_once_all_queues_heed_the_last(store: &Store) {
    const SPEAKERS: usize = 8;
    let tasks: Vec<_> = (0..SPEAKERS)
        .map(|speaker| {
            let backend = if speaker % 2 == 0 { store.backend() } else { store.second() }.clone();
            tokio::spawn(async move {
                for word in 0..15 {
                    let name = queue(&format!("queue-{speaker}-{word}"));
                    let _new = backend.enqueue(&name, &[run("a")]).await.expect("it is enqueued");
                    let said = match (speaker + word) % 3 {
                        0 => backend.resume(&Scope::Everything).await,
                        _ => backend.pause(&Scope::Everything, &Pause::new()).await,
                    };
                    said.expect("it is answered");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("nobody panics");
    }

    let everything = paused(store, &Scope::Everything).await;
    let queues = store.backend().queues().await.expect("queues are told");
    assert_eq!(queues.len(), SPEAKERS * 15);
    for name in queues {
        assert_eq!(
            paused(store, &Scope::Queue(name.clone())).await,
            everything,
            "{name} heeds what was said last"
        );
    }
    resume(store, &Scope::Everything).await;
    assert_eq!(claim(store, "queue-7-14").await, ["a"], "and it is not the last word");
}
