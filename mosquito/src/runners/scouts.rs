//! What is asked again beside a question that is not answered soon.
//!
//! A network that swallows everything closes nothing: who was cut off by it learns that from a deadline, seconds after it is over. A shorter
//! deadline would never reach a store that is far away. So whoever has to be back soon goes on waiting for its answer, while *scouts* try to get
//! one over new connections, one after the other.

use std::future::Future;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};

/// How long an answer may take until a scout is sent, and each scout until the next one is; longer where the store is far away.
pub(super) const DOUBT: Duration = Duration::from_millis(300);

/// How long a scout may take, so that there are few at a time.
const SCOUTED: Duration = Duration::from_secs(2);

/// The answer, or whichever answer of a scout comes before it. One that comes back with nothing is not heeded.
pub(super) async fn beside<T, S>(answer: impl Future<Output = T>, doubt: Duration, scout: impl Fn() -> S) -> T
where
    S: Future<Output = Option<T>>,
{
    let mut answer = std::pin::pin!(answer);
    if let Ok(answer) = timeout(doubt, &mut answer).await {
        return answer;
    }
    let mut scouts = FuturesUnordered::new();
    loop {
        scouts.push(timeout(SCOUTED, scout()));
        // Not all of a fleet at once.
        let next = Instant::now() + doubt.mul_f64(0.75 + fastrand::f64() / 4.0);
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                found = scouts.next(), if !scouts.is_empty() => {
                    if let Some(Ok(Some(found))) = found {
                        return found;
                    }
                }
                () = sleep_until(next) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{DOUBT, beside};

    async fn after<T>(millis: u64, answer: T) -> T {
        sleep(Duration::from_millis(millis)).await;
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_sent_while_an_answer_may_still_come_soon() {
        let answer = beside(after(299, "here"), DOUBT, || async { unreachable!("it comes in time") });

        assert_eq!(answer.await, "here");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_of_all_answers_counts_and_none_is_sooner_than_there_is_one() {
        assert_eq!(beside(after(400, "here"), DOUBT, || after(200, Some("there"))).await, "here");
        assert_eq!(beside(after(600, "here"), DOUBT, || after(200, Some("there"))).await, "there");
        assert_eq!(beside(after(600, "here"), DOUBT, || after(1, None)).await, "here");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_cut_off_is_back_soon_after_the_network_is() {
        let (begin, sent) = (Instant::now(), Cell::new(0));
        let is_back = || begin.elapsed() >= Duration::from_secs(10);

        let answer = beside(pending(), DOUBT, || async {
            sent.set(sent.get() + 1);
            // What is sent into a hole never comes back.
            if is_back() { Some("there") } else { pending().await }
        });

        assert_eq!(answer.await, "there");
        assert!(begin.elapsed() <= Duration::from_secs(10) + DOUBT, "{:?}", begin.elapsed());
        assert!((33..=45).contains(&sent.get()), "one at a time: {}", sent.get());
    }
}
