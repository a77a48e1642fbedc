//! What jobs get from the application: its state, by type.
//!
//! ```text
//! cargo run --example state
//! ```
//!
//! A job names in its attribute what it needs, and only that compiles: `cx.state::<Settings>()` in a job that does not
//! declare `Settings` is a compile error. The runner is given one of each type. What is missing it says before it
//! touches the store, for all jobs at once, so a worker that lacks something does not start rather than fail at night.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};
use tokio::sync::Semaphore;

/// Stands for a pool of connections to a database: two of them, whoever asks for a third has to wait.
struct Pool {
    connections: Semaphore,
}

impl Pool {
    fn of(connections: usize) -> Self {
        Self { connections: Semaphore::new(connections) }
    }

    async fn customer_of(&self, order: u64) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let _connection = self.connections.acquire().await?;
        Ok(format!("customer-{}@example.com", order % 10))
    }
}

/// Stands for a client of some service. It is cheap to clone, and its clones are one: the application keeps one, too.
#[derive(Clone, Default)]
struct Mailer {
    sent: Arc<AtomicUsize>,
}

impl Mailer {
    async fn send(&self, to: &str, text: &str) {
        println!("mail to {to}: {text}");
        self.sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the application was configured with. A type of its own says more than a `String`, and there can be two of them.
struct Settings {
    shop: String,
}

/// Needs two of them.
#[job(queue = "shop", state(Pool, Mailer))]
struct SendReceipt {
    order: u64,
}

impl Perform for SendReceipt {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let customer = cx.state::<Pool>().customer_of(self.order).await?;
        cx.state::<Mailer>().send(&customer, &format!("your receipt for order {}", self.order)).await;
        Ok(())
    }
}

/// Needs another one.
#[job(queue = "shop", state(Settings))]
struct PrintLabel {
    order: u64,
}

impl Perform for PrintLabel {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!("label: order {} from {}", self.order, cx.state::<Settings>().shop);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    let mailer = Mailer::default();

    // On purpose: two of the three are forgotten.
    if let Err(error) = mosquito.runner().state(Pool::of(2)).build() {
        println!("{error}");
    }

    let runner = mosquito
        .runner()
        .state(Pool::of(2))
        .state(mailer.clone())
        .state(Settings { shop: "the corner shop".into() })
        .build()?;
    mosquito.enqueue_all((17..20).map(|order| SendReceipt { order })).await?;
    mosquito.enqueue(PrintLabel { order: 17 }).await?;

    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = 4;
    while left > 0
        && let Some(event) = events.next().await
    {
        left -= usize::from(matches!(event, Event::Finished { .. }));
    }
    handle.stop();
    println!("report: {}", running.await??);
    println!("the application's own mailer has sent {} mails", mailer.sent.load(Ordering::Relaxed));
    Ok(())
}
