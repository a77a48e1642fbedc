//! Makes a test of each fact on each store.

use std::sync::LazyLock;

use mosquito::Timestamp;
use mosquito_tests::RedisServer;

/// One server for all facts: each has a corner of its own.
pub(crate) static REDIS: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);

/// A time that has hours until the next tick of `DailyReport`.
pub(crate) fn noon() -> Timestamp {
    "2026-10-10T12:00:00Z".parse().unwrap()
}

/// A test of each fact on each store: `memory::fact`, `sqlite::fact`, `redis::fact`. A fact is given the store's URL.
macro_rules! facts {
    ($($fact:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $fact() { super::$fact("memory://").await; })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $fact() { super::$fact("sqlite://").await; })*
        }
        mod redis {
            $(#[tokio::test] async fn $fact() { super::$fact(&crate::stores::REDIS.url()).await; })*
        }
    };
}
