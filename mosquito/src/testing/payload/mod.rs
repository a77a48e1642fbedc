//! Whether runs that an older release enqueued are still understood.
//!
//! The arguments of a job are JSON in a store. When the struct changes, runs of the old shape may be waiting. So
//! payloads of every job are kept in a file, `payloads.json` beside `Cargo.toml`, which is checked in; and one test
//! reads them with today's code:
//!
//! ```no_run
//! // In a `#[test]`:
//! fn waiting_runs_are_understood() {
//!     mosquito::testing::assert_payload_compatible!();
//! }
//! # waiting_runs_are_understood();
//! ```
//!
//! Nobody writes the payloads: the test makes them up from the types, with numbers as large as they get, with and without
//! each optional value, with every variant; and adds them to the file when a job is new or has a new shape. It fails that once, so that
//! the file is looked at and checked in. Payloads stay in the file until somebody deletes their lines.
//!
//! # What it tells
//!
//! | change | |
//! |---|---|
//! | a field added with `#[serde(default)]`, or as an `Option`; removed; renamed with `#[serde(alias = "..")]` | passes |
//! | a number widened, a variant added, a job renamed with `aliases(..)` | passes |
//! | `version` raised, with an `impl Upgrade` that reads the old arguments | passes |
//! | a field added without a default, renamed without an alias, or made required | fails |
//! | a number narrowed, a type changed, a variant removed | fails |
//! | a job removed or renamed without an alias, a version lowered | fails |
//! | a value that is read without complaint, but as another one: `u64` as `f64` | fails |
//! | a job that cannot read what it writes itself | fails |
//!
//! A field that is removed while another one is added with a default cannot be told from one that is renamed.
//!
//! # Where it ends
//!
//! It sees the jobs that are linked into the test: call it from one test of a package, in its folder `tests`, where jobs that
//! only unit tests have are not linked, and [`link!`](crate::link) crates that the test does not name. In a workspace it
//! belongs into the package of the worker, which links them all; a second package with the same jobs keeps a file of its own.
//!
//! A value whose meaning changed is read as ever: seconds that became milliseconds, a variant that is taken by
//! `#[serde(other)]` now. Raise the version of the job with such a change. Some types cannot be guessed from how they read, such as a text with
//! a checksum, or an untagged enum of structs; the test says so, and takes
//! [jobs made by hand](macro@crate::testing::assert_payload_compatible), whose arguments stand in the file as they are.

mod check;
mod meaning;
mod snapshot;
#[cfg(test)]
mod tests;

use std::env::var_os;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::value::to_raw_value;

use crate::error::Error;
use crate::job::{Job, Registry};
use crate::testing::payload::check::{ByHand, Jobs, Verdict};

/// Fails when runs that were enqueued by an older release would not be understood.
///
/// See [`payload`](crate::testing::payload) for what it does. Without more it keeps its payloads in
/// `payloads.json` beside the `Cargo.toml` of the package it stands in. When the environment variable `CI` is set, it writes nothing,
/// and payloads that are not in the file are a failure.
///
/// ```standalone_crate
/// use mosquito::testing::assert_payload_compatible;
/// # use mosquito::{Context, JobResult, Perform, job};
///
/// #[job]
/// struct SendWelcome {
///     user_id: u64,
/// }
/// # impl Perform for SendWelcome { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # let folder = std::env::temp_dir().join(format!("mosquito-payloads-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let file = folder.join("payloads.json");
/// # mosquito::testing::PayloadCheck::new(&file).recording(true).run().unwrap_err();
///
/// // In another file, and with payloads that cannot be made up from the type.
/// assert_payload_compatible!(file = &file, SendWelcome { user_id: u64::MAX });
/// # assert!(std::fs::read_to_string(&file).unwrap().contains(r#"{"version": 1, "args": {"user_id":18446744073709551615}}"#));
/// # std::fs::remove_dir_all(&folder).unwrap();
/// ```
///
/// # Panics
///
/// With one list of all payloads that are not understood: the job, the field, what serde says, the payload, and the
/// ways out. Also once after it has added payloads to the file.
#[macro_export]
macro_rules! assert_payload_compatible {
    (file = $file:expr $(, $job:expr)* $(,)?) => {
        $crate::testing::PayloadCheck::new($file)$(.job(&$job))*.assert()
    };
    ($($job:expr),* $(,)?) => {
        $crate::assert_payload_compatible!(
            file = ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/payloads.json") $(, $job)*
        )
    };
}

/// A check of the kept payloads: what [`assert_payload_compatible!`](macro@crate::testing::assert_payload_compatible)
/// does, in steps.
#[derive(Debug)]
#[must_use = "nothing is checked until it is run"]
pub struct PayloadCheck {
    file: PathBuf,
    is_recording: bool,
    by_hand: ByHand,
    unwritable: Vec<String>,
}

impl PayloadCheck {
    /// A check against a file, which need not be there yet. It records, unless `CI` is set.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        let is_recording = var_os("CI").is_none_or(|value| value.is_empty());
        Self { file: file.into(), is_recording, by_hand: Vec::new(), unwritable: Vec::new() }
    }

    /// Whether payloads that the file lacks are added to it.
    pub fn recording(mut self, is_recording: bool) -> Self {
        self.is_recording = is_recording;
        self
    }

    /// Keeps this job's arguments too. What could not be made up of this job's type is then not complained of.
    pub fn job<J: Job>(mut self, job: &J) -> Self {
        match to_raw_value(job) {
            Ok(args) => self.by_hand.push((J::SPEC.name, args)),
            Err(source) => {
                let error = Error::Unserializable { job: J::SPEC.name.into(), source: source.into() };
                self.unwritable.push(format!("{error}: {}", J::SPEC.name));
            }
        }
        self
    }

    /// Checks the payloads of all jobs that are linked into this process.
    ///
    /// # Errors
    ///
    /// What is wrong, in words for whoever changed the code. Also when payloads were added to the file, once.
    pub fn run(self) -> Result<(), String> {
        if !self.unwritable.is_empty() {
            return Err(self.unwritable.join("\n"));
        }
        let (registry, problems) = Registry::collect();
        if !problems.is_empty() {
            return Err(problems.join("\n"));
        }
        let jobs = Jobs { registered: registry.jobs(), by_hand: &self.by_hand };
        let text = self.text()?;
        let file = self.file.file_name().unwrap_or_default().to_string_lossy();
        let verdict = jobs.check(&text, &file);
        match verdict.complaint(&file) {
            Some(complaint) => Err(complaint),
            None if verdict.recorded.is_empty() => Ok(()),
            None => Err(self.record(&verdict)),
        }
    }

    /// Panics with what [`run`](Self::run) says.
    ///
    /// # Panics
    ///
    /// When something is wrong, or payloads were added to the file.
    #[track_caller]
    pub fn assert(self) {
        if let Err(why) = self.run() {
            panic!("{why}");
        }
    }

    fn text(&self) -> Result<String, String> {
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok("{}".into()),
            Err(error) => Err(format!("{} cannot be read: {error}", self.file.display())),
        }
    }

    /// Adds to the file what it lacks, and says so.
    fn record(&self, verdict: &Verdict) -> String {
        let file = self.file.display();
        let new: Vec<_> = verdict.recorded.iter().map(|(job, count)| format!("{count} of `{job}`")).collect();
        let new = new.join(", ");
        if !self.is_recording {
            return format!(
                "{file} lacks payloads of today's jobs: {new}. Nothing is written where `CI` is set: run this test \
                 without it, and check the file in"
            );
        }
        match replace(&self.file, &verdict.text) {
            Ok(()) => {
                format!("recorded new payloads in {file}: {new}. Check the file in and run the test again")
            }
            Err(error) => format!("payloads of today's jobs ({new}) cannot be written to {file}: {error}"),
        }
    }
}

/// Replaces a file as a whole: whoever reads it meanwhile sees the old or the new one.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_extension(format!("{}.tmp", uuid::Uuid::now_v7().simple()));
    let written = fs::File::create_new(&draft).and_then(|mut new| new.write_all(text.as_bytes()));
    let replaced = written.and_then(|()| fs::rename(&draft, file));
    if replaced.is_err() {
        // What is left of it helps nobody; that it cannot be removed either is told by the first error.
        let _ = fs::remove_file(&draft);
    }
    replaced
}
