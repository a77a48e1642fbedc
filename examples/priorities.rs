//! Which runs go first, and which go no more.
//!
//! ```text
//! cargo run --example priorities
//! ```
//!
//! One executor, so that one sees the order.

use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, Priority, job};

/// Of the usual level, which is 5.
#[job(queue = "mail")]
struct SendMail {
    subject: String,
}

impl Perform for SendMail {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("mail: {}", self.subject);
        Ok(())
    }
}

/// Can wait.
#[job(queue = "mail", priority = 8)]
struct SendNewsletter {
    number: u32,
}

impl Perform for SendNewsletter {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("newsletter {}", self.number);
        Ok(())
    }
}

/// Of no use after a while.
#[job(queue = "mail", priority = 0, expires = "10m")]
struct SendCode {
    code: u32,
}

impl Perform for SendCode {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("code {}", self.code);
        Ok(())
    }
}

fn mail(subject: &str) -> SendMail {
    SendMail { subject: subject.into() }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    mosquito.enqueue_all((1..=3).map(|number| SendNewsletter { number })).await?;
    mosquito.enqueue(mail("your receipt")).await?;
    mosquito.enqueue(mail("your order is on its way")).await?;
    mosquito.enqueue(mail("somebody logged in as you")).priority(Priority::at(1)).await?;
    mosquito.enqueue(SendCode { code: 1234 }).await?;
    mosquito.enqueue(SendCode { code: 5678 }).expires_in(Duration::from_millis(1)).await?;
    // Nobody works yet.
    tokio::time::sleep(Duration::from_millis(20)).await;

    let runner = mosquito.runner().executors(1).build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = 8;
    while left > 0
        && let Some(event) = events.next().await
    {
        match event {
            Event::Finished { .. } => left -= 1,
            Event::Expired { runs, .. } => {
                println!("{} came too late", runs.len());
                left -= runs.len();
            }
            _ => (),
        }
    }
    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}
