//! So many runs in a time.
//!
//! ```text
//! cargo run --example rate_limit
//! ```
//!
//! A run that is over its limit stays where it is, uses up no attempt, and is claimed as soon as there is room, without anybody asking for it again
//! and again. Other tenants are not held up.

use std::time::{Duration, Instant};

use mosquito::events::Event;
use mosquito::{Context, FlowKey, JobResult, Mosquito, Perform, job};

/// Five pages in half a second for each tenant. A document counts as many pages as it has.
#[job(queue = "translations", rate_limit(limit = 5, per = "500ms", by = [tenant], weight = self.pages.len()), state(Instant))]
struct Translate {
    tenant: String,
    pages: Vec<String>,
}

impl Perform for Translate {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let since = cx.state::<Instant>().elapsed();
        let (tenant, pages) = (&self.tenant, self.pages.len());
        println!("after {:4} ms: {tenant}, {pages} pages, attempt {}", since.as_millis(), cx.attempt());
        Ok(())
    }
}

fn translate(tenant: &str, pages: usize) -> Translate {
    Translate { tenant: tenant.into(), pages: vec!["once upon a time".into(); pages] }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    mosquito.enqueue_all((0..12).map(|_| translate("big", 1))).await?;
    mosquito.enqueue_all([3, 3].map(|pages| translate("small", pages))).await?;

    let runner = mosquito.runner().state(Instant::now()).build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = 14;
    while left > 0
        && let Some(event) = events.next().await
    {
        left -= usize::from(matches!(event, Event::Finished { .. }));
    }
    let limit = mosquito.queue("translations")?.limit("translate", &FlowKey::readable(&("big",))?).await?;
    if let Some(rate) = limit.rate {
        println!("big has used {} of {}", rate.used, rate.limit);
    }
    // A window later there is room for all of it again.
    tokio::time::sleep(Duration::from_millis(520)).await;
    let limit = mosquito.queue("translations")?.limit("translate", &FlowKey::readable(&("big",))?).await?;
    println!("and then {:?}", limit.rate.map(|rate| rate.used));
    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}
