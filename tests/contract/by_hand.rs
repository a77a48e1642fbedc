//! What somebody wrote into Redis by hand: it is kept, told, and holds nobody up.

use std::time::Duration;

use mosquito::backend::redis::Redis;
use mosquito::backend::{
    Backend, Cancelled, Enqueued, Fate, List, NoteChange, Notebook, Pause, Rescue, Scope, Settled, StoredRun,
};
use mosquito::{Error, Fair, Flow, FlowKey, Priority, QueueName};

use crate::making::{
    HOUR, Overseer, banish, ids, numbered, queue, reschedule, rescue_after, run, run_id, run_in, runs,
    settlements,
};
use crate::store::REDIS;

/// A store of the test's own, and its queue.
async fn store(prefix: &str) -> (Redis, QueueName) {
    (Redis::connect(&REDIS.url(), prefix).await.expect("the server answers"), queue("mail"))
}

/// Runs a script on two keys of the queue: texts of Lua can name any bytes.
fn write(prefix: &str, keys: [&str; 2], script: &str) {
    let keys = keys.map(|key| format!("{prefix}:{{mail}}:{key}"));
    REDIS.command::<()>(&["EVAL", script, "2", &keys[0], &keys[1]]);
}

const ENVELOPE: &str = r#"{"enqueued_at":1,"v":1,"job":"send_letter","args":{}}"#;

/// Puts runs of these ids, as Lua writes them, into `waiting`.
fn put(prefix: &str, ids: &[&str]) {
    for id in ids {
        let script =
            format!("redis.call('HSET', KEYS[1], '{id}', '{ENVELOPE}') redis.call('LPUSH', KEYS[2], '{id}')");
        write(prefix, ["runs", "waiting"], &script);
    }
}

async fn page(redis: &Redis, queue: &QueueName, list: List) -> Vec<StoredRun> {
    redis.page(queue, list, 0, 100).await.expect("a page is read")
}

/// Each of them breaks another rule of UTF-8.
const NO_TEXT: [&str; 8] = [
    r"\255",
    r"a\128b",
    r"cut-\195",
    r"cut-\226\130",
    r"cut-\240\159\152",
    r"overlong-\224\128\128",
    r"surrogate-\237\160\128",
    r"beyond-\244\144\128\128",
];

#[tokio::test]
async fn a_run_whose_id_is_no_text_is_dead_with_the_reason_and_the_others_are_performed() {
    let (redis, mail) = store("no-text").await;
    let _put = redis.enqueue(&mail, &[run("before")]).await.expect("it is enqueued");
    put("no-text", &NO_TEXT);
    let _put = redis.enqueue(&mail, &[run("after")]).await.expect("it is enqueued");

    let claimed =
        redis.claim(&mail, &Overseer::named("ann").ticket(), 100).await.expect("it is answered").runs;

    assert_eq!(ids(&claimed), ["before", "after"], "what can be named can be settled");
    let settled = redis.settle(&mail, &settlements(&claimed, &Fate::Forget)).await.expect("it is answered");
    assert_eq!(settled, [Settled::Done, Settled::Done], "and is");
    let dead = page(&redis, &mail, List::Dead).await;
    assert_eq!(dead.len(), NO_TEXT.len(), "the others are kept");
    for run in dead {
        assert_eq!(run.envelope, ENVELOPE.as_bytes(), "with what they are");
        let error = run.history.error.expect("it says why");
        assert!(error.contains("not UTF-8"), "for the one who reads it: {error}");
    }
    assert_eq!(
        redis.sizes(&mail).await.expect("sizes are told").total(),
        NO_TEXT.len(),
        "and are nowhere else"
    );
    assert_eq!(
        redis.prune(&mail, 0, Duration::ZERO, 100).await.expect("it is answered"),
        NO_TEXT.len(),
        "or pruned"
    );
}

#[tokio::test]
async fn an_id_outside_of_our_alphabet_is_a_name_like_any_other() {
    let (redis, mail) = store("other-text").await;
    let names = ["straße", "日本語", "😀", "a b", "a/b/c/d/e/f", "ÿ\u{10ffff}\u{7ff}\u{800}\u{d7ff}\u{e000}"];
    put("other-text", &names);

    let claimed =
        redis.claim(&mail, &Overseer::named("ann").ticket(), 100).await.expect("it is answered").runs;

    assert_eq!(ids(&claimed), names, "it is claimed by its name");
    let settled = redis.settle(&mail, &settlements(&claimed, &banish())).await.expect("it is answered");
    assert_eq!(settled, vec![Settled::Done; names.len()], "and settled by it");
}

#[tokio::test]
async fn a_claim_on_an_id_that_is_no_text_is_taken_back_and_then_dead() {
    let (redis, mail) = store("no-text-pending").await;
    write(
        "no-text-pending",
        ["runs", "pending"],
        &format!(
            r"redis.call('HSET', KEYS[1], '\255', '{ENVELOPE}')
              redis.call('ZADD', KEYS[2], 0, 'ann/0000000000000001/000/1/\255')"
        ),
    );
    write("no-text-pending", ["owners", "tickets"], "redis.call('ZADD', KEYS[1], 1, 'ann')");

    let rescue = Rescue { at_most: 10, ..rescue_after(Duration::ZERO) };
    let rescued = redis.rescue(&mail, &rescue).await.expect("it is answered");
    let claimed = redis.claim(&mail, &Overseer::named("bob").ticket(), 1).await.expect("it is answered");

    assert_eq!(rescued.rescued.len(), 1, "an older release had claimed it");
    assert!(claimed.runs.is_empty(), "nobody gets it");
    let dead = page(&redis, &mail, List::Dead).await;
    assert_eq!((dead.len(), dead[0].history.crashes), (1, 1), "it is dead, with its history");
}

#[tokio::test]
async fn signals_that_nobody_takes_do_not_pile_up() {
    let (redis, mail) = store("signals").await;
    let ann = Overseer::named("ann");
    for round in 0..5 {
        let ids = [format!("now-{round}"), format!("more-{round}")];
        let _put = redis.enqueue(&mail, &ids.each_ref().map(|id| run(id))).await.expect("it is enqueued");
        // Each is due before all that were scheduled until then.
        let later = run_in(&format!("later-{round}"), HOUR * (9 - round));
        let _put = redis.enqueue(&mail, &[later]).await.expect("it is enqueued");
        let claims = redis.claim(&mail, &ann.ticket(), 1).await.expect("it is answered").runs;
        redis.settle(&mail, &settlements(&claims, &Fate::HandBack)).await.expect("it is answered");
        let claims = redis.claim(&mail, &ann.ticket(), 1).await.expect("it is answered").runs;
        redis
            .settle(&mail, &settlements(&claims, &reschedule(Duration::ZERO)))
            .await
            .expect("it is answered");
        redis.promote(&mail, 9).await.expect("it is answered");
        redis.claim(&mail, &ann.ticket(), 1).await.expect("it is answered");
        redis.recall(&mail, &ann.ticket()).await.expect("it is answered");
        redis.claim(&mail, &ann.ticket(), 1).await.expect("it is answered");
        redis.rescue(&mail, &rescue_after(Duration::ZERO)).await.expect("it is answered");
        redis.resume(&(&mail).into()).await.expect("it is answered");
    }

    let length = |key| REDIS.command::<usize>(&["LLEN", &format!("signals:{{mail}}:{key}")]);
    assert_eq!((length("wake"), length("due")), (1, 1), "one is as good as a hundred");
}

#[tokio::test]
async fn a_run_deep_in_a_long_list_leaves_nothing_behind() {
    let (redis, mail) = store("long").await;
    let ann = Overseer::named("ann");
    let all = numbered(9_000);
    for batch in runs(&all).chunks(1_000) {
        let _put = redis.enqueue(&mail, batch).await.expect("it is enqueued");
    }
    let deleted = ["run-0000", "run-2499", "run-2500", "run-5000", "run-6123", "run-8999"];

    for id in deleted {
        assert!(redis.delete(&mail, &run_id(id)).await.expect("it is answered"), "{id} was there");
        assert!(!redis.delete(&mail, &run_id(id)).await.expect("it is answered"), "{id} is not any more");
    }
    let again = redis.enqueue(&mail, &deleted.map(run)).await.expect("it is enqueued");

    assert!(again.iter().all(Enqueued::is_new), "it can come again");
    let mut claimed = Vec::new();
    // A blank counts as a run until it is come to, so a claim may get fewer than it asks for.
    for _ in 0..12 {
        let claims = redis.claim(&mail, &ann.ticket(), 1_000).await.expect("it is answered").runs;
        claimed.extend(claims.into_iter().map(|claim| claim.id.to_string()));
    }
    let mut expected: Vec<_> = all.into_iter().filter(|id| !deleted.contains(&id.as_str())).collect();
    expected.extend(deleted.map(String::from));
    assert!(
        claimed == expected,
        "each is claimed once, in its turn: {} of {}",
        claimed.len(),
        expected.len()
    );
}

#[tokio::test]
async fn a_run_whose_flow_cannot_be_read_is_a_plain_one() {
    let ((redis, mail), ann) = (store("no-flow").await, Overseer::named("ann"));
    let level = Flow { priority: Priority::FIRST, ..Flow::default() };
    let fair = Flow { fair: Some(Fair { key: FlowKey::all(), weight: 1 }), ..Flow::default() };
    let garbled = ["", "+ 5 {", "- 5 []", "7 5 7\n,,", "7 x {}\n,,", "7 5 {}\n,", "7 5 {\n,,"];
    for (n, text) in garbled.into_iter().enumerate() {
        for (which, flow) in [("level", &level), ("fair", &fair)] {
            let id = format!("{which}-{n}");
            let _put = redis.enqueue(&mail, &[run(&id).flowing(flow.clone())]).await.expect("it is enqueued");
            REDIS.command::<()>(&["HSET", "no-flow:{mail}:flows", &id, text]);
        }
    }
    let _put = redis.enqueue(&mail, &[run("good").flowing(fair)]).await.expect("it is enqueued");

    let claimed = redis.claim(&mail, &ann.ticket(), 100).await.expect("it is answered").runs;

    assert_eq!(claimed.len(), 2 * garbled.len() + 1, "none is lost: {:?}", ids(&claimed));
    let settled = redis.settle(&mail, &settlements(&claimed, &Fate::Forget)).await.expect("it is answered");
    assert!(settled.iter().all(|settled| *settled == Settled::Done), "{settled:?}");
    assert_eq!(redis.sizes(&mail).await.expect("sizes are told").total(), 0);
}

#[tokio::test]
async fn lanes_of_which_nothing_is_known_hold_nobody_up() {
    let ((redis, mail), ann) = (store("odd-lanes").await, Overseer::named("ann"));
    let level = Flow { priority: Priority::FIRST, ..Flow::default() };
    let _put = redis.enqueue(&mail, &[run("good").flowing(level)]).await.expect("it is enqueued");
    for (key, member) in
        [("ready", "0#none"), ("blocked", "x"), ("blocked", "000000000007/5#none"), ("parked", "x")]
    {
        REDIS.command::<()>(&["ZADD", &format!("odd-lanes:{{mail}}:{key}"), "1", member]);
    }

    redis.promote(&mail, 100).await.expect("it is answered");
    let claimed = redis.claim(&mail, &ann.ticket(), 100).await.expect("it is answered").runs;

    assert_eq!(ids(&claimed), ["good"]);
    for key in ["ready", "blocked"] {
        let left: u32 = REDIS.command(&["ZCARD", &format!("odd-lanes:{{mail}}:{key}")]);
        assert_eq!(left, 0, "{key}");
    }
}

#[tokio::test]
async fn a_pause_of_an_earlier_release_or_by_hand_is_one() {
    let (redis, mail) = store("old-pause").await;
    let _put = redis.enqueue(&mail, &[run("a")]).await.expect("it is enqueued");
    let later = chrono::Utc::now().timestamp_millis() + 3_600_000;
    let told = async || redis.paused(&(&mail).into()).await.expect("it is told");

    for (text, until) in [("0".into(), None), (later.to_string(), Some(later)), ("yes".into(), None)] {
        REDIS.command::<()>(&["SET", "old-pause:{mail}:paused", &text]);

        let paused = told().await.expect("it is paused");
        assert_eq!((paused.since, paused.everything), (None, false), "`{text}` does not say since when");
        assert_eq!(paused.until.map(|until| until.timestamp_millis()), until, "`{text}`");
        let claimed = redis.claim(&mail, &Overseer::named("ann").ticket(), 1).await.expect("it is answered");
        assert!(claimed.runs.is_empty(), "`{text}` holds it back");
    }
    redis.resume(&(&mail).into()).await.expect("it is resumed");
    assert_eq!(told().await, None);
    REDIS.command::<()>(&["SET", "old-pause:{mail}:paused", "1000"]);
    assert_eq!(told().await, None, "one that has ended is none");
    let claimed = redis.claim(&mail, &Overseer::named("ann").ticket(), 1).await.expect("it is answered");
    assert_eq!(ids(&claimed.runs), ["a"]);
}

#[tokio::test]
async fn a_queue_that_missed_what_was_said_of_everything_is_told_and_what_is_older_is_not_heeded() {
    let (redis, mail) = store("missed").await;
    let _put = redis.enqueue(&mail, &[run("a")]).await.expect("it is enqueued");
    let held = async || {
        let claimed = redis.claim(&mail, &Overseer::named("ann").ticket(), 1).await.expect("it is answered");
        let settled = redis.settle(&mail, &settlements(&claimed.runs, &Fate::HandBack)).await;
        settled.expect("it is answered").is_empty()
    };
    redis.pause(&Scope::Everything, &Pause::new()).await.expect("it is paused");
    let word: String = REDIS.command(&["GET", "missed:{mail}:held"]);
    REDIS.command::<()>(&["DEL", "missed:{mail}:held"]);
    assert!(!held().await, "as if its caller had died before");

    let (other, _) = store("missed").await;
    other.complete_pause(std::slice::from_ref(&mail)).await.expect("it is answered");
    assert!(held().await, "another client told it");
    redis.resume(&Scope::Everything).await.expect("it is resumed");
    let hash = "missed:{mail}:held";
    let after: String = REDIS.command(&["GET", hash]);
    let script = include_str!("../../mosquito/src/backend/redis/scripts/hold.lua");
    REDIS.command::<()>(&["EVAL", script, "2", hash, "missed:{mail}:wake", &word]);
    assert_eq!(
        REDIS.command::<String>(&["GET", hash]),
        after,
        "a word that was long on its way is not the last"
    );
    assert!(!held().await);
}

#[tokio::test]
async fn what_somebody_else_keeps_under_a_key_of_the_store_is_named_and_stays() {
    let (redis, mail) = store("foreign-store").await;
    let _put = redis.enqueue(&mail, &[run("a")]).await.expect("it is enqueued");
    let everything = "foreign-store:{foreign-store:queues}:everything";
    REDIS.command::<()>(&["RPUSH", everything, "x"]);
    REDIS.command::<()>(&["SET", "foreign-store:configuration", "x"]);
    let job = Notebook::Job(crate::making::job("report"));
    REDIS.command::<()>(&["SET", "foreign-store:{meta:report}", "x"]);
    let set = NoteChange::Set("1".into());

    let errors = [
        (redis.pause(&Scope::Everything, &Pause::new()).await.expect_err("it is refused"), everything),
        (redis.paused(&Scope::Everything).await.expect_err("it is refused"), everything),
        (redis.complete_pause(&[mail]).await.expect_err("it is refused"), everything),
        (redis.notes(&Notebook::Configuration).await.expect_err("it is"), "foreign-store:configuration"),
        (redis.change_note(&job, "k", &set).await.expect_err("it is"), "foreign-store:{meta:report}"),
        (redis.note(&job, "k").await.expect_err("it is"), "foreign-store:{meta:report}"),
    ];

    for (error, expected) in errors {
        assert!(matches!(&error, Error::ForeignKey { key, .. } if key == expected), "{expected}: {error:?}");
    }
    let new =
        redis.enqueue(&queue("new"), &[run("b")]).await.expect_err("it may be that everything is paused");
    assert!(matches!(&new, Error::ForeignKey { key, .. } if key == everything), "{new:?}");
    assert_eq!(REDIS.command::<String>(&["TYPE", everything]), "list", "it is as it was");
}

#[tokio::test]
async fn a_mark_on_an_earlier_claim_means_nothing_to_the_next() {
    let (redis, mail) = store("old-mark").await;
    let ann = Overseer::named("ann");
    let _put = redis.enqueue(&mail, &[run("a")]).await.expect("it is enqueued");
    let _claimed = redis.claim(&mail, &ann.ticket(), 1).await.expect("it is answered");
    let _marked = redis.cancel(&mail, &[run_id("a")]).await.expect("it is answered");

    // As a release settles it that knows of no marks.
    write("old-mark", ["pending", "waiting"], "redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[2], 'a')");
    let claims = redis.claim(&mail, &ann.ticket(), 1).await.expect("it is answered").runs;
    let settled =
        redis.settle(&mail, &settlements(&claims, &reschedule(HOUR))).await.expect("it is answered");

    assert_eq!(settled, [Settled::Done]);
    assert_eq!(page(&redis, &mail, List::Scheduled).await.len(), 1, "it goes where its fate says");
    assert!(
        redis.cancelled(&mail, &ann.id).await.expect("it is answered").is_empty(),
        "and the mark is gone"
    );
}

#[tokio::test]
async fn a_cancelled_run_that_stands_in_no_list_is_gone() {
    let (redis, mail) = store("nowhere").await;
    write("nowhere", ["runs", "waiting"], &format!("redis.call('HSET', KEYS[1], 'a', '{ENVELOPE}')"));

    let answer = redis.cancel(&mail, &[run_id("a")]).await.expect("it is answered");

    assert_eq!(answer, [Cancelled::Removed]);
    assert_eq!(redis.find(&mail, &run_id("a")).await.expect("it is answered"), None);
}

#[tokio::test]
async fn a_log_that_nobody_understands_costs_a_rescued_run_only_that_log() {
    let (redis, mail) = store("odd-log").await;
    let ann = Overseer::named("ann");
    for (id, log) in [("object", "{}"), ("number", "7"), ("null", "null"), ("text", r#""x""#)] {
        let _put = redis.enqueue(&mail, &[run(id)]).await.expect("it is enqueued");
        let history = format!(r#"{{"attempts":3,"error":"no","log":{log}}}"#);
        write("odd-log", ["history", "runs"], &format!("redis.call('HSET', KEYS[1], '{id}', '{history}')"));
    }
    assert_eq!(redis.claim(&mail, &ann.ticket(), 9).await.expect("it is answered").runs.len(), 4);

    redis.rescue(&mail, &rescue_after(Duration::ZERO)).await.expect("it is answered");

    for run in page(&redis, &mail, List::Waiting).await {
        let numbers: Vec<_> = run.history.log.iter().map(|attempt| attempt.number).collect();
        assert_eq!((run.history.attempts, numbers), (4, vec![4]), "{}", run.id);
    }
}
