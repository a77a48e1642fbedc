//! What no patience helps against ends with a sentence.

use std::time::Duration;

use mosquito::{Clock, Error, Mosquito};
use mosquito_tests::{RedisCluster, RedisServer, Sentinels};

async fn refusal(url: &str) -> String {
    let connected = tokio::time::timeout(Duration::from_secs(30), Mosquito::connect(url)).await;
    let error = connected.expect("it is told at once").expect_err("it cannot be used");
    assert!(!error.is_transient(), "{error:?}");
    let told = format!("{error:?}");
    assert!(!told.contains("s3cret"), "{told}");
    told
}

#[tokio::test]
async fn a_wrong_password_is_told_in_each_mode() {
    let (one, cluster) = (RedisServer::start(), RedisServer::start_with(&["--cluster-enabled", "yes"]));
    for server in [&one, &cluster] {
        let _: String = server.command(&["CONFIG", "SET", "requirepass", "right"]);
    }

    let wrong = "the user or password in its URL is wrong or missing";
    for login in ["", ":s3cret@"] {
        let told = refusal(&format!("redis://{login}127.0.0.1:{}", one.port())).await;
        assert!(told.contains(wrong), "{told}");
        let told = refusal(&format!("redis+cluster://{login}127.0.0.1:{}", cluster.port())).await;
        assert!(told.contains(wrong), "{told}");
    }
}

#[tokio::test]
async fn passwords_of_servers_and_of_sentinels_are_two() {
    let sentinels = Sentinels::start().await;
    sentinels.be_patient();
    sentinels.protect("right", "theirs");
    let url =
        |login: &str, query: &str| format!("redis+sentinel://{login}{}/jobs{query}", sentinels.addresses());

    for query in ["", "?sentinel_password=s3cret"] {
        let told = refusal(&url(":right@", query)).await;
        assert!(told.contains("the `sentinel_user` or `sentinel_password` in its URL is wrong"), "{told}");
    }
    for login in ["", ":s3cret@"] {
        let told = refusal(&url(login, "?sentinel_password=theirs")).await;
        assert!(told.contains("the user or password in its URL is wrong or missing"), "{told}");
    }
    let connected = Mosquito::connect(&url(":right@", "?sentinel_password=theirs")).await.unwrap();
    assert!(connected.queues().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_sentinels_do_not_know_is_named() {
    let sentinels = Sentinels::start().await;

    let told = refusal(&format!("redis+sentinel://{}/chores", sentinels.addresses())).await;

    assert!(told.contains("Redis service `chores`"), "{told}");
    assert_eq!(told.matches("knows no such service").count() % 3, 0, "{told}");
    assert!(told.contains("no sentinel knows a service of that name (127.0.0.1:"), "{told}");
}

#[tokio::test]
async fn sentinels_that_are_not_there_may_come_back() {
    let error = Mosquito::connect("redis+sentinel://127.0.0.1:1,127.0.0.1:2/jobs").await.unwrap_err();

    assert!(error.is_transient(), "{error:?}");
    assert!(format!("{error:?}").contains("127.0.0.1:2"), "{error:?}");
}

#[tokio::test]
async fn a_server_and_a_cluster_are_not_taken_for_each_other() {
    let (one, cluster) = (RedisServer::start(), RedisCluster::start().await);

    let told = refusal(&format!("redis+cluster://127.0.0.1:{}", one.port())).await;
    assert!(told.contains("it is not a cluster: redis:// is for a single server"), "{told}");
    let mut told = String::new();
    for place in 0..3 {
        let url = cluster.server(place).url();
        let mosquito = Mosquito::connect(&url).await;
        let listed = match mosquito {
            Ok(mosquito) => mosquito.queues().await,
            Err(error) => Err(error),
        };
        if let Err(error) = listed {
            assert!(!error.is_transient(), "{error:?}");
            told = error.to_string();
        }
    }
    assert!(told.contains("it is one of the servers of a cluster: redis+cluster:// is for those"), "{told}");
}

#[tokio::test]
async fn a_clock_of_ones_own_is_refused_on_a_cluster() {
    let refused = Mosquito::builder().clock(Clock::manual()).connect("redis+cluster://127.0.0.1:1").await;

    let error = refused.unwrap_err();
    assert!(matches!(error, Error::Url { .. }), "{error:?}");
    assert!(error.to_string().contains("a clock of one's own needs a server that is no cluster"), "{error}");
}
