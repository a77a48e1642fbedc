//! Waits for a condition, never for a time.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// Long enough for anything that is going to happen at all, on a busy machine too.
const SOON: Duration = Duration::from_secs(20);

/// Looks again and again until the answer is `Ok`, which it returns.
///
/// # Panics
///
/// When that has not come within the time given; the message shows what was seen last.
pub async fn eventually<T, S, F>(what: &str, within: Duration, mut look: impl FnMut() -> F) -> T
where
    S: Debug,
    F: Future<Output = Result<T, S>>,
{
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let state = match look().await {
            Ok(seen) => return seen,
            Err(state) => state,
        };
        assert!(
            begin.elapsed() < within,
            "{what}: this did not come true within {within:?}; what was seen last: {state:#?}"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// [`eventually`], within twenty seconds.
///
/// # Panics
///
/// As [`eventually`].
pub async fn soon<T, S, F>(what: &str, look: impl FnMut() -> F) -> T
where
    S: Debug,
    F: Future<Output = Result<T, S>>,
{
    eventually(what, SOON, look).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::eventually;

    #[tokio::test]
    async fn it_returns_what_came_true() {
        let mut looks = 0;

        let seen = eventually("three looks", Duration::from_secs(5), || {
            looks += 1;
            let looks = looks;
            async move { if looks == 3 { Ok(looks) } else { Err(looks) } }
        })
        .await;

        assert_eq!(seen, 3, "it stops at the first success");
    }

    #[tokio::test]
    #[should_panic(
        expected = "the sky falls: this did not come true within 1ms; what was seen last: \"blue\""
    )]
    async fn it_says_what_it_saw_last() {
        eventually("the sky falls", Duration::from_millis(1), || async { Err::<(), _>("blue") }).await;
    }
}
