//! The example that looks at a fleet.

use crate::programs::{example, lines_of};

#[test]
fn inspect_shows_the_fleet_at_work() {
    let lines = lines_of(example("inspect").start(), "report:");

    let has = |what: &str| lines.iter().any(|line| line.contains(what));
    for what in [
        "films-1: process ",
        "2 of 2 executors are busy, queues films",
        "show alien, attempt 1, since ",
        "show brazil, attempt 1, since ",
        "films: 1 waiting, 2 pending, 0 scheduled, 0 dead",
        "sweep_the_hall in films: last tick ",
        "after the stop: nobody",
        "report: performed 2, failed 0, handed back 0",
    ] {
        assert!(has(what), "{what}: {lines:#?}");
    }
}
