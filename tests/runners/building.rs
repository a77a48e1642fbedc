//! What `build()` refuses, all at once, before the store is touched.

use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Error, Mosquito};

use crate::jobs::{Note, Rare};
use crate::working::{Log, memory};

fn problems(result: mosquito::Result<mosquito::Runner>) -> Vec<String> {
    match result {
        Err(Error::Build(error)) => error.problems().to_vec(),
        other => panic!("{other:?} should have been refused"),
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_in_one_list() {
    let mosquito = memory().await;

    let problems = problems(
        mosquito
            .runner()
            .executors(0)
            .heartbeat(Duration::from_secs(10))
            .dead_after(Duration::from_secs(15))
            .queues(["notes", "no such queue", "rare"])
            .build(),
    );

    let has = |words: &str| problems.iter().any(|problem| problem.contains(words));
    assert!(has("`executors` is 0"), "{problems:#?}");
    assert!(has("less than two heartbeats"), "{problems:#?}");
    assert!(has("`no such queue` cannot be a queue name"), "{problems:#?}");
    assert!(has("working::Log`, which"), "{problems:#?}");
    assert!(has("jobs::Rare`, which runners::jobs::NeedsRare needs: add `.state(..)`"), "{problems:#?}");
    assert_eq!(problems.len(), 5, "{problems:#?}");
}

#[tokio::test]
async fn a_state_is_asked_for_only_where_its_queue_is_worked_on() {
    let mosquito = memory().await;

    assert!(mosquito.runner().state(Log::default()).queues(["notes"]).expect::<Note>().build().is_ok());
    assert!(mosquito.runner().state(Log::default()).state(Rare).build().is_ok());
    assert_eq!(problems(mosquito.runner().state(Log::default()).build()).len(), 1, "`Rare` is missing");
}

#[tokio::test]
async fn an_empty_list_of_queues_is_not_all_queues() {
    let mosquito = memory().await;

    let problems = problems(mosquito.runner().state(Log::default()).queues(Vec::<String>::new()).build());

    assert!(problems[0].contains("empty list"), "{problems:?}");
}

#[tokio::test]
async fn a_runner_says_at_its_start_which_jobs_it_knows() {
    let mosquito = memory().await;
    let mut working = crate::working::work(&mosquito, |runner| runner.queues(["notes"]));

    let jobs = working
        .next("started", |event| match event {
            Event::OverseerStarted { jobs, .. } => Some(jobs.clone()),
            _ => None,
        })
        .await;

    assert!(jobs.contains(&"note") && jobs.is_sorted(), "{jobs:?}");
    let _ = working.stop().await;
}

/// A job type that somebody wrote without the attribute: it is not registered.
#[derive(serde::Serialize, serde::Deserialize)]
struct Unmarked;

impl mosquito::Job for Unmarked {
    const SPEC: mosquito::JobSpec =
        mosquito::JobSpec { queue: "notes", ..mosquito::JobSpec::named("unmarked") };
}

#[tokio::test]
async fn an_expected_job_that_is_not_registered_is_told() {
    let mosquito = memory().await;

    let problems =
        problems(mosquito.runner().state(Log::default()).queues(["notes"]).expect::<Unmarked>().build());

    assert!(problems[0].contains("the expected job `unmarked` is not registered"), "{problems:?}");
}

#[tokio::test]
async fn building_does_not_touch_the_store() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();

    let _runner = mosquito.runner().state(Log::default()).queues(["notes"]).build().unwrap();

    assert!(mosquito.queues().await.unwrap().is_empty());
}
