//! The stores that faults are tried on.

use std::time::Duration;

use mosquito_tests::{CrashLedger, Inside, RedisServer, WorkerPlan};

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
                let folder = ledger.folder().file_name().expect("a ledger has a folder");
                let prefix = folder.to_string_lossy().into_owned();
                ledger.look_into(Inside::Redis { url: server.url(), prefix: prefix.clone() });
                WorkerPlan { prefix: Some(prefix), ..WorkerPlan::new(server.url(), ledger.journal()) }
            }
            Self::Sqlite => {
                let file = ledger.folder().join("jobs.db");
                let url = format!("sqlite://{}", file.display());
                ledger.look_into(Inside::Sqlite(file));
                WorkerPlan::new(url, ledger.journal())
            }
        }
    }

    /// Acts while no process is in the middle of writing: one that is stopped there keeps the lock of a SQLite file, and
    /// everybody else waits for it.
    pub(crate) fn while_nobody_writes<T>(&self, ledger: &CrashLedger, act: impl FnOnce() -> T) -> T {
        let Self::Sqlite = self else { return act() };
        let file = rusqlite::Connection::open(ledger.folder().join("jobs.db")).expect("the file is there");
        file.busy_timeout(Duration::from_secs(20)).expect("it can wait");
        file.execute_batch("BEGIN IMMEDIATE").expect("the lock is free now and then");
        let done = act();
        file.execute_batch("COMMIT").expect("there is nothing to write");
        done
    }

    /// How it is called in the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Sqlite => "sqlite",
        }
    }
}
