//! A file of kept payloads, in a folder of its own.

use std::fs;
use std::path::PathBuf;

use mosquito::testing::PayloadCheck;
use tempfile::TempDir;

pub(crate) struct Payloads {
    folder: TempDir,
}

impl Payloads {
    /// Without a file.
    pub(crate) fn none() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder can be made") }
    }

    /// With the payloads of today's jobs.
    pub(crate) fn of_today() -> Self {
        let payloads = Self::none();
        let said = payloads.record().expect_err("all is new");
        assert!(said.contains("recorded new payloads"), "{said}");
        payloads
    }

    /// With one more, which an earlier release wrote.
    pub(crate) fn and(self, job: &str, version: u32, args: &str) -> Self {
        let text = self.text();
        let (start, payload) =
            (format!("  \"{job}\": [\n"), format!("    {{\"version\": {version}, \"args\": {args}}}"));
        let text = if text.contains(&start) {
            text.replacen(&start, &format!("{start}{payload},\n"), 1)
        } else {
            text.replacen("{\n", &format!("{{\n{start}{payload}\n  ],\n"), 1)
        };
        self.write(&text);
        self
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("payloads.json")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path()).expect("the file is there")
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("the file can be written");
    }

    pub(crate) fn record(&self) -> Result<(), String> {
        PayloadCheck::new(self.path()).recording(true).run()
    }

    /// As where `CI` is set.
    pub(crate) fn check(&self) -> Result<(), String> {
        PayloadCheck::new(self.path()).recording(false).run()
    }
}
