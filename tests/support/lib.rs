//! Shared by the integration tests: real servers, real processes, and ways to say exactly what went wrong.

mod eventually;
mod ledger;
mod processes;
mod proxy;
mod redis_server;
mod seed;

pub use eventually::{eventually, soon};
pub use ledger::Ledger;
pub use processes::{Program, Running};
pub use proxy::{Direction, Lost, Proxy, Script, Traffic, Which};
pub use redis_server::RedisServer;
pub use seed::Seed;
