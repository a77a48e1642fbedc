//! How limits stand.

/// How a limit stands for one key of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LimitReport {
    /// How many runs count in its time, each as its weight; nothing when no run was enqueued under a rate limit of that name.
    pub rate: Option<Used>,
    /// How many of its slots are taken; nothing when no run was enqueued under a concurrency limit of that name.
    pub concurrency: Option<Used>,
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// So much.
    pub used: u32,
    /// Of so much.
    pub limit: u32,
}
