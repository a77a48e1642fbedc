//! The same where conditions are worse: with a log that is written to disk each second, and with a server that is 1 ms away.

use std::time::Duration;

use crate::assignment::{How, Work};
use crate::contestants::{Contestant, Failure};
use crate::figures::Bench;
use crate::figures::enqueue::TASKS;
use crate::measure::{Cost, Setup};
use crate::proxy::Proxy;
use crate::redis_server::{Aof, RedisServer};

const AIM: Duration = Duration::from_millis(1_000);
/// Added to each direction: together 1 ms.
const DELAY: Duration = Duration::from_micros(500);
/// Where answers come late, all are fastest with the most executors.
const FAR: usize = 200;

impl Bench {
    pub(super) async fn conditions(&mut self) -> Result<(), Failure> {
        self.with_log().await?;
        self.at_a_distance().await
    }

    async fn with_log(&mut self) -> Result<(), Failure> {
        let server = RedisServer::start(Aof::Everysec).await?;
        for round in self.rounds() {
            for contestant in self.contestants.clone().iter() {
                let name = contestant.facts().name;
                let Some(executors) = self.best(name) else { continue };
                let url = server.url();
                self.under("aof", &**contestant, &server, &url, executors, round).await?;
            }
        }
        Ok(())
    }

    async fn at_a_distance(&mut self) -> Result<(), Failure> {
        let server = self.server.clone();
        for round in self.rounds() {
            for contestant in self.contestants.clone().iter() {
                let proxy = Proxy::before(server.port(), DELAY)?;
                self.under("far", &**contestant, &server, &proxy.url(), FAR, round).await?;
            }
        }
        Ok(())
    }

    /// A drain, and enqueues by 64 tasks.
    async fn under(
        &mut self,
        condition: &str,
        contestant: &dyn Contestant,
        server: &RedisServer,
        url: &str,
        executors: usize,
        round: usize,
    ) -> Result<(), Failure> {
        let name = contestant.facts().name;
        let drain = format!("{condition}/drain");
        if !self.results.is_missing(&drain, name) {
            let runs = self.runs(&drain, contestant, AIM);
            let setup = Setup { url: url.into(), ..self.setup(contestant, server, Work::Plain, runs) };
            let measured = setup.drain(executors, false).await;
            if let Some(drained) = self.taken(&drain, name, measured) {
                self.condition(&drain, name, round, &drained.cost);
            }
        }
        let enqueue = format!("{condition}/64");
        if !self.results.is_missing(&enqueue, name) {
            let runs = self.runs(&enqueue, contestant, AIM / 2);
            let setup = Setup { url: url.into(), ..self.setup(contestant, server, Work::Plain, runs) };
            let measured = setup.enqueue(How::Concurrent { tasks: TASKS }).await;
            if let Some(cost) = self.taken(&enqueue, name, measured) {
                self.condition(&enqueue, name, round, &cost);
            }
        }
        Ok(())
    }

    fn condition(&mut self, figure: &str, name: &'static str, round: usize, cost: &Cost) {
        self.goes(figure, name, cost.pace());
        if round > 0 {
            self.say(&format!("{figure} {round}: {name} {:.0} runs/s", cost.pace()));
            self.note_cost(figure, name, cost);
        }
    }
}
