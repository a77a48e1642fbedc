//! What `benches/` measures by itself though nobody else may name it. Not part of the public interface.

use crate::job::{Registration, Registry};
use crate::name::JobName;

#[cfg(feature = "redis")]
pub use crate::backend::redis::Wire;

/// The jobs that are linked into this process.
#[derive(Debug)]
pub struct Jobs(Registry);

impl Jobs {
    /// Collects them.
    #[must_use]
    pub fn collect() -> Self {
        Self(Registry::collect().0)
    }

    /// What an executor looks up for each run.
    #[must_use]
    pub fn find(&self, job: &JobName) -> Option<&'static Registration> {
        self.0.find(job)
    }
}
