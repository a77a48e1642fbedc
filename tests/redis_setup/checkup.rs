//! What is said of a server that is set up in a way that loses runs.

use std::time::Duration;

use mosquito::Mosquito;
use mosquito::backend::{Checkup, Warning};
use mosquito::events::Event;
use mosquito_tests::{Direction, Proxy, RedisServer, Traffic, Which};

use crate::working::{Note, work};

/// Settings with which nothing is to be said.
const SAFE: [&str; 6] =
    ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"];

async fn checked(url: &str) -> Checkup {
    Mosquito::connect(url).await.unwrap().check().await.unwrap()
}

/// Without what a busy machine adds to it.
fn warnings(found: Checkup) -> Vec<Warning> {
    found.warnings.into_iter().filter(|warning| !matches!(warning, Warning::FarAway { .. })).collect()
}

#[tokio::test]
async fn of_a_server_that_keeps_everything_nothing_is_said() {
    let server = RedisServer::start_with(&SAFE);

    let found = checked(&server.url()).await;

    assert!(found.unchecked.is_empty(), "{found:?}");
    assert!(found.round_trip.is_some());
    assert_eq!(warnings(found), []);
}

#[tokio::test]
async fn a_server_that_may_lose_runs_is_told_as_one() {
    let evicting = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let unsynced = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "no"]);

    let (evicting, unsynced) = (checked(&evicting.url()).await, checked(&unsynced.url()).await);

    let policy = "allkeys-lru".to_owned();
    assert_eq!(warnings(evicting), [Warning::MayEvict { policy }, Warning::NoLog]);
    assert_eq!(warnings(unsynced), [Warning::LogNotSynced]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_tells_each_warning_once_as_it_starts() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();

    let mut working = work(&mosquito, |runner| runner);
    let warned = |event: &Event| match event {
        Event::Warned { warning: Warning::NoLog } => Some(()),
        _ => None,
    };
    working.next("warned", warned).await;
    let _ = mosquito.enqueue(Note::new("meanwhile")).await.unwrap();
    working.finished(1).await;

    assert_eq!(working.stop().await.performed, 1);
}

#[tokio::test]
async fn a_server_that_is_far_away_is_told_as_such() {
    let server = RedisServer::start_with(&SAFE);
    let proxy = Proxy::before(server.port());
    let mosquito = Mosquito::connect(&proxy.url()).await.unwrap();
    proxy.traffic(Direction::ToClient, Traffic::Delay(Duration::from_millis(20)));

    let found = mosquito.check().await.unwrap();

    let far = |warning: &Warning| matches!(warning, Warning::FarAway { round_trip } if *round_trip >= Duration::from_millis(20));
    assert!(found.warnings.iter().any(far), "{found:?}");
}

#[tokio::test]
async fn clocks_that_differ_are_told_with_by_how_much() {
    let server = RedisServer::start_with(&SAFE);
    let proxy = Proxy::before(server.port());
    let mosquito = Mosquito::connect(&proxy.url()).await.unwrap();
    proxy.answer(Which::Named("TIME"), "*2\r\n$10\r\n1000000000\r\n$1\r\n0", 5);

    let found = warnings(mosquito.check().await.unwrap());

    let [Warning::ClocksDiffer { by, server_is_ahead: false }] = &*found else {
        panic!("the server's clock is behind by years: {found:?}");
    };
    assert!(*by > Duration::from_secs(86_400 * 365));
}

#[tokio::test]
async fn what_a_user_may_not_ask_is_told_as_unchecked_and_is_no_error() {
    let server = RedisServer::start();
    let () =
        server.command(&["ACL", "SETUSER", "app", "on", ">app", "~mosquito:*", "+@all", "-info", "-time"]);

    let found = checked(&server.url().replace("://", "://app:app@")).await;

    assert_eq!(found.warnings, []);
    let told = found.unchecked.join("\n");
    for (what, lacks) in [("maxmemory-policy", "+info"), ("appendonly", "+info"), ("the clock", "+time")] {
        let expected =
            format!("{what}: its user may not run a command that mosquito needs: give it `{lacks}`");
        assert!(told.contains(&expected), "{told}");
    }
}
