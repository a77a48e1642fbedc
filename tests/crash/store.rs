//! The stores that faults are tried on.

use mosquito_tests::{CrashLedger, RedisServer, WorkerPlan};

/// A store of a test's own.
pub(crate) enum Store {
    Redis(RedisServer),
    /// A file in the ledger's folder.
    Sqlite,
}

impl Store {
    pub(crate) fn redis() -> Self {
        Self::Redis(RedisServer::start())
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite
    }

    /// A plan for workers, each ledger with a namespace of its own.
    pub(crate) fn plan(&self, ledger: &CrashLedger) -> WorkerPlan {
        match self {
            Self::Redis(server) => {
                let prefix = ledger.folder().file_name().map(|name| name.to_string_lossy().into_owned());
                WorkerPlan { prefix, ..WorkerPlan::new(server.url(), ledger.journal()) }
            }
            Self::Sqlite => {
                let url = format!("sqlite://{}", ledger.folder().join("jobs.db").display());
                WorkerPlan::new(url, ledger.journal())
            }
        }
    }

    /// How it is called in the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Sqlite => "sqlite",
        }
    }
}
