//! How many instructions a run takes on its way, and how many commands the server performs for it: against what it was.
//!
//! ```text
//! scripts/instructions            # a table, and an error when a figure is more than a tenth above its baseline
//! scripts/instructions --bless    # makes today's figures the baseline
//! ```
//!
//! Time is noise on a shared machine; instructions are not. Callgrind counts those of the client alone, and only while a phase is at work:
//! connecting, starting and clearing up are left out. The server is a real one, beside it and not counted; what it is asked to do is counted in
//! commands.
//!
//! Instructions are compared for the compiler that the baseline was made with. With another one they are shown, and judged by nobody.

mod baseline;
mod callgrind;
mod commands;
mod figures;
mod phases;

use std::error::Error;
use std::process::ExitCode;

use mosquito_tests::RedisServer;

use crate::baseline::Baseline;

/// How often instructions are counted. The least counts: one wake-up more is noise, one less is not.
const TIMES: usize = 3;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match &*words.iter().map(String::as_str).collect::<Vec<_>>() {
        [] => check(false),
        ["--bless"] => check(true),
        // This program itself, under callgrind.
        ["--counted", url] => phases::all(url).map(|()| ExitCode::SUCCESS),
        _ => Err(format!("unknown arguments {words:?}: there is only --bless").into()),
    }
}

fn check(bless: bool) -> Result<ExitCode, Box<dyn Error>> {
    let server = RedisServer::start();
    let times = (0..TIMES).map(|_| callgrind::count(&server)).collect::<Result<Vec<_>, _>>()?;
    let mut figures = figures::least(&times);
    figures.extend(figures::least(&[commands::count(&server)?]));

    let (compiler, mut baseline) = (baseline::compiler()?, Baseline::read()?);
    println!("{compiler}");
    let worse = figures::print(&figures, &baseline.of(&compiler));
    if bless {
        baseline.bless(&compiler, &figures)?;
        println!("These are the baseline now.");
        return Ok(ExitCode::SUCCESS);
    }
    if !baseline.knows(&compiler) {
        println!(
            "There is no baseline for this compiler, so its instructions are judged by nobody: --bless makes one."
        );
    }
    if worse > 0 {
        println!(
            "{worse} figures are worse than they may be. If that is worth it, say so: scripts/instructions --bless"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
