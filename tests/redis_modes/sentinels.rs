//! A master that dies, hangs, or is told to step back.

use std::time::Instant;

use mosquito::Mosquito;
use mosquito_tests::{Sentinels, eventually};

use crate::crew::{Crew, PATIENCE, Writer, enqueue, is_empty};
use crate::jobs::Note;

/// What a replica had not yet got when it took over is Redis's own loss, and so is what an old master says yes to before
/// it is told to step back. So what counts is what the new master has, and what it says yes to.
async fn goes_on(sentinels: &Sentinels, mosquito: &Mosquito, crew: Crew, writer: Writer, from: usize) {
    let master = sentinels.failed_over(from).await;
    sentinels.be_patient();
    let begin = Instant::now();
    eventually("the client has found the new master", PATIENCE, || async {
        let probed = mosquito.enqueue(Note { word: "probe".into() }).queue("probe").await;
        let found: i64 = sentinels.server(master).command(&["HLEN", "mosquito:{probe}:runs"]);
        if found > 0 { Ok(()) } else { Err(format!("{probed:?}")) }
    })
    .await;
    println!("it took the client {:?} more to find the new master", begin.elapsed());
    enqueue(mosquito, "notes", "after the failover").await;
    // From here on there is one master, and whatever it says yes to is not lost.
    let second = Writer::start(mosquito, "later");
    crew.log.has("after the failover", 1).await;
    crew.log.has("later 50", 1).await;
    let (_, later) = (writer.stop().await, second.stop().await);

    assert_eq!(sentinels.master(), master, "there was no other failover");
    crew.log.has_all(&later).await;
    assert!(crew.is_working(), "the runner goes on without a restart");
    for queue in ["notes", "later"] {
        is_empty(mosquito, queue).await;
        let left: i64 = sentinels.server(master).command(&["HLEN", &format!("mosquito:{{{queue}}}:runs")]);
        assert_eq!(left, 0, "what the new master had of {queue} was performed");
    }
    let report = crew.stop().await;
    assert_eq!(report.unsettled, 0, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_follows_a_failover() {
    let mut sentinels = Sentinels::start().await;
    let mosquito = Mosquito::connect(&sentinels.url()).await.unwrap();
    let crew = Crew::work(&mosquito, |runner| runner.queues(["notes", "later"]));
    let writer = Writer::start(&mosquito, "notes");
    crew.log.has("notes 200", 1).await;

    let master = sentinels.master();
    sentinels.server_mut(master).kill();

    goes_on(&sentinels, &mosquito, crew, writer, master).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_follows_a_demoted_master() {
    let sentinels = Sentinels::start().await;
    let mosquito = Mosquito::connect(&sentinels.url()).await.unwrap();
    let crew = Crew::work(&mosquito, |runner| runner.queues(["notes", "later"]));
    let writer = Writer::start(&mosquito, "notes");
    crew.log.has("notes 200", 1).await;

    let master = sentinels.master();
    sentinels.fail_over();

    goes_on(&sentinels, &mosquito, crew, writer, master).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_leaves_a_master_that_hangs() {
    let sentinels = Sentinels::start().await;
    let mosquito = Mosquito::connect(&sentinels.url()).await.unwrap();
    let crew = Crew::work(&mosquito, |runner| runner.queues(["notes", "later"]));
    let writer = Writer::start(&mosquito, "notes");
    crew.log.has("notes 200", 1).await;

    // Its connections stay open, and it answers nothing.
    let master = sentinels.master();
    sentinels.server(master).freeze();

    goes_on(&sentinels, &mosquito, crew, writer, master).await;
    sentinels.server(master).thaw();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_runner_is_woken_after_a_failover_too() {
    let mut sentinels = Sentinels::start().await;
    let mosquito = Mosquito::connect(&sentinels.url()).await.unwrap();
    let crew = Crew::work(&mosquito, |runner| runner.queues(["notes"]));
    enqueue(&mosquito, "notes", "before").await;
    crew.log.has("before", 1).await;

    let master = sentinels.master();
    sentinels.server_mut(master).kill();
    sentinels.failed_over(master).await;
    sentinels.be_patient();
    enqueue(&mosquito, "notes", "after").await;

    crew.log.has("after", 1).await;
    assert_eq!((crew.log.times("before"), crew.log.times("after")), (1, 1));
    let _ = crew.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_is_gone_is_not_missed() {
    let mut sentinels = Sentinels::start().await;
    sentinels.sentinel_mut(0).kill();
    sentinels.sentinel(1).freeze();

    let connected = Mosquito::connect(&sentinels.url()).await;

    sentinels.sentinel(1).thaw();
    assert!(connected.unwrap().queues().await.unwrap().is_empty());
}
