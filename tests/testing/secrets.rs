//! A redacted argument is shown by nothing that mosquito says.

use mosquito::backend::{List, Ticket};
use mosquito::serde::{Deserialize, Deserializer, Serialize};
use mosquito::serde_json::Value;
use mosquito::testing::{Testing, assert_enqueued};
use mosquito::{
    Body, Context, JobError, JobName, JobResult, NewRun, OverseerId, Perform, QueueName, RunId, Upgrade,
    When, job,
};
use serde_json::value::RawValue;

use crate::expectations::complaint;

facts! {
    no_debug_form_shows_arguments,
    what_does_not_decode_is_not_quoted,
}

const SECRET: &str = "sesame";

/// A text that panics when it is read, and quotes what it was given.
#[derive(Debug, Serialize)]
struct Fragile(String);

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)? {
            text if text.starts_with(SECRET) => panic!("unexpected {text}"),
            text => Ok(Self(text)),
        }
    }
}

/// Was kept under another name in its first version.
#[job(version = 2)]
#[derive(Debug)]
struct Open {
    #[job(redact)]
    word: Fragile,
}

impl Upgrade for Open {
    fn upgrade(_: u32, args: Value) -> Result<Self, JobError> {
        Err(format!("cannot upgrade {args}").into())
    }
}

impl Perform for Open {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn run(version: u32, args: &str) -> NewRun {
    let (job, args) = (JobName::new("open").unwrap(), RawValue::from_string(args.into()).unwrap());
    let body = Body { version, ..Body::new(&job, &args) };
    is_secret(&body);
    NewRun::new(RunId::random(), When::Now, &body)
}

#[track_caller]
fn is_secret(shown: &impl std::fmt::Debug) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("115, 101, 115"), "{shown}");
}

async fn enqueue(testing: &Testing, run: NewRun) {
    testing.backend().enqueue(&QueueName::new("default").unwrap(), &[run]).await.unwrap();
}

async fn no_debug_form_shows_arguments(url: &str) {
    let testing = Testing::record().store(url).await.unwrap();
    let run = run(2, &format!(r#"{{"word":"{SECRET}"}}"#));
    is_secret(&run);
    enqueue(&testing, run).await;

    let queue = testing.queue("default").unwrap();
    is_secret(&testing);
    is_secret(&testing.standing().await.unwrap());
    is_secret(&queue.page(List::Waiting, 0, 9).await.unwrap());
    let ticket = Ticket { overseer: OverseerId::random(), number: 1 };
    is_secret(&testing.backend().claim(queue.name(), &ticket, 1).await.unwrap());
}

async fn what_does_not_decode_is_not_quoted(url: &str) {
    let testing = Testing::record().store(url).await.unwrap();
    for (version, args) in [
        (1, format!(r#"{{"old":"{SECRET}"}}"#)),
        (2, format!(r#"{{"word":["{SECRET}"]}}"#)),
        (2, format!(r#""{SECRET}""#)),
        (2, format!(r#"["{SECRET}", 1]"#)),
    ] {
        enqueue(&testing, run(version, &args)).await;
        is_secret(&testing.enqueued::<Open>().await.unwrap_err());
        is_secret(&complaint(async { assert_enqueued!(testing, Open, queue = "other") }).await);
        dies_silently(&testing).await;
    }
    enqueue(&testing, run(2, &format!(r#"{{"word":"{SECRET}"}}"#))).await;
    dies_silently(&testing).await;
}

async fn dies_silently(testing: &Testing) {
    let drained = testing.drain().await.unwrap();

    assert_eq!((drained.runs.len(), drained.dead), (1, 1));
    is_secret(&drained);
    is_secret(&testing.queue("default").unwrap().page(List::Dead, 0, 9).await.unwrap());
}
