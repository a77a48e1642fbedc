//! Writes what was measured: BENCHMARKS.md, and plots beside it.

mod machine;
mod markdown;
mod ratios;
mod svg;
mod table;

use std::path::Path;

use crate::contestants::{Acks, Failure};
use crate::figures::{BEST, Bench, LEVELS};
use crate::report::machine::Machine;
use crate::report::svg::{Bars, Lines};

/// Where the plots stand, seen from BENCHMARKS.md.
const PLOTS: &str = "benchmarks";

/// Writes into that folder, which is the root of the repository.
pub(crate) async fn write(bench: &Bench, folder: &Path) -> Result<(), Failure> {
    let machine = Machine::look(bench).await?;
    std::fs::create_dir_all(folder.join(PLOTS))?;
    let plots = [("drain", drain(bench)), ("best", best(bench)), ("latency", latency(bench))];
    for (name, svg) in &plots {
        std::fs::write(folder.join(PLOTS).join(format!("{name}.svg")), svg)?;
    }
    let text = markdown::write(bench, &machine);
    std::fs::write(folder.join("BENCHMARKS.md"), &text)?;
    println!("{text}");
    println!("written to {}", folder.join("BENCHMARKS.md").display());
    Ok(())
}

fn names(bench: &Bench) -> impl Iterator<Item = &'static str> {
    bench.contestants.iter().map(|contestant| contestant.facts().name)
}

/// How the pace grows with executors.
fn drain(bench: &Bench) -> String {
    let line = |name: &'static str| {
        let point = |executors: &usize| {
            let pace = bench.results.median(&format!("drain/{executors}"), name)?;
            Some((*executors as f64, pace))
        };
        (name, LEVELS.iter().filter_map(point).collect())
    };
    Lines {
        title: "Drained, runs per second, by number of executors",
        across: &LEVELS.map(|level| level as f64),
        lines: names(bench).map(line).collect(),
    }
    .draw()
}

/// Each at its best.
fn best(bench: &Bench) -> String {
    let job_systems = bench.contestants.iter().map(|contestant| contestant.facts());
    let bars = job_systems.filter(|facts| facts.acks != Acks::Limit).map(|facts| {
        let best = bench.results.median(BEST, facts.name);
        let series = best.and_then(|best| bench.results.of(&format!("drain/{best}"), facts.name));
        let label = match facts.acks {
            Acks::No => format!("{} (no ack)", facts.name),
            _ => facts.name.to_owned(),
        };
        (label, series.filter(|series| series.median().is_some()).cloned())
    });
    Bars {
        title: "Drained, runs per second, each at its best number of executors",
        unit: "",
        bars: bars.collect(),
    }
    .draw()
}

/// How soon an idle worker begins.
fn latency(bench: &Bench) -> String {
    let bars = names(bench).map(|name| {
        let series = bench.results.of("idle/p99", name).filter(|series| series.median().is_some());
        (name.to_owned(), series.cloned())
    });
    Bars { title: "From an enqueue until an idle worker begins, p99, ms", unit: " ms", bars: bars.collect() }
        .draw()
}
