//! What a runner usually does, in each mode.

use std::time::Duration;

use mosquito::Mosquito;
use mosquito_tests::{RedisCluster, Sentinels};

use crate::crew::{Crew, enqueue, is_empty};
use crate::jobs::{Note, Twice};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_performs_schedules_retries_and_ticks_behind_sentinels() {
    let sentinels = Sentinels::start().await;
    sentinels.be_patient();

    works_as_usual(&sentinels.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_performs_schedules_retries_and_ticks_on_a_cluster() {
    let cluster = RedisCluster::start().await;

    works_as_usual(&cluster.url()).await;
}

/// What the guide says that a user needs, on one server and, beside that, in a cluster.
fn user_of_the_guide() -> Vec<&'static str> {
    let guide = include_str!("../../mosquito/src/guide/redis.md");
    let block = guide.split("```").find(|block| block.contains("ACL SETUSER")).expect("the guide says it");
    let usual = block.lines().filter_map(|line| line.strip_prefix("ACL SETUSER mosquito "));
    let beside = guide.lines().find(|line| line.contains("its user needs `")).expect("the guide says it");
    let beside = beside.split('`').nth(1).expect("it is within backticks");
    usual.flat_map(str::split_whitespace).chain(beside.split_whitespace()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_of_the_guide_is_enough_on_a_cluster() {
    let cluster = RedisCluster::start().await;
    for place in 0..3 {
        let words = [&["ACL", "SETUSER", "mosquito"], &user_of_the_guide()[..]].concat();
        let _: String = cluster.server(place).command(&words);
    }

    works_as_usual(&cluster.url().replace("://", "://mosquito:a-long-password@")).await;

    for place in 0..3 {
        let denied: Vec<Vec<redis::Value>> = cluster.server(place).command(&["ACL", "LOG"]);
        assert!(denied.is_empty(), "nothing was denied: {denied:#?}");
    }
}

async fn works_as_usual(url: &str) {
    let mosquito = Mosquito::connect(url).await.expect("the store answers");
    let crew = Crew::work(&mosquito, |runner| runner.queues(["notes", "other", "ticks"]));

    enqueue(&mosquito, "notes", "now").await;
    enqueue(&mosquito, "other", "elsewhere").await;
    let later = Note { word: "later".into() };
    let _ = mosquito.enqueue(later).delay(Duration::from_millis(500)).await.expect("the store answers");
    let _ = mosquito.enqueue(Twice {}).await.expect("the store answers");
    let many: Vec<_> = (0..2_000).map(|n| format!("many {n}")).collect();
    let notes = many.clone().into_iter().map(|word| Note { word });
    let _ = mosquito.enqueue_all(notes).queue("other").await.expect("the store answers");

    for word in ["now", "elsewhere", "later", "attempt 2"] {
        crew.log.has(word, 1).await;
    }
    crew.log.has_all(&many).await;
    crew.log.has("tick", 2).await;
    for queue in ["notes", "other"] {
        is_empty(&mosquito, queue).await;
    }
    let queues: Vec<_> = mosquito
        .queues()
        .await
        .expect("the store answers")
        .iter()
        .map(|queue| queue.name().to_string())
        .collect();
    assert_eq!(queues, ["notes", "other", "ticks"]);
    assert_eq!(crew.log.times("many 7"), 1, "once");
    assert_eq!(crew.stop().await.unsettled, 0);
}
