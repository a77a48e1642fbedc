//! Waits to be started, enqueues one run of a key that others race for, and prints what it was answered:
//! `unique-racer URL`.

use mosquito::{
    Body, Enqueued, Flow, FlowKey, JobName, Mosquito, NewRun, OnConflict, QueueName, RunId, Unique, Until,
    When,
};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("the URL of the store is missing")?;
    let mosquito = Mosquito::connect(&url).await?;
    let mut signal = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    signal.set_response_timeout(std::time::Duration::from_secs(120));

    let (queue, job) = (QueueName::new("work")?, JobName::new("work")?);
    let args = RawValue::from_string(r#"{"pause":1}"#.into())?;
    let unique = Unique {
        key: FlowKey::readable(&("work", 7))?,
        until: Until::Finish,
        on_conflict: OnConflict::Return,
    };
    let flow = Flow { unique: Some(unique), ..Flow::default() };
    let run = NewRun::new(RunId::random(), When::Now, &Body::new(&job, &args)).flowing(flow);

    println!("ready");
    let _go: Option<(String, String)> =
        redis::cmd("BLPOP").arg("start").arg(100).query_async(&mut signal).await?;
    let answer = mosquito.backend().enqueue(&queue, &[run]).await?;
    match &answer[..] {
        [Enqueued::New(id)] => println!("answer new {id}"),
        [Enqueued::Duplicate(id)] => println!("answer duplicate {id}"),
        other => println!("answer {other:?}"),
    }
    Ok(())
}
