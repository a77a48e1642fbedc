//! A crate that has jobs depends on this one alone: what their code needs comes with it, serde and its attributes too.

use mosquito::chrono::{DateTime, Utc};
use mosquito::serde::{Deserialize, Serialize};
use mosquito::{Context, JobResult, Perform, job};

/// An argument's type derives by the same crate.
#[derive(Serialize, Deserialize)]
#[serde(crate = "mosquito::serde", rename_all = "lowercase")]
enum Kind {
    Mail,
    Letter { pages: u8 },
}

#[job(cron = "@daily", args = Self { kind: Kind::Letter { pages: 2 }, at: Utc::now(), rest: Default::default() })]
#[serde(deny_unknown_fields)]
struct Greet {
    kind: Kind,
    at: DateTime<Utc>,
    #[serde(default)]
    rest: std::collections::BTreeMap<String, mosquito::serde_json::Value>,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        match self.kind {
            Kind::Mail => println!("{}", self.at),
            Kind::Letter { pages } => println!("{pages} {:?}", self.rest),
        }
        Ok(())
    }
}

fn main() {
    let _ = Kind::Mail;
}
