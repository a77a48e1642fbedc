//! A process with a periodic job, for tests that end it: `ticker URL LEDGER`.
//!
//! Each tick appends a line to the ledger; `leading` is printed when this process begins to coordinate.

use std::fs::OpenOptions;
use std::io::Write;

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

#[job(queue = "ticks", every = "1s", missed = "all", overlap = "allow", state(Ledger))]
struct EachSecond;

struct Ledger(String);

impl Perform for EachSecond {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let tick = cx.tick().ok_or("a periodic run has a tick")?.timestamp_millis();
        let mut ledger = OpenOptions::new().create(true).append(true).open(&cx.state::<Ledger>().0)?;
        ledger.write_all(format!("{tick}\n").as_bytes())?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> mosquito::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(ledger)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: ticker URL LEDGER");
        std::process::exit(2);
    };
    let mosquito = Mosquito::connect(&url).await?;
    let mut events = mosquito.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if matches!(event, Event::Leading { .. }) {
                println!("leading");
            }
        }
    });
    let report = mosquito.runner().state(Ledger(ledger)).build()?.run().await?;
    println!("{report}");
    Ok(())
}
