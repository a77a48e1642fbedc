//! The two jobs: one that is enqueued for each file, and one that is performed by the clock.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use mosquito::{Context, JobResult, Perform, PerformBlocking, RunId, job};
use sha2::{Digest, Sha256};

use crate::files::FilePath;
use crate::progress::Progress;
use crate::results::{Fingerprint, Results};

/// The queue of the files.
pub(crate) const FILES: &str = "files";

/// Takes the fingerprint of one file.
#[job(queue = "files", blocking, retry(attempts = 3, backoff = fixed("300ms")), state(Arc<Results>, Progress))]
pub(crate) struct TakeFingerprint {
    /// The file.
    pub(crate) path: FilePath,
}

impl TakeFingerprint {
    /// The same for the same file: one that is enqueued already is not enqueued twice.
    pub(crate) fn id(&self) -> RunId {
        self.path.run_id()
    }
}

impl PerformBlocking for TakeFingerprint {
    fn perform(&self, cx: &Context<Self>) -> JobResult {
        let (results, progress) = (cx.state::<Arc<Results>>(), cx.state::<Progress>());
        progress.began();
        let mut file = File::open(self.path.to_path())?;
        let metadata = file.metadata()?;
        // A process that was killed may have come as far as this result, but not to the run's end.
        if results.taken_by(&self.path, &metadata)?.is_some() {
            return Ok(());
        }

        let (mut hash, mut size, mut lines) = (Sha256::new(), 0, 0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let part = match file.read(&mut buffer)? {
                0 => break,
                length => &buffer[..length],
            };
            hash.update(part);
            size += part.len() as u64;
            lines += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            if cx.is_cancelled() {
                return Err("stopped in the middle of a file".into());
            }
        }

        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        results.keep(&self.path, &metadata, &Fingerprint { size, lines, sha256 })?;
        progress.fingerprinted();
        Ok(())
    }
}

/// Says in the log how far it is.
#[job(queue = "progress", every = "1s", state(Progress))]
pub(crate) struct ReportProgress;

impl Perform for ReportProgress {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let progress = cx.state::<Progress>();
        tracing::info!(target: "quickstart", "{progress}");
        Ok(())
    }
}
