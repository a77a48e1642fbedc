//! A worker in circumstances of its own: what its process inherits is set up before it begins.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program to be started in the worker's place, which becomes the worker: by what stands before its name in a line
/// of shell, such as `exec env NAME=value`.
pub(crate) fn worker(folder: &Path, name: &str, before: &str) -> PathBuf {
    let path = folder.join(name);
    let text = format!("#!/bin/sh\n{before} '{}' \"$@\"\n", crate::WORKER);
    // Written by another process: a file that this one has open for writing, or any child that it is just about to start,
    // cannot be executed.
    let write = Command::new("sh")
        .args(["-c", "printf %s \"$1\" >\"$2\" && chmod +x \"$2\"", "write", &text])
        .arg(&path)
        .status();
    assert!(write.expect("there is a shell").success(), "{} can be written", path.display());
    path
}
