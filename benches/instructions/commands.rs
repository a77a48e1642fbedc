//! What the server is asked to do in one call, within its scripts too.

use std::error::Error;
use std::future::Future;

use mosquito::{Job, Mosquito, OverseerId};
use mosquito_tests::RedisServer;

use crate::figures::{Figure, Kind};
use crate::phases::{Flowing, Nothing, claim, enqueue_all, enqueue_flowing, settle};

/// Commands per call, of each call of the hot path.
pub(crate) fn count(server: &RedisServer) -> Result<Vec<Figure>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(count_all(server))
}

async fn count_all(server: &RedisServer) -> Result<Vec<Figure>, Box<dyn Error>> {
    let store = Mosquito::connect(&server.url()).await?;
    let (overseer, mut figures) = (OverseerId::random(), Vec::new());
    for queue in [Nothing::SPEC.queue, Flowing::SPEC.queue] {
        store.queue(queue)?.flush().await?;
        // For what is done once for a connection and a queue.
        count_calls(server, &store, queue, &overseer, 1).await?;
        for runs in [1, 10, 100] {
            figures.extend(count_calls(server, &store, queue, &overseer, runs).await?);
        }
    }
    Ok(figures)
}

/// So many runs on their way, each part of it in one call.
async fn count_calls(
    server: &RedisServer,
    store: &Mosquito,
    queue: &str,
    overseer: &OverseerId,
    runs: usize,
) -> Result<[Figure; 3], Box<dyn Error>> {
    let mut claims = Vec::new();
    let flows = queue == Flowing::SPEC.queue;
    let enqueued = match flows {
        true => counted(server, enqueue_flowing(store, runs)).await?,
        false => counted(server, enqueue_all(store, runs)).await?,
    };
    let claimed = counted(server, claim(store, queue, overseer, runs, &mut claims)).await?;
    let settled = counted(server, settle(store, queue, &mut claims)).await?;
    Ok([("enqueue", enqueued), ("claim", claimed), ("settle", settled)].map(|(what, value)| {
        let name = format!("{what} of {runs}{}", if flows { " with a flow" } else { "" });
        Figure { name, kind: Kind::Commands, value }
    }))
}

async fn counted(
    server: &RedisServer,
    work: impl Future<Output = Result<(), Box<dyn Error>>>,
) -> Result<f64, Box<dyn Error>> {
    let before = commands(server)?;
    work.await?;
    Ok(commands(server)? - before)
}

/// All that were performed so far, but for those that ask for this.
fn commands(server: &RedisServer) -> Result<f64, Box<dyn Error>> {
    let stats: String = server.command(&["INFO", "commandstats"]);
    let counts = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    let sent = counts.filter(|(name, _)| !["info", "client|setinfo", "hello", "ping"].contains(name));
    let calls: Result<Vec<f64>, _> =
        sent.map(|(_, rest)| rest.split(',').next().unwrap_or_default().parse()).collect();
    Ok(calls?.iter().sum())
}
