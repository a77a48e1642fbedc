//! Prints what is known of every file.

use std::error::Error;

use comfy_table::{CellAlignment, Table, presets};
use mosquito::Mosquito;
use mosquito::backend::List;

use crate::files::Files;
use crate::jobs::FILES;
use crate::results::Results;

/// Prints the table, the files that have no fingerprint, and the totals.
pub(crate) async fn print(
    mosquito: &Mosquito,
    files: &Files,
    results: &Results,
) -> Result<(), Box<dyn Error>> {
    let mut paths = Vec::new();
    files.walk(|path| {
        paths.push(path);
        true
    });
    paths.sort_by_cached_key(|path| files.name(path));

    let queue = mosquito.queue(FILES)?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(["path", "size", "lines", "sha256"]);
    let (mut size, mut lines, mut unread) = (0, 0, Vec::new());
    for path in &paths {
        let name = files.name(path);
        if let Some(found) = results.find(path)? {
            size += found.size;
            lines += found.lines;
            table.add_row([name, found.size.to_string(), found.lines.to_string(), found.sha256]);
        } else if let Some(run) = queue.find(&path.run_id()).await?
            && run.list == List::Dead
        {
            let reason = run.history.error.unwrap_or_default();
            unread.push(format!("dead after {} attempts: {name}: {reason}", run.history.attempts));
        } else {
            unread.push(format!("new, for the next start: {name}"));
        }
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
    unread.iter().for_each(|line| println!("{line}"));
    println!("{} files, {size} bytes, {lines} lines; {} without a fingerprint", paths.len(), unread.len());
    Ok(())
}
