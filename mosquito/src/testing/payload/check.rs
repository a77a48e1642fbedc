//! Compares the jobs of this process with the payloads in a file.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::job::Registration;
use crate::job::payload::Reread;
use crate::testing::payload::meaning::lost;
use crate::testing::payload::snapshot::{Kept, Snapshot, on_one_line, render};

/// At so many characters a payload is cut when it is shown.
const SHOWN: usize = 400;

/// What a check found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What is wrong, job by job.
    problems: BTreeMap<String, Vec<String>>,
    /// Which of the ways out are worth telling.
    ways: Ways,
    /// How many payloads each job has that the file lacks.
    pub(super) recorded: BTreeMap<String, usize>,
    /// The file with them.
    pub(super) text: String,
}

#[derive(Debug, Default)]
struct Ways {
    /// The next version of each job with payloads that cannot be read.
    versions: BTreeMap<&'static str, u32>,
    unsampled: bool,
}

/// Payloads that are given by hand, by the name of their job.
pub(super) type ByHand = Vec<(&'static str, Box<RawValue>)>;

/// The jobs of this process, and what the test says of them.
#[derive(Debug)]
pub(super) struct Jobs<'j> {
    pub(super) registered: &'j [&'static Registration],
    pub(super) by_hand: &'j ByHand,
}

impl Jobs<'_> {
    /// Compares them with a file: its text, and how it is called.
    pub(super) fn check(&self, text: &str, file: &str) -> Verdict {
        let mut verdict = Verdict::default();
        let snapshot = match Snapshot::parse(text) {
            Ok(snapshot) => snapshot,
            Err(why) => {
                let problem =
                    format!("{file}:{}: {why}: mend it, or take it back from version control", why.line());
                verdict.problems.insert("the file of payloads cannot be read".into(), vec![problem]);
                return verdict;
            }
        };
        for (name, kept) in &snapshot.jobs {
            self.read_all(name, kept, &snapshot, file, &mut verdict);
        }
        let mut all = texts(&snapshot);
        for job in self.registered {
            self.record(job, &mut all, &snapshot, &mut verdict);
        }
        verdict.text = render(&all);
        verdict
    }

    /// Reads the payloads of one job with today's code.
    fn read_all(&self, name: &str, kept: &[Kept], snapshot: &Snapshot, file: &str, verdict: &mut Verdict) {
        let answers_to = |job: &&&Registration| job.spec.name == name || job.spec.aliases.contains(&name);
        let Some(job) = self.registered.iter().find(answers_to) else {
            let line = kept.iter().map(|kept| snapshot.line(kept)).min().unwrap_or(1);
            verdict.tell(
                name,
                format!(
                    "{file}:{line}: no job of this process bears its name, so that its waiting runs would be unknown. \
                     If it was renamed, write `#[job(aliases(\"{name}\"))]` on it; if it stands in a crate that the \
                     test does not name, `mosquito::link!(that_crate);` beside the test. When no run of it can be \
                     waiting any more, delete its entry `\"{name}\": [..]` from {file}"
                ),
            );
            return;
        };
        for kept in kept {
            for why in unreadable(job, kept.version, kept.args) {
                let (version, line) = (kept.version, snapshot.line(kept));
                verdict.tell(
                    job.spec.name,
                    format!("version {version}, {file}:{line}: {why}\n    {}", shown(kept.args)),
                );
                verdict.ways.versions.insert(job.spec.name, job.spec.version + 1);
            }
        }
    }

    /// Adds the payloads of today that the file lacks.
    fn record(
        &self,
        job: &'static Registration,
        all: &mut BTreeMap<String, Vec<(u32, String)>>,
        snapshot: &Snapshot,
        verdict: &mut Verdict,
    ) {
        let (name, version) = (job.spec.name, job.spec.version);
        let by_hand: Vec<_> = self.by_hand.iter().filter(|(of, _)| *of == name).collect();
        let samples = job.samples();
        for gap in samples.gaps.iter().filter(|_| by_hand.is_empty()) {
            verdict.tell(name, format!("not all of it can be made up: {gap}"));
            verdict.ways.unsampled = true;
        }
        let kept = snapshot.jobs.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_kept =
            |args: &Value| kept.iter().any(|kept| kept.version == version && parsed(kept.args) == *args);
        for args in samples.payloads.iter().chain(by_hand.iter().map(|(_, args)| args)) {
            if is_kept(&parsed(args)) {
                continue;
            }
            for why in unreadable(job, version, args) {
                verdict.tell(
                    name,
                    format!("what it writes itself, it reads otherwise: {why}\n    {}", shown(args)),
                );
            }
            let payload = (version, on_one_line(args.get()));
            let payloads = all.entry(name.to_owned()).or_default();
            if !payloads.contains(&payload) {
                payloads.push(payload);
                *verdict.recorded.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
}

/// Why arguments are not read as what they were written as, if so.
fn unreadable(job: &Registration, version: u32, args: &RawValue) -> Vec<String> {
    let today = job.spec.version;
    if version > today {
        return vec![format!(
            "it was written under version {version}, and the job is at version {today}: a version never goes back"
        )];
    }
    match job.reread(version, args) {
        Err(why) => vec![why],
        // An upgrade may give the same name another meaning.
        Ok(Reread::Args(written)) if version == today => lost(&parsed(args), &parsed(&written)),
        Ok(Reread::Args(_) | Reread::Discarded) => Vec::new(),
    }
}

fn texts(snapshot: &Snapshot) -> BTreeMap<String, Vec<(u32, String)>> {
    let texts =
        |kept: &[Kept]| kept.iter().map(|kept| (kept.version, on_one_line(kept.args.get()))).collect();
    snapshot.jobs.iter().map(|(name, kept)| (name.clone(), texts(kept))).collect()
}

fn parsed(args: &RawValue) -> Value {
    serde_json::from_str(args.get()).unwrap_or_default()
}

fn shown(args: &RawValue) -> String {
    let line = on_one_line(args.get());
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

impl Verdict {
    fn tell(&mut self, job: &str, problem: String) {
        self.problems.entry(format!("job `{job}`")).or_default().push(problem);
    }

    /// Everything that is wrong and what to do about it, or nothing.
    pub(super) fn complaint(&self, file: &str) -> Option<String> {
        if self.problems.is_empty() {
            return None;
        }
        let mut words = String::from("arguments of jobs are not what they were:\n");
        for (job, problems) in &self.problems {
            let _ = write!(words, "\n{job}\n");
            problems.iter().for_each(|problem| {
                let _ = writeln!(words, "  {problem}");
            });
        }
        if !self.ways.versions.is_empty() {
            let raised: Vec<_> = self
                .ways
                .versions
                .iter()
                .map(|(job, version)| format!("`#[job(version = {version})]` on `{job}`"))
                .collect();
            let _ = write!(
                words,
                "\nRuns with such arguments may be waiting when this code is deployed. For each job, one of:\n  \
                 1. read what was written: `#[serde(default)]` on a new field, `#[serde(alias = \"old_name\")]` on a \
                 renamed one, a type that takes both\n  \
                 2. raise its version, and write `impl Upgrade` for it: {}\n  \
                 3. when no such run can be waiting any more, or none was ever enqueued: delete the line told above \
                 from {file}\n",
                raised.join(", ")
            );
        }
        if self.ways.unsampled {
            words.push_str(
                "\nFor what cannot be made up, give the test a job of your own: \
                 assert_payload_compatible!(YourJob { .. });\n",
            );
        }
        Some(words)
    }
}
