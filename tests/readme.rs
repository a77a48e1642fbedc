//! What the README and the promises name exists, and the table of keys is the macro's.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace")
}

fn readme() -> String {
    read_to_string(root().join("README.md")).expect("there is a README")
}

/// The rows of the table under a heading, each with the words in code of its first column.
fn first_column(text: &str, heading: &str) -> BTreeSet<String> {
    let section = text.split(heading).nth(1).unwrap_or_else(|| panic!("there is a section `{heading}`"));
    let table = section.lines().skip_while(|line| !line.contains("|---")).skip(1);
    let rows = table
        .take_while(|line| line.trim_start_matches("//!").trim_start_matches("///").trim().starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1).map(str::to_owned));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_file_that_the_readme_links_to_is_there() {
    let readme = readme();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());

    for link in links.filter(|link| !link.starts_with("http")) {
        assert!(root().join(link).exists(), "the README links to `{link}`, which is not there");
    }
}

/// A promise whose test was renamed or dropped would be a promise without one.
#[test]
fn every_test_that_guards_a_promise_is_there() {
    let sources = rust_sources(&root().join("tests"));
    for document in ["RELIABILITY.md", "ARCHITECTURE.md"] {
        let text = read_to_string(root().join(document)).expect("it is there");
        let words = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        for word in words {
            let fact = word.trim_start_matches('…');
            // Facts are sentences: no other name has so many words.
            if fact.split('_').count() > 5
                && fact.chars().all(|char| char.is_ascii_lowercase() || char == '_')
            {
                let is_there = sources.iter().any(|source| source.contains(&format!("{fact}(")));
                assert!(is_there, "{document} names the test `{fact}`, which is not there");
            }
            let parts = ["contract/", "crash/", "runners/", "redis_modes/", "redis_setup/"];
            if parts.iter().any(|part| word.starts_with(part)) && word.ends_with(".rs") {
                let is_there =
                    ["tests", "mosquito/src"].iter().any(|top| root().join(top).join(word).exists());
                assert!(is_there, "{document} names the file `{word}`, which is not there");
            }
        }
    }
}

fn rust_sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => rust_sources(&path),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                vec![read_to_string(&path).expect("it is text")]
            }
            false => Vec::new(),
        })
        .collect()
}

#[test]
fn every_example_of_the_readme_is_there_and_the_other_way_round() {
    let named: BTreeSet<_> = first_column(&readme(), "| example | shows |")
        .into_iter()
        .filter_map(|name| name.split(' ').next().map(str::to_owned))
        .collect();

    let manifest = read_to_string(root().join("examples/Cargo.toml")).expect("there are examples");
    let mut built: BTreeSet<_> = manifest
        .split("[[example]]")
        .skip(1)
        .filter_map(|entry| entry.split("name = \"").nth(1)?.split('"').next().map(str::to_owned))
        .collect();
    built.insert("mailroom".into());
    assert_eq!(named, built);
}

#[test]
fn the_commands_of_the_readme_are_there() {
    assert!(readme().contains("cargo run --example quickstart -- ."));
    assert!(readme().contains("\nscripts/test\n") && root().join("scripts/test").exists());
    let ci = read_to_string(root().join(".ci/run")).expect("there is a CI script");
    assert!(ci.contains("scripts/test"), "CI runs the command of the README");
}

#[test]
fn the_readme_has_every_key_of_the_attribute() {
    let macros = read_to_string(root().join("mosquito-macros/src/lib.rs")).expect("there is a macro");

    let keys = |table| -> BTreeSet<String> {
        table_words(table).into_iter().filter(|key| !key.is_empty()).collect()
    };
    fn table_words(words: BTreeSet<String>) -> Vec<String> {
        words.into_iter().map(|word| word.split(['(', ' ']).next().unwrap_or_default().to_owned()).collect()
    }
    let documented = keys(first_column(&readme(), "## The attribute"));
    let parsed = keys(first_column(&macros, "# Keys"));
    assert_eq!(documented, parsed, "README on the left, rustdoc of `#[job]` on the right");
}
