//! What each part of the way of a run takes, by itself, in time: `cargo bench --bench hot_path`, or `… -- envelope` for those of that name.
//!
//! The scripts are timed with their round trip, on a server that is started here. Where none is installed only the client's parts are timed.

mod client;
mod jobs;
mod scripts;

use mosquito_tests::RedisServer;

fn main() {
    let mut divan = divan::Divan::from_args();
    if !RedisServer::is_installed() {
        eprintln!("redis-server is not on the PATH: the scripts are left out");
        divan = divan.skip_regex("^scripts");
    }
    divan.main();
}
