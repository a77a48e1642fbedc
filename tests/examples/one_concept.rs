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
    assert_eq!(put_off[0], "attempt 1 put it off by 150ms: again in 150ms");
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

    assert!(
        lines.iter().any(|line| line == "dead: hangs: its deadline of 1s is over"
            || line.starts_with("dead: hangs: timed out after 300ms; given up")),
        "{lines:#?}"
    );
    let closed = "dead: is-closed: come back tomorrow; given up, since its deadline of 1s comes before its next attempt";
    assert!(lines.iter().any(|line| line == closed), "{lines:#?}");
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
    let _working = program.wait_for_line("bread: in the oven", SOON);

    let told = Instant::now();
    program.signal(Signal::SIGTERM);
    let status = program.wait_for_end(SOON);
    let took = told.elapsed();

    assert_eq!(status.code(), Some(0), "{:#?}", program.lines());
    assert!(took < Duration::from_millis(3_500), "the grace is 3 s, and it took {took:?}");
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
