//! Notes beside the queues: kept, changed in one move, and bounded in number.

use std::sync::Arc;

use mosquito::backend::{Backend, NOTES_LIMIT, NoteChange, Notebook, Noted};

use crate::making::job;
use crate::store::Store;

facts! {
    a_note_is_kept_until_it_is_removed,
    notebooks_do_not_mix,
    a_sum_is_exact_and_stays_one,
    a_swap_is_made_only_where_it_was_expected,
    a_full_notebook_takes_no_other_note,
    any_text_is_a_note,
    a_flush_removes_no_note,
    ; at_once:
    of_many_sums_at_once_each_counts,
    of_many_swaps_at_once_one_is_made,
}

fn of(name: &str) -> Notebook {
    Notebook::Job(job(name))
}

async fn change(store: &Arc<dyn Backend>, notebook: &Notebook, key: &str, change: NoteChange) -> Noted {
    store.change_note(notebook, key, &change).await.expect("it is answered")
}

async fn set(store: &Store, notebook: &Notebook, key: &str, text: &str) -> Noted {
    change(store.backend(), notebook, key, NoteChange::Set(text.into())).await
}

async fn note(store: &Store, notebook: &Notebook, key: &str) -> Option<String> {
    store.second().note(notebook, key).await.expect("a note is told")
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}

async fn a_note_is_kept_until_it_is_removed(store: &Store) {
    let report = of("report");
    assert_eq!(note(store, &report, "cursor").await, None, "it begins empty");

    assert_eq!(set(store, &report, "cursor", "1").await, Noted::Done { before: None, now: text("1") });
    assert_eq!(set(store, &report, "cursor", "2").await, Noted::Done { before: text("1"), now: text("2") });

    assert_eq!(note(store, &report, "cursor").await, text("2"), "from anywhere");
    let removed = change(store.second(), &report, "cursor", NoteChange::Remove).await;
    assert_eq!(removed, Noted::Done { before: text("2"), now: None });
    assert_eq!(note(store, &report, "cursor").await, None, "it is gone");
    let again = change(store.second(), &report, "cursor", NoteChange::Remove).await;
    assert_eq!(again, Noted::Done { before: None, now: None }, "to remove what is not there changes nothing");
}

async fn notebooks_do_not_mix(store: &Store) {
    let books = [
        Notebook::Configuration,
        Notebook::Overseers,
        of("configuration"),
        of("overseers"),
        of("report"),
        of("report:2"),
    ];
    for (notebook, n) in books.iter().zip(0..) {
        set(store, notebook, "key", &format!("{n}")).await;
        set(store, notebook, &format!("only {n}"), "x").await;
    }

    for (notebook, n) in books.iter().zip(0..) {
        let notes = store.second().notes(notebook).await.expect("notes are told");
        let expected = [("key".to_owned(), format!("{n}")), (format!("only {n}"), "x".into())];
        assert_eq!(notes, expected.into(), "{notebook:?} has its own");
    }
}

async fn a_sum_is_exact_and_stays_one(store: &Store) {
    let report = of("report");
    let add =
        async |key: &str, summand| change(store.backend(), &report, key, NoteChange::Add(summand)).await;

    assert_eq!(add("new", -7).await, Noted::Done { before: None, now: text("-7") }, "from 0 on");
    for (number, summand, sum) in [
        ("9007199254740993", 1, "9007199254740994"),
        ("9223372036854775806", 1, "9223372036854775807"),
        ("-9223372036854775807", -1, "-9223372036854775808"),
        ("9223372036854775807", i64::MIN, "-1"),
    ] {
        set(store, &report, "n", number).await;
        let expected = Noted::Done { before: text(number), now: text(sum) };
        assert_eq!(add("n", summand).await, expected, "{number} + {summand}");
    }
    for (number, summand) in [("9223372036854775807", 1), ("-9223372036854775808", -1), ("1", i64::MAX)] {
        set(store, &report, "n", number).await;
        assert_eq!(add("n", summand).await, Noted::Overflow, "{number} + {summand}");
        assert_eq!(note(store, &report, "n").await, text(number), "it is as it was");
    }
    for none in ["x", "1.0", "+1", "01", "-0", " 1", "\"1\"", "9223372036854775808", "null", "[1]"] {
        set(store, &report, "n", none).await;
        assert_eq!(add("n", 1).await, Noted::NoNumber, "{none} is none to add to");
        assert_eq!(note(store, &report, "n").await, text(none), "it is as it was");
    }
}

async fn a_swap_is_made_only_where_it_was_expected(store: &Store) {
    let report = of("report");
    let swap = async |expected: Option<&str>, new: Option<&str>| {
        let (expected, new) = (expected.map(Into::into), new.map(Into::into));
        change(store.backend(), &report, "key", NoteChange::Swap { expected, new }).await
    };

    assert_eq!(swap(Some("a"), Some("b")).await, Noted::Other(None), "there is none");
    assert_eq!(swap(None, Some("a")).await, Noted::Done { before: None, now: text("a") });
    assert_eq!(swap(None, Some("b")).await, Noted::Other(text("a")), "there is one");
    assert_eq!(swap(Some("A"), None).await, Noted::Other(text("a")), "it is another one");
    assert_eq!(swap(Some("a"), Some("b")).await, Noted::Done { before: text("a"), now: text("b") });
    assert_eq!(swap(Some("b"), None).await, Noted::Done { before: text("b"), now: None }, "it is removed");
    assert_eq!(swap(None, None).await, Noted::Done { before: None, now: None }, "nothing is as expected");
}

async fn a_full_notebook_takes_no_other_note(store: &Store) {
    let report = of("report");
    for n in 0..NOTES_LIMIT {
        set(store, &report, &format!("key-{n}"), "1").await;
    }

    assert_eq!(set(store, &report, "one more", "1").await, Noted::Full);
    let add = |key| change(store.second(), &report, key, NoteChange::Add(1));
    assert_eq!(add("one more").await, Noted::Full, "nor does a sum make one");
    let swap = NoteChange::Swap { expected: None, new: text("1") };
    assert_eq!(change(store.second(), &report, "one more", swap).await, Noted::Full, "nor a swap");
    assert!(matches!(add("key-7").await, Noted::Done { .. }), "what is there can be changed");
    change(store.second(), &report, "key-7", NoteChange::Remove).await;
    assert!(matches!(add("one more").await, Noted::Done { .. }), "and makes room when it is gone");
    assert_eq!(store.backend().notes(&report).await.expect("notes are told").len(), NOTES_LIMIT);
}

async fn any_text_is_a_note(store: &Store) {
    let report = of("report");
    for any in ["\0", "ünïcode/🦟", "'; DROP TABLE notes; --", "all/limit/*", " ", "\r\n$5\r\n"] {
        set(store, &report, any, any).await;

        assert_eq!(note(store, &report, any).await, text(any), "{any:?}");
    }
    assert_eq!(store.second().notes(&report).await.expect("notes are told").len(), 6);
    let long = "x".repeat(8 * 1024);
    set(store, &report, "long", &long).await;
    assert_eq!(note(store, &report, "long").await, Some(long));
}

async fn a_flush_removes_no_note(store: &Store) {
    // A queue of the job's own name.
    set(store, &of("mail"), "key", "a").await;
    store.put(&["a"]).await;

    store.backend().flush(store.queue()).await.expect("a queue is flushed");

    assert_eq!(note(store, &of("mail"), "key").await, text("a"));
    assert!(
        store.backend().queues().await.expect("they are told").iter().eq([store.queue()]),
        "nor is it a queue"
    );
}

async fn of_many_sums_at_once_each_counts(store: &Store) {
    const TASKS: usize = 16;
    const EACH: usize = 50;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let backend = if task % 2 == 0 { store.backend() } else { store.second() }.clone();
            tokio::spawn(async move {
                let mut sums = Vec::new();
                for _ in 0..EACH {
                    match change(&backend, &of("report"), "count", NoteChange::Add(1)).await {
                        Noted::Done { now: Some(sum), .. } => {
                            sums.push(sum.parse::<usize>().expect("it is one"))
                        }
                        other => panic!("it is {other:?}"),
                    }
                }
                sums
            })
        })
        .collect();
    let mut sums = Vec::new();
    for task in tasks {
        sums.extend(task.await.expect("nobody panics"));
    }

    sums.sort_unstable();
    assert!(sums.iter().copied().eq(1..=TASKS * EACH), "each was answered with a sum of its own");
    assert_eq!(note(store, &of("report"), "count").await, Some((TASKS * EACH).to_string()));
}

async fn of_many_swaps_at_once_one_is_made(store: &Store) {
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let backend = if task % 2 == 0 { store.backend() } else { store.second() }.clone();
            tokio::spawn(async move {
                let swap = NoteChange::Swap { expected: None, new: Some(format!("task {task}")) };
                (task, change(&backend, &of("report"), "first", swap).await)
            })
        })
        .collect();
    let mut first = Vec::new();
    for task in tasks {
        let (task, noted) = task.await.expect("nobody panics");
        match noted {
            Noted::Done { .. } => first.push(task),
            Noted::Other(Some(_)) => (),
            other => panic!("it is {other:?}"),
        }
    }

    assert_eq!(first.len(), 1, "one was first");
    assert_eq!(note(store, &of("report"), "first").await, Some(format!("task {}", first[0])));
}
