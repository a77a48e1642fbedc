//! A worker that forgets to link its jobs: what happens then.
//!
//! ```text
//! cargo run -p mailroom-worker --bin mailroom-worker-unlinked
//! ```
//!
//! Its `Cargo.toml` depends on `mailroom-jobs`, but nothing in here refers to that crate, so the linker leaves it
//! out, and no job is registered. `build` says so, before the store is touched.

use mosquito::Mosquito;

#[tokio::main]
async fn main() -> mosquito::Result<()> {
    let mosquito = Mosquito::connect("memory://").await?;
    let runner = mosquito.runner().build()?;
    println!("this is never printed");
    runner.run().await.map(drop)
}
