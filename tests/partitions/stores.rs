//! Makes a test of each fact on each store that is built in.

use mosquito::testing::Testing;

#[cfg(feature = "redis")]
pub(crate) static REDIS: std::sync::LazyLock<mosquito_tests::RedisServer> =
    std::sync::LazyLock::new(mosquito_tests::RedisServer::start);

/// A test's own corner of a store, at noon.
pub(crate) async fn begin(url: &str) -> Testing {
    let noon = "2026-10-10T12:00:00Z".parse().unwrap();
    Testing::record().store(url).at(noon).await.unwrap()
}

/// A test of each fact on each store: `memory::fact`, `sqlite::fact`, `redis::fact`. A fact is given a [`Testing`].
macro_rules! facts {
    ($($fact:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $fact() { super::$fact(&crate::stores::begin("memory://").await).await; })*
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[tokio::test] async fn $fact() { super::$fact(&crate::stores::begin("sqlite://").await).await; })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[tokio::test] async fn $fact() {
                super::$fact(&crate::stores::begin(&crate::stores::REDIS.url()).await).await;
            })*
        }
    };
}
