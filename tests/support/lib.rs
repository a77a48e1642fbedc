//! Shared by the integration tests: real servers, real processes, and ways to say exactly what went wrong.
//!
//! How a fault is tried on worker processes, with an exact ledger, stands on top of `tests/crash/main.rs`.

mod account;
mod book;
mod cluster;
mod crash_ledger;
mod eventually;
mod fail_points;
mod fleet;
mod flowing;
mod inside;
pub mod journal;
mod ledger;
mod processes;
mod proxy;
mod redis_server;
mod seed;
mod sentinel;
mod witness;
mod worker;

pub use account::Account;
pub use book::Span;
pub use cluster::RedisCluster;
pub use crash_ledger::CrashLedger;
pub use eventually::{eventually, soon};
pub use fail_points::{FailPoint, Operation, Side, die};
pub use fleet::{Fault, Fleet, Hit, Lasting, Told};
pub use flowing::{enqueue_flowing, flow_of, leaks, run_of};
pub use inside::Inside;
pub use ledger::Ledger;
pub use processes::{Program, Running};
pub use proxy::{Direction, Lost, Proxy, Script, Traffic, Which};
pub use redis_server::RedisServer;
pub use seed::Seed;
pub use sentinel::Sentinels;
pub use witness::Witness;
pub use worker::{Pace, WorkerPlan, work};
