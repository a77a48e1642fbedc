//! Runs that nobody wants any more.
//!
//! ```text
//! cargo run --example cancel
//! ```
//!
//! A night of transcoding is planned, and then half of it is called off: a run that waits is gone, one that is being performed
//! sees its token fire, all of a customer's runs go at once, and one job that does not look at its token is reported.

use std::error::Error;
use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Context, Filter, JobResult, Mosquito, Outcome, Perform, RunId, job, serde_json};

/// Looks at its token between two frames, and tidies up when it fired.
#[job(queue = "videos")]
struct Transcode {
    customer: String,
    frames: u32,
}

impl Perform for Transcode {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        for frame in 1..=self.frames {
            let work = tokio::time::sleep(Duration::from_millis(10));
            if cx.token().run_until_cancelled(work).await.is_none() {
                let why = cx.why_cancelled().ok_or("a token has a reason to fire")?;
                println!("{}: stopped at frame {frame}, since {why}", cx.id());
                return Err("told to end".into());
            }
        }
        println!("{}: done", cx.id());
        Ok(())
    }
}

/// Does not look at its token.
#[job(queue = "videos")]
struct Upload;

impl Perform for Upload {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        println!("{}: done all the same", cx.id());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    let mut events = mosquito.events();

    // Two are performed at once, the others wait.
    mosquito.enqueue(film("ada", 100_000)).id(RunId::new("long-film")?).await?;
    mosquito.enqueue(Upload).id(RunId::new("upload")?).await?;
    mosquito.enqueue(film("ada", 1)).id(RunId::new("trailer")?).await?;
    mosquito.enqueue_all((0..50).map(|_| film("bob", 10))).await?;
    mosquito.enqueue(film("ada", 1)).id(RunId::new("short-film")?).await?;
    let runner = mosquito.runner().executors(2).stuck_after(Duration::from_millis(300)).build()?;
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());
    for _ in 0..2 {
        started(&mut events).await;
    }

    let videos = mosquito.queue("videos")?;
    for id in ["trailer", "long-film", "upload", "no-such-film"] {
        let answer = videos.cancel(&RunId::new(id)?).await?;
        // Which overseer it is differs from start to start.
        println!("{id}: {}", answer.overseer().map_or_else(|| answer.to_string(), |_| "told to end".into()));
    }
    let bobs = Filter::new().job::<Transcode>().matching(|run| {
        serde_json::from_str::<Transcode>(run.args.get()).is_ok_and(|film| film.customer == "bob")
    });
    println!("bob: {}", videos.cancel_where(bobs).await?);

    let mut left = 3;
    while left > 0
        && let Some(event) = events.next().await
    {
        match event {
            Event::Stuck { id, why, .. } => println!("{id}: stuck, although {why}"),
            Event::Finished { id, outcome, .. }
                if id.as_str().contains("film") || id.as_str() == "upload" =>
            {
                println!(
                    "{id}: {}",
                    if outcome == Outcome::Succeeded { "counts as performed" } else { "counts as cancelled" }
                );
                left -= 1;
            }
            _ => (),
        }
    }
    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}

fn film(customer: &str, frames: u32) -> Transcode {
    Transcode { customer: customer.into(), frames }
}

async fn started(events: &mut mosquito::events::EventStream) {
    while let Some(event) = events.next().await {
        if matches!(event, Event::Started { .. }) {
            return;
        }
    }
}
