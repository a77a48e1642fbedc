//! A piece of an application, and its tests.
//!
//! ```text
//! cargo test -p mosquito-examples --example testing  # its tests
//! cargo run --example testing                        # lets a month pass, and prints what was performed
//! ```
//!
//! The application takes a `&Mosquito` and knows nothing of tests. A test hands it a `Testing`, which is one: with a
//! store and a clock of its own, in which nothing happens unless the test says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mosquito::testing::Testing;
use mosquito::{Context, JobError, JobResult, Mosquito, Perform, Timestamp, job};

/// Stands for the mail server.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<String>>>);

impl Outbox {
    fn send(&self, mail: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
    }

    fn sent(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Greets a new user.
#[job(queue = "mail", retry(attempts = 3, backoff = exponential("1m")), state(Outbox))]
struct SendWelcome {
    address: String,
}

impl Perform for SendWelcome {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        match self.address.split_once('@') {
            None => return Err(JobError::dead("that is no address")),
            Some((_, "greylisting.example")) if cx.attempt() == 1 => return Err("come back later".into()),
            Some(_) => cx.state::<Outbox>().send(format!("welcome, {}", self.address)),
        }
        Ok(())
    }
}

/// Tells the owner each morning.
#[job(cron = "0 6 * * *", timezone = "Europe/Berlin", state(Outbox))]
struct DailyReport;

impl Perform for DailyReport {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let day = cx.tick().ok_or("it is performed by the clock alone")?.date_naive();
        cx.state::<Outbox>().send(format!("report of {day}"));
        Ok(())
    }
}

/// Signs somebody up, who is greeted in ten minutes.
async fn sign_up(mosquito: &Mosquito, address: &str) -> mosquito::Result<()> {
    let welcome = SendWelcome { address: address.into() };
    mosquito.enqueue(welcome).delay(Duration::from_secs(600)).await?;
    Ok(())
}

/// Greets somebody once more, at once.
async fn greet_again(mosquito: &Mosquito, address: &str) -> mosquito::Result<()> {
    mosquito.enqueue(SendWelcome { address: address.into() }).await?;
    Ok(())
}

const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Over the night in which Berlin sets its clocks back.
fn october() -> Timestamp {
    "2026-10-10T12:00:00Z".parse().expect("it is a time")
}

#[tokio::main]
async fn main() -> mosquito::Result<()> {
    let outbox = Outbox::default();
    let testing = Testing::record().at(october()).state(outbox.clone()).await?;
    sign_up(&testing, "ada@example.com").await?;
    sign_up(&testing, "grace@greylisting.example").await?;
    sign_up(&testing, "nobody").await?;
    greet_again(&testing, "ada@example.com").await?;

    let month = testing.run_for(MONTH).await?;

    for attempt in month.of("send_welcome") {
        println!("{}: {attempt}", attempt.at.format("%F %T"));
    }
    println!("reports: {}", month.of("daily_report").count());
    println!("mails: {}", outbox.sent().len());
    println!("a month: {month}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mosquito::testing::{Testing, assert_enqueued, refute_enqueued};

    use super::{MONTH, Outbox, SendWelcome, greet_again, october, sign_up};

    #[tokio::test]
    async fn who_signs_up_is_greeted_in_ten_minutes() -> mosquito::Result<()> {
        let testing = Testing::record().await?;

        sign_up(&testing, "ada@example.com").await?;

        assert_enqueued!(testing, SendWelcome { address: "ada@example.com" }, queue = "mail", within = "10m");
        refute_enqueued!(testing, SendWelcome, within = "9m");
        Ok(())
    }

    #[tokio::test]
    async fn what_is_no_address_is_given_up_at_once() -> mosquito::Result<()> {
        let testing = Testing::record().state(Outbox::default()).await?;

        let run = testing.perform(SendWelcome { address: "nobody".into() }).await?;

        assert!(run.is_dead(), "{run}");
        assert_eq!(run.error(), Some("that is no address"));
        Ok(())
    }

    #[tokio::test]
    async fn a_second_welcome_is_sent_before_its_enqueue_has_answered() -> mosquito::Result<()> {
        let outbox = Outbox::default();
        let testing = Testing::inline().state(outbox.clone()).await?;

        greet_again(&testing, "ada@example.com").await?;

        assert_eq!(outbox.sent(), ["welcome, ada@example.com"]);
        Ok(())
    }

    #[tokio::test]
    async fn a_busy_server_is_tried_again_a_minute_later() -> mosquito::Result<()> {
        let testing = Testing::record().state(Outbox::default()).await?;

        greet_again(&testing, "grace@greylisting.example").await?;
        let first = testing.drain().await?;
        let rest = testing.run_for(Duration::from_secs(60)).await?;

        assert_eq!(first.runs[0].again_in(), Some(Duration::from_secs(60)));
        assert_eq!((first.retried, rest.succeeded), (1, 1));
        Ok(())
    }

    #[tokio::test]
    async fn a_month_has_thirty_reports_each_at_six_in_berlin() -> mosquito::Result<()> {
        let testing = Testing::record().at(october()).state(Outbox::default()).await?;

        let month = testing.run_for(MONTH).await?;

        let hours: Vec<_> = month.of("daily_report").map(|run| run.at.format("%H").to_string()).collect();
        assert_eq!(hours.len(), 30);
        assert_eq!((&*hours[0], &*hours[29]), ("04", "05"), "in summer and in winter");
        Ok(())
    }
}
