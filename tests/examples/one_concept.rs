//! The small examples print what they promise.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::programs::{SOON, example, lines_of};

#[test]
fn retries_tells_what_becomes_of_every_run() {
    let lines = lines_of(example("retries").start(), "dead: fails-each-time");

    let of = |run: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(run)).map(str::trim_start).collect()
    };
    assert_eq!(
        of("fails-each-time "),
        [
            "attempt 1 failed (invalid digit found in string): again in 100ms",
            "attempt 2 failed (invalid digit found in string): again in 200ms",
            "attempt 3 failed (invalid digit found in string): dead",
        ]
    );
    assert_eq!(
        of("panics-once "),
        ["attempt 1 failed (panicked: this job has a bug): again in 100ms", "attempt 2 succeeded: gone"]
    );
    assert_eq!(
        of("takes-too-long-once "),
        ["attempt 1 failed (timed out after 200ms): again in 100ms", "attempt 2 succeeded: gone"]
    );
    assert_eq!(
        of("asks-for-another-wait ")[0],
        "attempt 1 failed (asked to be tried again in 50ms): again in 50ms"
    );
    assert_eq!(of("knows-how-long-to-wait ")[1], "attempt 2 failed (the line is busy): again in 30ms");
    assert_eq!(of("is-given-up "), ["attempt 1 gave up (there is no such address): dead"]);
    assert_eq!(of("is-dropped "), ["attempt 1 dropped it (it was cancelled by the sender): gone"]);
    let put_off = of("is-put-off ");
    assert_eq!(put_off[0], "attempt 1 put it off by 500ms: again in 500ms");
    assert_eq!(*put_off.last().unwrap(), "attempt 1 succeeded: gone", "a snooze uses up no attempt");
}

#[test]
fn cancel_tells_what_becomes_of_every_run() {
    let lines = lines_of(example("cancel").start(), "report:");

    let of = |run: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(run)?.strip_prefix(": ")).collect()
    };
    assert_eq!(of("trailer"), ["removed"]);
    assert_eq!(of("no-such-film"), ["unknown"]);
    let long_film = of("long-film");
    let stopped = |line: &&str| {
        line.starts_with("stopped at frame ") && line.ends_with(", since somebody cancelled it")
    };
    assert!(long_film.iter().any(stopped), "{lines:#?}");
    assert!(["told to end", "counts as cancelled"].iter().all(|line| long_film.contains(line)), "{lines:#?}");
    for line in
        ["told to end", "stuck, although somebody cancelled it", "done all the same", "counts as performed"]
    {
        assert!(of("upload").contains(&line), "{lines:#?}");
    }
    assert!(of("bob")[0].starts_with("removed "), "{lines:#?}");
    assert_eq!(of("short-film"), ["done", "counts as performed"]);
    let report = lines.iter().find(|line| line.starts_with("report: ")).expect("it is the last line");
    assert!(report.contains("cancelled ") && report.ends_with("stuck 1"), "{report}");
}

#[test]
fn deadline_gives_up_what_cannot_be_done_in_time() {
    let lines = lines_of(example("deadline").start(), "  attempt");

    // Either its last attempt left no time for another, or the next one came too late.
    let is_given_up = |bank: &str, reason: &str| {
        let ahead = format!(
            "dead: {bank}: {reason}; given up, since its deadline of 2s comes before its next attempt"
        );
        let late = format!("dead: {bank}: its deadline of 2s is over");
        lines.iter().any(|line| *line == ahead || *line == late)
    };
    assert!(is_given_up("hangs", "timed out after 300ms"), "{lines:#?}");
    assert!(is_given_up("is-closed", "come back tomorrow"), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "  attempt 1 after 0.0 s: come back tomorrow"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("is-busy")), "it was paid: {lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("report: performed 1, failed ")), "{lines:#?}");
}

#[test]
fn scheduled_performs_each_run_in_its_turn() {
    let lines = lines_of(example("scheduled").start(), "report:");

    assert_eq!(lines[0], "2 runs are waiting, 4 are scheduled");
    let performed = |what: &str| lines.iter().position(|line| line.ends_with(what)).expect(what);
    let order =
        ["the door, at once", "the train, at a time", "the tea, with the milk", "the cake, after a while"];
    assert!(order.map(performed).is_sorted(), "{lines:#?}");
    assert!(performed("what is past, at once") < performed("the train, at a time"), "{lines:#?}");
    assert!(lines.contains(&"report: performed 6, failed 0, handed back 0".into()), "{lines:#?}");
}

#[test]
fn cron_performs_each_tick_once() {
    let lines = lines_of(example("cron").start(), "report:");

    let of = |job: &str| -> Vec<_> { lines.iter().filter(|line| line.starts_with(job)).collect() };
    let (chimes, breaths, sweeps) = (of("chime: "), of("breathe: "), of("sweep: begins"));
    assert!((2..=4).contains(&chimes.len()), "3.5 s have three or four whole seconds: {lines:#?}");
    assert!(chimes.iter().all(|line| line.ends_with(".000 in Berlin")), "on the second: {chimes:?}");
    assert!(chimes.is_sorted() && chimes.windows(2).all(|two| two[0] != two[1]), "{chimes:?}");
    assert!((4..=7).contains(&breaths.len()), "two in a second: {breaths:?}");
    assert!((1..=2).contains(&sweeps.len()), "a tick during a sweep is passed over: {lines:#?}");
    assert_eq!(of("sweep: ends").len(), sweeps.len(), "the stop waited for the last one");
}

#[test]
fn graceful_shutdown_ends_within_its_grace_and_hands_back_what_is_not_done() {
    let mut program = example("graceful_shutdown").arg("--grace-s").arg("3").start();
    // What was claimed and not begun is handed back at once, so all that is to end in the grace has to have begun.
    for begun in ["bread: in the oven", "egg 1: in the pot", "egg 2: in the pot"] {
        let _line = program.wait_for_line(begun, SOON);
    }

    let told = Instant::now();
    program.signal(Signal::SIGTERM);
    let status = program.wait_for_end(SOON);
    let took = told.elapsed();

    assert_eq!(status.code(), Some(0), "{:#?}", program.lines());
    assert!(took < Duration::from_secs(4), "the grace and a second are 4 s, and it took {took:?}");
    let lines = lines_of(program, "\"boil_an_egg\"");
    assert!(lines.contains(&"bread: the oven is off, to be baked by somebody else".into()), "{lines:#?}");
    assert!(lines.contains(&"report: performed 2, failed 0, handed back 2".into()), "{lines:#?}");
    let waiting =
        |job: &str| lines.iter().filter(|line| line.contains(&format!("\"job\":\"{job}\""))).count();
    assert_eq!(["simmer_stock", "bake_bread", "boil_an_egg"].map(waiting), [1, 1, 3], "{lines:#?}");
}

#[test]
fn graceful_shutdown_stops_itself_when_asked_to() {
    let lines =
        lines_of(example("graceful_shutdown").arg("--demo").arg("--grace-s").arg("1").start(), "report:");

    assert!(lines.contains(&"stopping".into()), "{lines:#?}");
}

#[test]
fn state_tells_what_is_missing_and_gives_each_job_what_it_declares() {
    let lines = lines_of(example("state").start(), "the application's own mailer has sent 3 mails");

    assert_eq!(lines[0], "the runner cannot start, for 2 reasons:");
    let told = |state: &str, job: &str| {
        lines[1..3].iter().any(|line| {
            line.contains(&format!("nobody provides the state `state::{state}`, which state::{job} needs"))
        })
    };
    assert!(told("Mailer", "SendReceipt") && told("Settings", "PrintLabel"), "{lines:#?}");
    assert!(
        lines.contains(&"mail to customer-7@example.com: your receipt for order 17".into()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"label: order 17 from the corner shop".into()), "{lines:#?}");
    assert!(lines.contains(&"report: performed 4, failed 0, handed back 0".into()), "{lines:#?}");
}

#[test]
fn middleware_refuses_puts_elsewhere_and_puts_off_and_a_gate_and_a_limit_hold_back() {
    let lines = lines_of(example("middleware").start(), "report:");

    let place = |line: &str| lines.iter().position(|printed| printed == line).expect(line);
    assert_eq!(
        lines[..2],
        [
            "enqueueing job `send_mail` was refused by the post office: there is nobody of that name",
            "in bulk: 3"
        ]
    );
    let _ = place("mail to ada@example.com in English");
    let _ = place("mail to customer-3@example.de in German");
    let _ = place("free memory is there again");
    assert!(place("free memory is short") < place("report of month 1: begins"), "{lines:#?}");
    let reports: Vec<_> = lines.iter().filter(|line| line.starts_with("report of month")).collect();
    let one_by_one =
        (1..=3).flat_map(|month| ["begins", "ends"].map(|what| format!("report of month {month}: {what}")));
    assert!(reports.into_iter().cloned().eq(one_by_one), "one at a time: {lines:#?}");
    assert_eq!(lines.iter().filter(|line| *line == "make_report was slow").count(), 3, "{lines:#?}");
    assert!(lines.contains(&"report: performed 7, failed 0, handed back 0, put off 3".into()), "{lines:#?}");
}

#[test]
fn unique_keeps_others_away_or_replaces_them() {
    let lines = lines_of(example("unique").start(), "report:");

    let enqueued = [
        "digest for 7, short: new",
        "digest for 7, long: there is one already",
        "digest for 8, long: new",
        "index of revision 1: new",
        "index of revision 2: in the place of the one before",
        "index of revision 3: in the place of the one before",
        "alarms: 1 of 5 enqueued",
        "close_year: it is being closed already",
    ];
    assert_eq!(lines[..enqueued.len()], enqueued);
    let mut performed: Vec<_> = lines.iter().filter(|line| line.starts_with("performed:")).collect();
    performed.sort();
    assert_eq!(
        performed,
        [
            "performed: alarm of db-1",
            "performed: closing of 2026",
            "performed: closing of 2026",
            "performed: digest for 7, short",
            "performed: digest for 8, long",
            "performed: index of readme, revision 3",
        ]
    );
    assert!(lines.contains(&"report: performed 6, failed 0, handed back 0".into()), "{lines:#?}");
}

#[test]
fn rate_limit_holds_one_tenant_up_and_not_the_other() {
    let lines = lines_of(example("rate_limit").start(), "report:");

    let of = |tenant: &str| -> Vec<u64> {
        let lines = lines.iter().filter(|line| line.contains(&format!("ms: {tenant},")));
        let mut times: Vec<_> =
            lines.map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap()).collect();
        times.sort_unstable();
        times
    };
    let (big, small) = (of("big"), of("small"));
    assert_eq!((big.len(), small.len()), (12, 2), "{lines:#?}");
    // Lines come after their claims, whose times are whole milliseconds.
    assert!(big[10] >= 990 && small[1] >= 490, "five pages in half a second: {lines:#?}");
    assert!(
        lines.iter().filter(|line| line.starts_with("after")).all(|line| line.ends_with("attempt 1")),
        "{lines:#?}"
    );
    assert!(lines.contains(&"and then Some(0)".into()), "{lines:#?}");
    assert!(lines.contains(&"report: performed 14, failed 0, handed back 0".into()), "{lines:#?}");
}

#[test]
fn concurrency_performs_so_many_at_once() {
    let lines = lines_of(example("concurrency").start(), "report:");

    let most = |of: &str| {
        let (mut now, mut most) = (0_usize, 0);
        for line in lines.iter().filter(|line| line.starts_with(of)) {
            match line.ends_with("begins") {
                true => now += 1,
                false => now -= 1,
            }
            most = most.max(now);
        }
        assert_eq!(now, 0, "{of}: {lines:#?}");
        most
    };
    assert_eq!(["acme", "apex", "till"].map(most), [2, 2, 1], "{lines:#?}");
    assert!(lines.contains(&"report: performed 12, failed 0, handed back 0".into()), "{lines:#?}");
}

#[test]
fn fairness_gives_the_small_ones_their_turns() {
    let lines = lines_of(example("fairness").start(), "report:");

    let small: Vec<usize> = lines
        .iter()
        .filter(|line| line.contains(" is number "))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(small.len(), 4, "{lines:#?}");
    assert!(small.iter().all(|place| *place < 50), "before nearly all of the big one: {lines:#?}");
    assert!(lines.contains(&"report: performed 5004, failed 0, handed back 0".into()), "{lines:#?}");
}

#[test]
fn partitions_keeps_the_order_of_each_user() {
    let lines = lines_of(example("partitions").start(), "200 users");

    let parts: Vec<usize> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("events~")?.split_once(" has "))
        .map(|(_, runs)| runs.parse().unwrap())
        .collect();
    assert_eq!((parts.len(), parts.iter().sum::<usize>()), (8, 4_000), "{lines:#?}");
    assert!(lines.contains(&"events has 4000, of which a page shows 1000".into()), "{lines:#?}");
    assert!(lines.contains(&"report: performed 4000, failed 0, handed back 0".into()), "{lines:#?}");
    assert!(lines.contains(&"200 users, 0 out of order".into()), "{lines:#?}");
}

#[test]
fn priorities_performs_the_most_urgent_first_and_what_is_late_not_at_all() {
    let lines = lines_of(example("priorities").start(), "report:");

    let performed: Vec<_> = lines.iter().filter(|line| !line.contains("came too late")).collect();
    assert_eq!(
        performed,
        [
            "code 1234",
            "mail: somebody logged in as you",
            "mail: your receipt",
            "mail: your order is on its way",
            "newsletter 1",
            "newsletter 2",
            "newsletter 3",
            "report: performed 7, failed 0, handed back 0, expired 1",
        ]
    );
    assert!(lines.contains(&"1 came too late".into()), "{lines:#?}");
}

#[test]
fn upgrade_performs_what_the_old_release_left_and_leaves_the_rest_to_a_newer_one() {
    let lines = lines_of(example("upgrade").start(), "dead: hopeless");

    for line in [
        "welcome: Ada of the family Lovelace",
        "charge: 1200 cents in EUR",
        "charge: 500 cents in CHF",
        "thumbnail: cat.png",
        "report: performed 4, failed 1, handed back 0, put off 1",
    ] {
        assert!(lines.iter().any(|printed| printed == line), "{line} is not in {lines:#?}");
    }
    let newer = lines.iter().find(|line| line.starts_with("scheduled: newer after 0 attempts")).unwrap();
    assert!(newer.contains(r#""version":3"#), "{newer}");
    let hopeless = lines.iter().position(|line| line.starts_with("dead: hopeless after 1 attempts")).unwrap();
    assert!(lines[hopeless].contains(r#""args":{"name":"Plato"}"#), "its bytes are kept: {lines:#?}");
    assert!(lines[hopeless + 1].ends_with("the name has no space"), "{lines:#?}");
}

#[test]
fn testing_lets_a_month_pass() {
    let lines = lines_of(example("testing").start(), "a month:");

    assert_eq!(
        lines,
        [
            "2026-10-10 12:00:00: send_welcome, attempt 1: succeeded; gone",
            "2026-10-10 12:10:00: send_welcome, attempt 1: succeeded; gone",
            "2026-10-10 12:10:00: send_welcome, attempt 1: failed: come back later; scheduled in 60s",
            "2026-10-10 12:10:00: send_welcome, attempt 1: given up: that is no address; dead",
            "2026-10-10 12:11:00: send_welcome, attempt 2: succeeded; gone",
            "reports: 30",
            "mails: 33",
            "a month: succeeded 33, retried 1, dead 1",
        ]
    );
}

#[test]
fn pause_holds_back_one_queue_or_job_and_everything_and_no_ticks_pile_up() {
    let lines = lines_of(example("pause").start(), "failed: 0");

    assert_eq!(
        lines,
        [
            "mail: the mail server moves (ada)",
            "mail to grace@example.com",
            "mail to alan@example.com",
            "send_news: it has a typing error",
            "news to everybody",
            "everything: the database moves",
            "waiting in new: 1, in pulse, after two seconds: 1",
            "mail to ada@example.com",
            "mail: not today",
            "failed: 0",
        ]
    );
}

#[test]
fn configuration_is_followed_by_a_runner_at_work() {
    let lines = lines_of(example("configuration").start(), "report:");

    assert_eq!(
        lines,
        [
            r#"configured: 8 executors, limits [("exports", 3)]"#,
            "at once: 3",
            "configured: 5 executors, limits []",
            "at once: 5",
            "exports-1: Some(5) executors; all: Some(6)",
            "cannot set `all/executors`: 0 executors would perform nothing: pause what is not to be performed",
            "report: performed 60, failed 0, handed back 0",
        ]
    );
}

#[test]
fn metadata_goes_on_from_where_the_last_process_ended() {
    let files = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/jobs.db", files.path().display());
    for (begin, end) in [(0, 5_000), (5_000, 10_000)] {
        let lines = lines_of(example("metadata").arg(&url).start(), "the metadata");

        assert_eq!(
            lines,
            [
                format!("from row {begin}"),
                "imported 5000 rows, 5000 of them counted here".into(),
                format!("cursor: {end}"),
                format!("largest: {end}"),
                if begin == 0 { String::new() } else { "note: \"no number\"".into() },
                "the metadata `note` of job `import` is no whole number that could be added to".into(),
            ]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
        );
    }
}
