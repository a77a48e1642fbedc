//! Makes a test of each fact on each backend.

/// A test of each fact on each backend: `memory::fact`, `sqlite::fact`, `redis::fact`, `redis_on_a_set_clock::fact`,
/// `redis_cluster::fact`.
///
/// Facts about tasks that truly run at the same time are listed behind `at_once:` and get several threads.
/// On memory all others run under tokio's paused clock, where waiting takes no time.
macro_rules! facts {
    ($($fact:ident),* $(,)? $(; at_once: $($parallel:ident),+ $(,)?)?) => {
        mod memory {
            $(facts!(@test memory, (start_paused = true), $fact);)*
            $($(facts!(@test memory, (flavor = "multi_thread", worker_threads = 4), $parallel);)+)?
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(facts!(@test sqlite, (), $fact);)*
            $($(facts!(@test sqlite, (flavor = "multi_thread", worker_threads = 4), $parallel);)+)?
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(facts!(@test redis, (), $fact);)*
            $($(facts!(@test redis, (flavor = "multi_thread", worker_threads = 4), $parallel);)+)?
        }
        #[cfg(feature = "redis")]
        mod redis_on_a_set_clock {
            $(facts!(@test redis_on_a_set_clock, (), $fact);)*
            $($(facts!(@test redis_on_a_set_clock, (flavor = "multi_thread", worker_threads = 4), $parallel);)+)?
        }
        #[cfg(feature = "redis")]
        mod redis_cluster {
            $(facts!(@test redis_cluster, (), $fact);)*
            $($(facts!(@test redis_cluster, (flavor = "multi_thread", worker_threads = 4), $parallel);)+)?
        }
    };
    (@test $backend:ident, $runtime:tt, $fact:ident) => {
        #[tokio::test $runtime]
        async fn $fact() {
            let store = crate::store::Store::$backend(stringify!($fact)).await;
            store.bears_out(super::$fact(&store)).await;
        }
    };
}
