//! What the compiler says to jobs: nothing to right ones, and to wrong ones what is wrong, where, and
//! what would be right.
//!
//! Run with `TRYBUILD=overwrite` to write the answers anew, and read each that changed.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

// By themselves, for then they are all checked in one go, which among others that are to be built they are not.
#[test]
fn malformed_jobs_are_refused_readably() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}

#[test]
fn right_jobs_compile() {
    trybuild::TestCases::new().pass("pass/*.rs");
}

#[test]
fn no_answer_mentions_what_was_generated() {
    let generated = ["__private", "'mosquito", "_serde", "inventory", "tick_args", "StateNeed", "Flowing"];

    for (path, answer) in answers() {
        for name in generated {
            assert!(!answer.contains(name), "{} mentions `{name}`:\n{answer}", path.display());
        }
    }
}

#[test]
fn every_mistake_is_told_once_and_nothing_else() {
    for (path, answer) in answers() {
        assert!(!answer.contains("warning"), "{} warns beside it:\n{answer}", path.display());
        let mistakes: Vec<_> = answer.split("\n\n").filter(|part| part.starts_with("error")).collect();
        let repeated = mistakes.iter().enumerate().find(|(at, one)| mistakes[..*at].contains(one));
        assert!(repeated.is_none(), "{} says twice:\n{}", path.display(), repeated.unwrap_or((0, &"")).1);
    }
}

/// What the compiler said, by file.
fn answers() -> Vec<(PathBuf, String)> {
    let kinds = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fail"));
    let cases = kinds.iter().flat_map(|kind| files(kind));
    let answers = cases.filter(|case| case.extension().is_some_and(|extension| extension == "stderr"));
    answers.map(|path| (path.clone(), read_to_string(&path).expect("it was just listed"))).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = read_dir(folder).expect("there is such a folder");
    entries.map(|entry| entry.expect("it can be read").path()).collect()
}
