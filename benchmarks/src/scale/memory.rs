//! What a waiting run takes of the server's memory, and what a worker takes, at first and after very many runs.

use super::Scale;
use super::worker::Crew;
use crate::contestants::Failure;

const QUEUE: &str = "scale";
const EXECUTORS: usize = 200;
/// How often the same worker works off so many.
const TIMES: usize = 10;

impl Scale {
    pub(super) async fn memory(&mut self) -> Result<(), Failure> {
        let waiting = self.sized(1_000_000);
        self.say(&format!("memory with {waiting} waiting"));
        self.clear().await?;
        let before = self.server.read().await?;
        self.fill(QUEUE, waiting).await?;
        let used = self.server.read().await?.since(&before).memory as f64 / waiting as f64;
        self.line(
            "memory of the server for a waiting run, with 60 bytes of arguments",
            &format!("{used:.0} bytes"),
            "≤ 400",
        );

        let queues = [QUEUE.to_owned()];
        let mut crew = Crew::of(1, &self.plan(EXECUTORS)).await?;
        let tenth = waiting / 10;
        self.drain(&mut crew, &queues, tenth, waiting - tenth).await?;
        let (first, peak) = (crew.usage().rss, crew.usage().peak);
        let told = format!("{} MB, at most {} MB", megabytes(first), megabytes(peak));
        self.line(&format!("a worker's memory with {waiting} waiting, after {tenth} runs"), &told, "≤ 30 MB");
        self.until(&queues, 0).await?;
        for _ in 1..TIMES {
            self.fill(QUEUE, waiting).await?;
            self.until(&queues, 0).await?;
        }
        let (last, peak) = (crew.usage().rss, crew.usage().peak);
        let told = format!(
            "{} MB, at most {} MB ({:.2} ×)",
            megabytes(last),
            megabytes(peak),
            last as f64 / first as f64
        );
        self.line(&format!("the same after {} runs", TIMES * waiting), &told, "flat");
        crew.end().await?;
        Ok(())
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
