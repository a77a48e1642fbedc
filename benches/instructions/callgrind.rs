//! Runs this program once more, under callgrind, and reads what that counted.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use mosquito_tests::RedisServer;

use crate::figures::{Figure, Kind};

/// The function that stands around each phase, as callgrind calls it. A pattern with stars would do for the counting, but makes no files.
const PHASE: &str = "instructions::phases::at_a_phase";

/// Instructions per run, of each phase.
pub(crate) fn count(server: &RedisServer) -> Result<Vec<Figure>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args([format!("--toggle-collect={PHASE}"), format!("--dump-after={PHASE}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--counted", &server.url()])
        .output()
        .map_err(|why| format!("valgrind does not start: {why}"))?;
    if !ran.status.success() {
        return Err(
            format!("under callgrind: {}\n{}", ran.status, String::from_utf8_lossy(&ran.stderr)).into()
        );
    }
    // It writes a file for each phase, from 1 on.
    let lines = String::from_utf8(ran.stdout)?;
    let phases = lines.lines().filter_map(|line| line.split_once('\t')).zip(1..);
    phases
        .map(|((runs, name), number)| {
            let runs: f64 = runs.parse()?;
            let instructions = total(&folder.path().join(format!("out.{number}")))?;
            Ok(Figure { name: name.into(), kind: Kind::Instructions, value: instructions / runs })
        })
        .collect()
}

fn total(file: &Path) -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or_else(|| format!("{} tells no total", file.display()))?.trim().parse()?)
}
