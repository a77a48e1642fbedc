//! The file of kept payloads: per job, one payload a line.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What stands in the file.
#[derive(Debug, Default)]
pub(super) struct Snapshot<'t> {
    text: &'t str,
    /// The payloads of each job, by the name under which they were recorded.
    pub(super) jobs: BTreeMap<String, Vec<Kept<'t>>>,
}

/// A payload in the file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept<'t> {
    /// The version of the job's arguments that it was written under.
    pub(super) version: u32,
    #[serde(borrow)]
    pub(super) args: &'t RawValue,
}

impl<'t> Snapshot<'t> {
    pub(super) fn parse(text: &'t str) -> serde_json::Result<Self> {
        let Jobs(jobs) = serde_json::from_str(text)?;
        Ok(Self { text, jobs })
    }

    /// The line of a payload, from 1.
    pub(super) fn line(&self, kept: &Kept<'_>) -> usize {
        // The arguments are a part of the text, so the distance of both is their place in it.
        let place = kept.args.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        self.text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
    }
}

struct Jobs<'t>(BTreeMap<String, Vec<Kept<'t>>>);

impl<'de: 't, 't> Deserialize<'de> for Jobs<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JobsVisitor).map(Jobs)
    }
}

struct JobsVisitor;

impl<'de> Visitor<'de> for JobsVisitor {
    type Value = BTreeMap<String, Vec<Kept<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of payloads for each job")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut jobs: Self::Value = BTreeMap::new();
        // A merge may leave a job twice; neither part of its payloads is dropped.
        while let Some((name, payloads)) = map.next_entry::<String, Vec<Kept<'de>>>()? {
            jobs.entry(name).or_default().extend(payloads);
        }
        Ok(jobs)
    }
}

/// Writes the file: sorted, so that two branches that add payloads differ only in these.
pub(super) fn render(jobs: &BTreeMap<String, Vec<(u32, String)>>) -> String {
    let mut sections = Vec::new();
    for (name, payloads) in jobs.iter().filter(|(_, payloads)| !payloads.is_empty()) {
        let mut payloads = payloads.clone();
        payloads.sort();
        payloads.dedup();
        let lines: Vec<_> = payloads
            .iter()
            .map(|(version, args)| format!("    {{\"version\": {version}, \"args\": {args}}}"))
            .collect();
        let name = serde_json::Value::String(name.clone());
        sections.push(format!("  {name}: [\n{}\n  ]", lines.join(",\n")));
    }
    format!("{{\n{}\n}}\n", sections.join(",\n"))
}

/// JSON without the spaces and line breaks that a formatter may have put between its parts.
pub(super) fn on_one_line(json: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if in_text || !c.is_ascii_whitespace() {
            line.push(c);
        }
        in_text ^= c == '"' && !is_escaped;
        is_escaped = in_text && c == '\\' && !is_escaped;
    }
    line
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Snapshot, on_one_line, render};

    #[test]
    fn what_is_written_is_read_again_with_its_lines() {
        let payloads = vec![(2, r#"{"b":2}"#.to_owned()), (1, r#"{"a":1}"#.to_owned())];
        let jobs = BTreeMap::from([("one".to_owned(), payloads), ("none".to_owned(), vec![])]);

        let text = render(&jobs);

        let snapshot = Snapshot::parse(&text).unwrap();
        let read: Vec<_> = snapshot.jobs["one"]
            .iter()
            .map(|kept| (kept.version, kept.args.get(), snapshot.line(kept)))
            .collect();
        assert_eq!(read, [(1, r#"{"a":1}"#, 3), (2, r#"{"b":2}"#, 4)]);
        assert!(!snapshot.jobs.contains_key("none"));
    }

    #[test]
    fn a_job_that_stands_there_twice_keeps_all_its_payloads() {
        let text = r#"{"one": [{"version": 1, "args": 1}], "one": [{"version": 1, "args": 2}]}"#;

        assert_eq!(Snapshot::parse(text).unwrap().jobs["one"].len(), 2);
    }

    #[test]
    fn only_what_stands_between_the_parts_is_dropped() {
        let json = "{\n  \"a \\\" b\": [1,\n 2],\t\"c\\\\\": \" d \"}";

        assert_eq!(on_one_line(json), r#"{"a \" b":[1,2],"c\\":" d "}"#);
    }
}
