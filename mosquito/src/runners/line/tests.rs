use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::{LOOK_EVERY, Line, Taker};

fn of<T>(threads: usize) -> Arc<Line<T>> {
    let line = Line::new();
    line.has_threads(threads);
    Arc::new(line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_taken_once_by_however_many_and_a_closed_line_ends_them() {
    const ITEMS: usize = 50_000;
    for takers in [1, 2, 50] {
        let (line, sum) = (of(2), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..takers)
            .map(|_| {
                let (line, sum) = (line.clone(), sum.clone());
                tokio::spawn(async move {
                    let mut taker = Taker::new(&line);
                    while let Some(item) = taker.take().await {
                        sum.fetch_add(item, Ordering::Relaxed);
                        if item % 7 == 0 {
                            taker.step_aside();
                            tokio::task::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        for item in 1..=ITEMS {
            line.put(item).expect("it is open");
            if item % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        line.close();
        for task in tasks {
            let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
            ended.expect("it ends").expect("it does not panic");
        }
        assert_eq!(sum.load(Ordering::Relaxed), ITEMS * (ITEMS + 1) / 2, "with {takers}");
        assert_eq!((line.put(1), line.len()), (Err(1), 0));
        assert_eq!(line.lock().awake, 0, "with {takers}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_in_the_middle_of_something_are_no_reason_for_others_to_sleep() {
    let (line, busy) = (of(1), Arc::new(AtomicUsize::new(0)));
    for _ in 0..20 {
        let (line, busy) = (line.clone(), busy.clone());
        tokio::spawn(async move {
            let mut taker = Taker::new(&line);
            while taker.take().await.is_some() {
                busy.fetch_add(1, Ordering::SeqCst);
                taker.step_aside();
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(1)).await;

    (0..15).for_each(|item| line.put(item).expect("it is open"));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(busy.load(Ordering::SeqCst), 15);
    (0..15).for_each(|item| line.put(item).expect("it is open"));
    tokio::time::sleep(Duration::from_millis(1)).await;

    assert_eq!(busy.load(Ordering::SeqCst), 20, "as many as there are");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(busy.load(Ordering::SeqCst), 30, "the rest when they are idle again");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_woken_than_there_are_threads_until_somebody_looks() {
    let (line, seen) = (of(2), Arc::new(AtomicUsize::new(0)));
    for _ in 0..10 {
        let (line, seen) = (line.clone(), seen.clone());
        tokio::spawn(async move {
            let mut taker = Taker::new(&line);
            while taker.take().await.is_some() {
                seen.fetch_add(1, Ordering::SeqCst);
                // Awake, and as good as holding its thread.
                std::future::pending::<()>().await;
            }
        });
    }
    tokio::task::yield_now().await;

    (0..9).for_each(|item| line.put(item).expect("it is open"));
    tokio::task::yield_now().await;
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    line.look();
    tokio::task::yield_now().await;
    assert_eq!(seen.load(Ordering::SeqCst), 3, "where things move, one more");
    tokio::spawn(async move { line.watch().await });
    tokio::time::sleep(20 * LOOK_EVERY).await;

    assert_eq!(seen.load(Ordering::SeqCst), 9, "one who waits is not forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_waits_behind_one_who_holds_its_thread_while_another_thread_is_idle() {
    for round in 0..200 {
        let line = of::<Option<mpsc::Receiver<()>>>(2);
        for _ in 0..4 {
            let line = line.clone();
            tokio::spawn(async move {
                let mut taker = Taker::new(&line);
                while let Some(item) = taker.take().await {
                    if let Some(release) = item {
                        let _ = release.recv();
                    }
                }
            });
        }
        tokio::task::yield_now().await;
        let (release, holder) = mpsc::channel();

        let put = {
            let line = line.clone();
            tokio::spawn(async move {
                line.put(Some(holder)).expect("it is open");
                line.put(None).expect("it is open");
            })
        };

        put.await.expect("it does not panic");
        // On the runtime's threads, as an overseer is: with its timers the other thread is awake soon, whatever the runtime missed.
        let taken = tokio::spawn({
            let line = line.clone();
            async move {
                while line.len() > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
        let done = tokio::time::timeout(Duration::from_secs(5), taken).await;
        assert!(done.is_ok(), "round {round}: {:?}", line.lock());
        drop(release);
        line.close();
    }
}

#[tokio::test]
async fn on_a_busy_runtime_those_who_have_to_wait_wake_more_and_more() {
    let (line, begun) = (of(1), Arc::new(AtomicUsize::new(0)));
    for _ in 0..300 {
        let (line, begun) = (line.clone(), begun.clone());
        tokio::spawn(async move {
            let mut taker = Taker::new(&line);
            while taker.take().await.is_some() {
                begun.fetch_add(1, Ordering::SeqCst);
                taker.step_aside();
                std::future::pending::<()>().await;
            }
        });
    }
    tokio::task::yield_now().await;

    (0..300).for_each(|item| line.put(item).expect("it is open"));
    // In a turn each task that can go on does, such as this one.
    let mut turns = 0;
    while begun.load(Ordering::SeqCst) < 300 {
        tokio::task::yield_now().await;
        turns += 1;
        assert!(turns < 20, "{} of 300 after {turns} turns", begun.load(Ordering::SeqCst));
    }
}

#[tokio::test]
async fn what_is_put_in_a_line_that_is_held_stays_there() {
    let line = of(2);
    let taker = tokio::spawn({
        let line = line.clone();
        async move { Taker::new(&line).take().await }
    });
    tokio::task::yield_now().await;

    line.hold();
    line.put(1).expect("it is not closed");
    line.look();
    tokio::task::yield_now().await;
    line.close();

    assert_eq!(taker.await.expect("it does not panic"), None);
    assert_eq!((line.put(2), line.take_all().as_slices().0), (Err(2), &[1][..]));
}

#[tokio::test]
async fn one_who_is_dropped_keeps_nothing_from_others() {
    for round in 0..100 {
        let line = of(1);
        let take = || {
            let line = line.clone();
            tokio::spawn(async move { Taker::new(&line).take().await })
        };
        let (patient, impatient) = (take(), take());
        tokio::task::yield_now().await;
        // The last who fell asleep is woken, and does not come to look.
        line.put(round).expect("it is open");
        impatient.abort();

        let got = tokio::time::timeout(Duration::from_secs(5), patient).await;

        assert_eq!(got.expect("it is woken").expect("it does not panic"), Some(round));
        assert_eq!(line.lock().awake, 0);
    }
}
