//! BullMQ on Node (npm `bullmq`; its version stands in bullmq/package-lock.json), which speaks the same protocol from `bullmq/contestant.js`.
//!
//! What is set and why, is said there.

use std::sync::Arc;

use async_trait::async_trait;

use crate::assignment::Work;
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure, bullmq_rust};
use crate::ledger::Ledger;

pub(crate) struct BullmqNode;

#[async_trait]
impl Contestant for BullmqNode {
    fn facts(&self) -> Facts {
        Facts {
            name: "BullMQ (Node)",
            package: "bullmq",
            acks: Acks::Yes,
            settings: "`removeOnComplete`, `addBulk` of 1,000 for bulk, pipelining of the driver on",
            bulk: true,
            most_waiting: None,
        }
    }

    fn lacks(&self, _: Work) -> Option<&'static str> {
        None
    }

    /// The same scripts as in Rust.
    fn left(&self) -> Vec<Count> {
        bullmq_rust::left()
    }

    async fn client(&self, _: &str, _: Work) -> Result<Arc<dyn Client>, Failure> {
        Err("it is started with node".into())
    }

    async fn work(&self, _: &str, _: Work, _: usize, _: Arc<Ledger>) -> Result<(), Failure> {
        Err("it is started with node".into())
    }
}
