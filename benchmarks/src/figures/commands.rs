//! How many commands clients send for a run: counted by a proxy that does nothing else, in a round whose time is not told; and what memory a
//! worker has a second after that round.
//!
//! The counters of a server cannot say this: they count what scripts call as well.

use std::time::Duration;

use crate::assignment::{How, Work};
use crate::contestants::Failure;
use crate::figures::Bench;
use crate::figures::enqueue::TASKS;
use crate::measure::Setup;
use crate::proxy::Proxy;

const AIM: Duration = Duration::from_millis(700);

impl Bench {
    pub(super) async fn commands(&mut self) -> Result<(), Failure> {
        let server = self.server.clone();
        for contestant in self.contestants.clone().iter() {
            let facts = contestant.facts();
            let ways = [
                ("sent/one", How::One),
                ("sent/64", How::Concurrent { tasks: TASKS }),
                ("sent/bulk", How::Bulk),
            ];
            for (figure, how) in ways {
                if how == How::Bulk && !facts.bulk {
                    self.results.miss(figure, facts.name, "has no bulk enqueue");
                    continue;
                }
                let proxy = Proxy::before(server.port(), Duration::ZERO)?;
                let runs = self.runs(&figure.replace("sent", "enqueue"), &**contestant, AIM);
                let setup = self.setup(&**contestant, &server, Work::Plain, runs);
                let measured = Setup { url: proxy.url(), ..setup }.enqueue(how).await;
                if self.taken(figure, facts.name, measured).is_some() {
                    self.results.add(figure, facts.name, proxy.commands() as f64 / runs as f64);
                }
            }
            let Some(executors) = self.best(facts.name) else { continue };
            let proxy = Proxy::before(server.port(), Duration::ZERO)?;
            let runs = self.runs(&format!("drain/{executors}"), &**contestant, AIM);
            let setup = self.setup(&**contestant, &server, Work::Plain, runs);
            let measured = Setup { url: proxy.url(), ..setup }.drain(executors, true).await;
            if let Some(drained) = self.taken("sent/drain", facts.name, measured) {
                let sent = proxy.commands() as f64 / runs as f64;
                self.say(&format!("sent/drain: {} {sent:.2} commands a run", facts.name));
                self.results.add("sent/drain", facts.name, sent);
                if let Some(rest) = drained.at_rest {
                    self.results.add("rest", facts.name, rest as f64);
                }
            }
        }
        Ok(())
    }
}
