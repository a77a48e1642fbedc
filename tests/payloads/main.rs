//! Payloads that an earlier release wrote, read by today's jobs.
//!
//! The earlier release is a line in the file of kept payloads; today is `jobs.rs`.

mod changes;
mod file;
mod jobs;
mod recording;
