//! Arguments of other versions, and arguments that are nobody's business.

use mosquito::backend::List;
use mosquito::testing::Testing;
use mosquito::{Body, JobName, NewRun, QueueName, RunId, When};
use serde_json::value::RawValue;

use crate::jobs::Greet;
use crate::stores::noon;

facts! {
    a_run_of_an_older_version_is_upgraded_before_it_is_performed,
    an_upgrade_may_drop_a_run,
    a_run_that_does_not_upgrade_goes_to_dead_with_its_bytes,
    a_run_of_a_newer_version_waits_for_a_process_that_knows_it,
    a_new_run_bears_its_version,
    an_undecodable_secret_is_not_quoted,
}

/// Enqueues what another release enqueued.
async fn enqueue(testing: &Testing, job: &str, version: u32, args: &str) -> RunId {
    let (job, args) = (JobName::new(job).unwrap(), RawValue::from_string(args.into()).unwrap());
    let run = NewRun::new(RunId::random(), When::Now, &Body { version, ..Body::new(&job, &args) });
    let answers = testing.backend().enqueue(&QueueName::new("default").unwrap(), &[run]).await.unwrap();
    answers[0].id().clone()
}

async fn record(url: &str) -> Testing {
    Testing::record().store(url).at(noon()).await.unwrap()
}

async fn a_run_of_an_older_version_is_upgraded_before_it_is_performed(url: &str) {
    let testing = record(url).await;
    enqueue(&testing, "hello", 1, r#"{"name":"Ada Lovelace"}"#).await;
    enqueue(&testing, "greet", 2, r#"{"name":"Grace Hopper"}"#).await;
    enqueue(&testing, "greet", 3, r#"{"first":"Barbara","last":"Liskov"}"#).await;

    let found = testing.enqueued::<Greet>().await.unwrap();
    let drained = testing.drain().await.unwrap();

    assert_eq!(found[0].job.first, "Ada", "also when it is only looked at");
    let told: Vec<_> = drained.runs.iter().filter_map(|run| run.error()).collect();
    assert_eq!(told, ["Ada/Lovelace", "Grace/Hopper", "Barbara/Liskov"]);
}

async fn an_upgrade_may_drop_a_run(url: &str) {
    let testing = record(url).await;
    enqueue(&testing, "greet", 1, r#"{"name":"nobody"}"#).await;

    let drained = testing.drain().await.unwrap();

    assert_eq!(drained.discarded, 1);
    assert_eq!(drained.runs[0].error(), Some("there is nobody to greet"));
}

async fn a_run_that_does_not_upgrade_goes_to_dead_with_its_bytes(url: &str) {
    let testing = record(url).await;
    let id = enqueue(&testing, "greet", 2, r#"{"name":"Ada"}"#).await;

    let drained = testing.drain().await.unwrap();

    assert_eq!(drained.dead, 1);
    let run = testing.queue("default").unwrap().find(&id).await.unwrap().expect("it is not lost");
    assert_eq!(run.list, List::Dead);
    assert_eq!(
        run.history.error.as_deref(),
        Some("the arguments of version 2 do not upgrade to version 3 of job `greet`: the name has no space")
    );
    assert!(String::from_utf8(run.envelope).unwrap().contains(r#""version":2,"args":{"name":"Ada"}"#));
}

async fn a_run_of_a_newer_version_waits_for_a_process_that_knows_it(url: &str) {
    let testing = record(url).await;
    let id = enqueue(&testing, "greet", 4, r#"{"everything":"else"}"#).await;

    let drained = testing.drain().await.unwrap();

    assert_eq!(drained.unknown, 1);
    let run = testing.queue("default").unwrap().find(&id).await.unwrap().expect("it is not lost");
    assert_eq!((run.list, run.history.attempts, run.history.unknown), (List::Scheduled, 0, 1));
}

async fn a_new_run_bears_its_version(url: &str) {
    let testing = record(url).await;
    let enqueued = testing.enqueue(Greet { first: "Ada".into(), last: "Lovelace".into() }).await.unwrap();

    let run = testing.queue("default").unwrap().find(enqueued.id()).await.unwrap().unwrap();

    assert_eq!(mosquito::Envelope::read(&run.envelope).unwrap().version, 3);
}

async fn an_undecodable_secret_is_not_quoted(url: &str) {
    let testing = record(url).await;
    enqueue(&testing, "sign_in", 1, r#"{"user":"ada","passWord":123456}"#).await;
    enqueue(&testing, "sign_in", 1, r#"{"user":123456,"passWord":"x"}"#).await;
    enqueue(&testing, "sign_in", 1, "123456").await;
    enqueue(&testing, "sign_in", 1, r#"{"passWord":"x"}"#).await;
    enqueue(&testing, "unlock", 1, "[7,123456]").await;
    enqueue(&testing, "unlock", 1, r#"["x","y"]"#).await;

    let drained = testing.drain().await.unwrap();

    let told: Vec<_> = drained.runs.iter().filter_map(|run| run.error()).collect();
    let words = "the arguments do not decode as job `sign_in`";
    assert_eq!(told[0], format!("{words} at `passWord`; why is not told, since it is redacted"));
    assert!(told[1].starts_with(&format!("{words} at `user`: invalid type: integer `123456`")), "{told:?}");
    assert_eq!(told[2], format!("{words}; why is not told, since it is redacted"));
    assert_eq!(told[3], format!("{words}: missing field `user`"));
    let words = "the arguments do not decode as job `unlock`";
    assert_eq!(told[4], format!("{words} at `[1]`; why is not told, since it is redacted"));
    assert_eq!(told[5], format!("{words} at `[0]`: invalid type: string \"x\", expected u8"));
}
