//! The quickstart: right sums, nothing forgotten, nothing done twice.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use mosquito_tests::{Program, Running};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::programs::{SOON, example, lines_of};

/// How many files the folder has that is interrupted.
const MANY: usize = 1_500;
const EXECUTORS: usize = 4;

fn quickstart(folder: &TempDir) -> Program {
    let executors = EXECUTORS.to_string();
    example("quickstart").arg("files").arg("--executors").arg(executors).current_dir(folder.path())
}

fn files(write: impl FnOnce(&Path)) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for temporary files can be written");
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("the folder is empty");
    write(&files);
    folder
}

fn many_files() -> TempDir {
    files(|folder| {
        for number in 0..MANY {
            fs::write(folder.join(format!("file-{number}")), format!("{number}\n").repeat(number))
                .expect("the folder can be written");
        }
    })
}

/// Path → size, lines, sum.
type Table = BTreeMap<String, (usize, usize, String)>;

/// The table among the lines, in which no file may be twice.
fn table(lines: &[String]) -> Table {
    let mut table = Table::new();
    for line in lines.iter().filter_map(|line| line.strip_prefix('│')) {
        let cells: Vec<_> = line.trim_end_matches('│').split_whitespace().collect();
        let [path, size, count, sum] = cells[..] else { panic!("not a row: {line}") };
        if let (Ok(size), Ok(count)) = (size.parse(), count.parse()) {
            let before = table.insert(path.into(), (size, count, sum.into()));
            assert_eq!(before, None, "{path} is there twice");
        }
    }
    table
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg("--").arg(path).output();
    let output = output.or_else(|_| Command::new("shasum").args(["-a", "256"]).arg(path).output());
    let output = output.expect("sha256sum or shasum is on the PATH: this test compares with it");
    // A backslash in front says that the name behind is escaped.
    String::from_utf8_lossy(&output.stdout).trim_start_matches('\\').chars().take(64).collect()
}

/// The numbers of the last line that tells how far it is: done, fingerprinted now, before.
fn totals(lines: &[String]) -> [usize; 3] {
    let line = lines.iter().rev().find(|line| line.contains(" fingerprinted now, ")).expect("it tells");
    let before = |word: &str| {
        let words: Vec<_> = line.split([' ', ',']).collect();
        let at = words.iter().position(|found| *found == word).expect(word);
        words[at - 1].parse().expect("a number")
    };
    [before("of"), before("fingerprinted"), before("before")]
}

/// Waits until it says that it has done so many files, and answers how many.
fn wait_for(program: &Running, done: usize) -> usize {
    let deadline = Instant::now() + SOON;
    while Instant::now() < deadline {
        let lines = program.lines();
        let told =
            lines.iter().filter_map(|line| line.strip_suffix(" files")?.split_once(" of ")?.0.parse().ok());
        if let Some(told) = told.max().filter(|told| *told >= done) {
            return told;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it did not come so far: {:#?}", program.lines());
}

#[test]
fn the_sums_are_right() {
    let folder = files(|folder| {
        fs::write(folder.join("empty"), "").unwrap();
        fs::write(folder.join("two-lines"), "one\ntwo\n").unwrap();
        fs::write(folder.join(".hidden"), "no end of line").unwrap();
        fs::write(folder.join("large"), vec![b'\n'; 300_000]).unwrap();
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("a/b/bytes"), [0, 159, 146, 150, 10, 255]).unwrap();
        symlink("two-lines", folder.join("link")).unwrap();
        symlink("a", folder.join("link-to-a-folder")).unwrap();
        fs::create_dir(folder.join(".git")).unwrap();
        fs::write(folder.join(".git/config"), "not wanted").unwrap();
    });

    let lines = lines_of(quickstart(&folder).start(), "runner:");

    let root = folder.path().join("files");
    let expected: Table = [
        (".hidden", 14, 0),
        ("a/b/bytes", 6, 1),
        ("empty", 0, 0),
        ("large", 300_000, 300_000),
        ("link", 8, 2),
        ("two-lines", 8, 2),
    ]
    .map(|(path, size, count)| (path.into(), (size, count, sha256(&root.join(path)))))
    .into();
    assert_eq!(table(&lines), expected);
    assert_eq!(expected["empty"].2, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn a_name_that_is_not_text_is_shown_escaped_and_read_all_the_same() {
    let folder = files(|folder| {
        fs::write(folder.join(OsStr::from_bytes(b"caf\xe9")), "coffee\n").unwrap();
        fs::write(folder.join("two\nlines"), "x").unwrap();
        fs::write(folder.join("100%"), "y").unwrap();
    });

    let table = table(&lines_of(quickstart(&folder).start(), "runner:"));

    assert_eq!(table.keys().collect::<Vec<_>>(), ["100%25", "caf%E9", "two%0Alines"]);
    assert_eq!(table["caf%E9"].0, 7);
}

#[test]
fn a_file_that_cannot_be_read_is_tried_three_times_and_told() {
    let folder = files(|folder| {
        fs::write(folder.join("readable"), "x").unwrap();
        symlink("nowhere", folder.join("dangling")).unwrap();
    });

    let lines = lines_of(quickstart(&folder).start(), "runner:");

    assert!(
        lines.contains(&"dead after 3 attempts: dangling: No such file or directory (os error 2)".into()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"2 files, 1 bytes, 0 lines; 1 without a fingerprint".into()), "{lines:#?}");
    let again = lines_of(quickstart(&folder).start(), "runner:");
    assert!(
        again.iter().any(|line| line.starts_with("dead after 3 attempts: dangling")),
        "and again: {again:#?}"
    );
    assert_eq!(totals(&again), [2, 0, 1], "but nothing is done anew");
}

/// A program that did not come to its end with many files, their folder, and how many it had told to be done. On a machine that is busy
/// it may have come there before it was interrupted: then it is tried again, with other files.
fn interrupted(interrupt: impl Fn(&mut Running)) -> (TempDir, Running, usize) {
    for _ in 0..5 {
        let folder = many_files();
        let mut first = quickstart(&folder).start();
        let done = wait_for(&first, MANY / 5);
        interrupt(&mut first);
        if !first.wait_for_end(SOON).success() {
            return (folder, first, done);
        }
    }
    panic!("it always comes to its end first");
}

#[test]
fn killed_half_way_and_started_again_it_finishes_exactly_the_rest() {
    let (folder, _, done) = interrupted(Running::kill);

    let lines = lines_of(quickstart(&folder).start(), "runner:");

    let [all, now, before] = totals(&lines);
    assert_eq!((all, now + before), (MANY, MANY), "{lines:#?}");
    assert!(before >= done, "{done} files were told to be done, and only {before} are kept");
    assert!(now > 0, "it was killed half way");
    let table = table(&lines);
    assert_eq!(table.len(), MANY, "no file is missing");
    for number in [0, 1, MANY / 3, MANY - 1] {
        let name = format!("file-{number}");
        assert_eq!(table[&name].2, sha256(&folder.path().join("files").join(&name)), "{name}");
    }
    // What has its fingerprint is enqueued again only if the kill came before its run's end was on record.
    let runner = lines.iter().find_map(|line| line.strip_prefix("runner: performed ")).unwrap();
    let performed: usize = runner.split(',').next().unwrap().parse().unwrap();
    let (ticks, in_flight) = (SOON.as_secs() as usize, 16 * EXECUTORS);
    assert!(performed <= now + ticks + in_flight, "{performed} runs were performed for {now} files");
    println!(
        "{done} files were told to be done at the kill; then {now} were, in {performed} runs with the ticks"
    );
}

#[test]
fn stopped_by_a_signal_it_says_how_to_go_on() {
    let (folder, mut first, _) = interrupted(|first| first.signal(Signal::SIGINT));
    assert_eq!(first.wait_for_end(SOON).code(), Some(1), "it is not done");
    let stopped = first.wait_for_line("stopped at", SOON);
    assert!(stopped.ends_with("start it again with the same arguments to go on"), "{stopped}");

    let lines = lines_of(quickstart(&folder).start(), "runner:");

    let [all, now, before] = totals(&lines);
    assert_eq!((all, now + before, table(&lines).len()), (MANY, MANY, MANY), "{lines:#?}");
    assert_eq!(totals(&[stopped])[1], before, "what was done is not done again");
}

#[test]
fn the_first_run_starts_within_50_ms_of_launch() {
    let folder = many_files();
    let start = |number: usize| -> f64 {
        let program = quickstart(&folder).arg("--state").arg(format!("{number}.db")).start();
        let line = program.wait_for_line("first run started ", SOON);
        let words: Vec<_> = line.split(' ').collect();
        let at = words.iter().position(|word| *word == "ms").expect("it tells");
        words[at - 1].parse().expect("a number")
    };

    // Other tests keep machine and disk busy at the same time: the best start counts, if need be one after their end.
    let (begin, mut starts) = (Instant::now(), Vec::new());
    while starts.len() < 3
        || (begin.elapsed() < SOON && starts.iter().all(|milliseconds| *milliseconds >= 50.0))
    {
        starts.push(start(starts.len()));
    }

    assert!(starts.iter().any(|milliseconds| *milliseconds < 50.0), "in ms: {starts:?}");
    println!("first run after, in ms: {starts:?}");
}
