//! BENCHMARKS.md: conditions, figures, settings.

use crate::contestants::Acks;
use crate::figures::{BEST, Bench, LEVELS, RATE};
use crate::report::machine::{Machine, version};
use crate::report::table::{As, Table, shown};
use crate::report::{PLOTS, ratios};

pub(crate) fn write(bench: &Bench, machine: &Machine) -> String {
    [
        head(bench, machine),
        enqueue(bench),
        drain(bench),
        latency(bench),
        costs(bench),
        conditions(bench),
        features(bench),
        settings(bench),
    ]
    .join("\n")
}

fn head(bench: &Bench, machine: &Machine) -> String {
    let Machine { date, processor, cores, memory, kernel, redis, rust, node, commit } = machine;
    let took = bench.began.elapsed().as_secs() / 60 + 1;
    let rounds = bench.options.rounds;
    let s = if rounds == 1 { "" } else { "s" };
    let smoke = match bench.options.quick {
        true => "\n**A smoke run: far too short for its figures to mean anything.**\n",
        false => "",
    };
    let ratios: String = ratios::lines(bench).iter().map(|line| format!("- {line}\n")).collect();
    format!(
        "# Benchmarks

Written by `benchmarks/run`, which repeats them; [benchmarks/README.md](benchmarks/README.md) says what is measured and how. Figures are medians of {rounds} \
round{s} with the least and the most in brackets. In each round the contestants took turns, each in processes of its own, and a figure counts only if every \
run was performed exactly once.
{smoke}
{ratios}
![Drained by number of executors]({PLOTS}/drain.svg)

| | |
|---|---|
| date | {date}, {took} minutes |
| machine | {processor}, {cores} cores, {memory} |
| system | {kernel} |
| Redis | {redis}; AOF off where nothing else is said |
| built with | {rust}, release; Node {node} |
| mosquito | {commit} |
| runs | {least} to {most} in a round of a drain, by pace; {bytes} bytes of JSON arguments, the same for all; a handler that notes its id |
",
        least = runs(bench, f64::min),
        most = runs(bench, f64::max),
        bytes = serde_json::to_string(&crate::assignment::Arguments::of(0, 100_000_000_000))
            .map_or(0, |json| json.len()),
    )
}

/// The fewest or the most runs that any drain had.
fn runs(bench: &Bench, pick: fn(f64, f64) -> f64) -> String {
    let names = || bench.contestants.iter().map(|contestant| contestant.facts().name);
    let series = LEVELS.iter().flat_map(|level| {
        names().filter_map(move |name| bench.results.of(&format!("drain/{level}/runs"), name))
    });
    let picked = series.flat_map(|series| series.values.iter().copied()).reduce(pick);
    shown(picked.unwrap_or_default(), As::Whole)
}

fn enqueue(bench: &Bench) -> String {
    let mut table = Table::of(bench, "runs/s", true);
    table.row("one by one", "enqueue/one", As::Whole);
    table.row("64 at a time", "enqueue/64", As::Whole);
    table.row("bulk", "enqueue/bulk", As::Whole);
    let mut beside = Vec::new();
    for (metric, name, what) in [
        ("enqueue/one", "bare EVALSHA", "a bare `EVALSHA` loop of a script that does what mosquito's has to"),
        (
            "enqueue/64",
            "redis-benchmark",
            "`redis-benchmark -c 64`, `LPUSH` with as many bytes as mosquito sends",
        ),
    ] {
        if let Some(median) = bench.results.median(metric, name) {
            beside.push(format!("{what}: {}/s", shown(median, As::Whole)));
        }
    }
    format!("## Enqueue\n\nOne process, one client. Beside it: {}.\n\n{}", beside.join("; "), table.finish())
}

fn drain(bench: &Bench) -> String {
    let mut table = Table::of(bench, "runs/s", true);
    for level in LEVELS {
        let s = if level == 1 { "" } else { "s" };
        table.row(&format!("{level} executor{s}"), &format!("drain/{level}"), As::Whole);
    }
    table.row("best with so many", BEST, As::Whole);
    table.row("a million waiting, at its best", "deep", As::Whole);
    table.row_of("runs in a round of its best", As::Whole, |name| at_best(bench, name, "/runs"));
    let no_ack: Vec<_> = bench
        .contestants
        .iter()
        .map(|contestant| contestant.facts())
        .filter(|facts| facts.acks == Acks::No)
        .map(|facts| facts.name)
        .collect();
    let no_ack = match no_ack.is_empty() {
        true => String::new(),
        false => format!(
            " {} acknowledges nothing: what a process that dies had taken is lost.",
            no_ack.join(", ")
        ),
    };
    format!(
        "## Drain\n\nOne worker process works off what waits, timed to the last acknowledgement.{no_ack}\n\n{}\n\
         ![Each at its best]({PLOTS}/best.svg)\n",
        table.finish()
    )
}

fn latency(bench: &Bench) -> String {
    let mut table = Table::of(bench, "ms", true);
    for quantile in ["p50", "p99", "p99.9"] {
        table.row(&format!("idle, {quantile}"), &format!("idle/{quantile}"), As::Fine);
    }
    for quantile in ["p50", "p99", "p99.9"] {
        table.row(&format!("{RATE:.0} runs/s, {quantile}"), &format!("rate/{quantile}"), As::Fine);
    }
    for quantile in ["p50", "p99", "p99.9"] {
        table.row(&format!("half load, {quantile}"), &format!("half/{quantile}"), As::Fine);
    }
    table.row("goes through, runs/s", "through", As::Whole);
    table.row("commands/s when idle", "idle/commands", As::Fine);
    format!(
        "## Pickup\n\nFrom an enqueue until the run begins, with 10 executors: one at a time for an idle worker, then as an open loop, in which a run is late from \
         the moment that the schedule says. Half load is half of what goes through for each when one process enqueues with 64 tasks while another performs, with \
         its best number of executors. Commands of an idle worker are those that the server performs, within scripts too.\n\n{}\n![Idle]({PLOTS}/latency.svg)\n",
        table.finish()
    )
}

fn costs(bench: &Bench) -> String {
    let mut drain = Table::of(bench, "per run", true);
    drain.row("commands sent", "sent/drain", As::Fine);
    let mut enqueue = Table::of(bench, "per run", true);
    enqueue.row("commands sent", "sent/64", As::Fine);
    for (title, part) in [
        ("commands performed, within scripts too", "commands"),
        ("bytes to Redis", "bytes in"),
        ("bytes from Redis", "bytes out"),
        ("processor time of Redis, µs", "server µs"),
        ("processor time of the client, µs", "client µs"),
    ] {
        drain.row_of(title, As::Fine, |name| at_best(bench, name, &format!("/{part}")));
        enqueue.row(title, &format!("enqueue/64/{part}"), As::Fine);
    }
    let mut memory = Table::of(bench, "memory", true);
    memory.row("Redis, bytes per waiting run", "memory", As::Whole);
    memory.row_of("worker, most ever, MiB", As::Mebibytes, |name| at_best(bench, name, "/peak"));
    memory.row("worker, most ever with a million waiting, MiB", "deep/peak", As::Mebibytes);
    memory.row("worker, 1 s after the last run, MiB", "rest", As::Mebibytes);
    format!(
        "## What a run costs\n\nDrain, each with its best number of executors; commands sent are counted in a round of their own.\n\n{}\nEnqueue, 64 at a time.\n\n{}\n\
         A worker's memory includes its ledger, one byte for each run.\n\n{}",
        drain.finish(),
        enqueue.finish(),
        memory.finish()
    )
}

fn conditions(bench: &Bench) -> String {
    let mut table = Table::of(bench, "runs/s", true);
    table.row("AOF everysec, drain, best", "aof/drain", As::Whole);
    table.row("AOF everysec, 64 at a time", "aof/64", As::Whole);
    table.row("1 ms away, drain, 200 executors", "far/drain", As::Whole);
    table.row("1 ms away, 64 at a time", "far/64", As::Whole);
    format!(
        "## Under other conditions\n\nA server 1 ms away is one behind a proxy that delays each direction by half of that, and nothing else.\n\n{}",
        table.finish()
    )
}

fn features(bench: &Bench) -> String {
    let mut table = Table::of(bench, "runs/s, ms", false);
    table.row("10 % fail once, drain", "feature/retry", As::Whole);
    table.row("unique, drain", "feature/unique", As::Whole);
    table.row("under a limit, drain", "feature/limited", As::Whole);
    for quantile in ["p50", "p99", "p99.9"] {
        table.row(
            &format!("scheduled, late, {quantile}, ms"),
            &format!("feature/scheduled/{quantile}"),
            As::Fine,
        );
    }
    format!(
        "## With features\n\nEach with its best number of executors. Unique: each run has a key of its own. The limit is a rate that all workers share and that is never \
         reached. Scheduled: 2,000 runs that are due within 2 s. A dash: it has no such feature by itself, for the reason below the table.\n\n{}",
        table.finish()
    )
}

fn settings(bench: &Bench) -> String {
    let mut text = String::from(
        "## Settings\n\nEach at the best of its documented settings; `benchmarks/src/contestants` says why.\n\n| | version | acknowledges | settings |\n|---|---|---|---|\n",
    );
    for facts in bench.contestants.iter().map(|contestant| contestant.facts()) {
        let acks = match facts.acks {
            Acks::Yes => "yes",
            Acks::No | Acks::Limit => "no",
        };
        let limit = facts
            .most_waiting
            .map(|(most, why)| {
                format!("; never more than {} runs at once: {why}", shown(most as f64, As::Whole))
            })
            .unwrap_or_default();
        text += &format!(
            "| {} | `{}` {} | {acks} | {}{limit} |\n",
            facts.name,
            facts.package,
            version(facts.package),
            facts.settings
        );
    }
    text
}

/// A part of the drain at the contestant's best number of executors.
fn at_best(bench: &Bench, name: &str, part: &str) -> Option<String> {
    Some(format!("drain/{}{part}", bench.results.median(BEST, name)?))
}
