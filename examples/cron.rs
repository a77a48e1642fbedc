//! Jobs that the clock performs, not an enqueue.
//!
//! ```text
//! cargo run --example cron
//! ```
//!
//! It runs for three and a half seconds. However many processes know such a job, each of its ticks is performed
//! once: `cx.tick()` is the moment that a run stands for, the same in all its attempts.

use std::time::Duration;

use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// Every second: a field for the seconds may stand in front of the usual five.
#[job(cron = "* * * * * *", timezone = "Europe/Berlin")]
struct Chime;

impl Perform for Chime {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let tick = cx.tick().ok_or("it is performed by the clock alone")?;
        println!(
            "chime: {} in Berlin",
            tick.with_timezone(&chrono_tz::Europe::Berlin).format("%H:%M:%S%.3f")
        );
        Ok(())
    }
}

/// So often, wherever the clock's hands stand.
#[job(every = "500ms")]
struct Breathe;

impl Perform for Breathe {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!(
            "breathe: {}",
            cx.tick().ok_or("it is performed by the clock alone")?.format("%H:%M:%S%.3f")
        );
        Ok(())
    }
}

/// Takes longer than the time between two ticks: those that come meanwhile are passed over.
#[job(every = "1s", overlap = "skip")]
struct Sweep;

impl Perform for Sweep {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("sweep: begins");
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        println!("sweep: ends");
        Ok(())
    }
}

/// On working days at six in the morning. Nobody was there? Then once, as soon as somebody is.
#[job(cron = "0 6 * * MON-FRI", timezone = "America/New_York", missed = "once")]
struct OpenShop;

impl Perform for OpenShop {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("the shop is open");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> mosquito::Result<()> {
    let mosquito = Mosquito::connect("memory://").await?;
    let runner = mosquito.runner().build()?;

    let handle = runner.handle();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        handle.stop();
    });

    println!("report: {}", runner.run().await?);
    Ok(())
}
