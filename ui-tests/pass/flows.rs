//! What goes before a run and what holds it up is declared, and its keys are made of its arguments.

#![deny(warnings)]

use std::time::Duration;

use mosquito::{
    Concurrency, Context, Flow, FlowKey, Job, JobResult, OnConflict, Perform, Priority, RateKind, RateLimit, Until,
    job,
};

const PAGES_AT_MOST: usize = 50;

#[job(
    queue = "exports",
    priority = 2,
    expires = "1h",
    unique(by = [tenant, r#type], until = "start_then_while_running", on_conflict = "keep_latest"),
    rate_limit(limit = 100, per = "1m", by = [tenant], key = "stripe", kind = "token_bucket", weight = self.pages.len().min(PAGES_AT_MOST)),
    concurrency(limit = 3, by = [tenant, card], key = "shared"),
    fair(by = [tenant], weight = shares),
)]
struct Export {
    tenant: String,
    r#type: u8,
    #[job(redact)]
    card: String,
    pages: Vec<u32>,
    shares: u8,
}

impl Perform for Export {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[job(unique(by = [1, 0], for = "1h", on_conflict = "reject"), rate_limit(limit = 1, per = "90d", kind = "fixed", weight = self.1 * 2))]
struct Tuple(String, i64);

impl Perform for Tuple {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[job(unique, priority = 9, rate_limit(limit = 1000000, per = "1ms", weight = Self::COST), every = "1h")]
struct Sweep;

impl Sweep {
    const COST: u16 = 7;
}

impl Perform for Sweep {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

macro_rules! export_of {
    ($name:ident, $by:ident, $weight:expr) => {
        #[job(fair(by = [$by], weight = $weight), rate_limit(limit = 5, per = "1s", by = [$by], weight = self.size))]
        struct $name {
            $by: String,
            size: u8,
        }

        impl Perform for $name {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        }
    };
}

export_of!(OfShop, shop, 3);

#[job]
struct Plain;

impl Perform for Plain {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn key(key: &FlowKey) -> &str {
    key.as_str()
}

fn main() {
    let export = Export {
        tenant: "acme".into(),
        r#type: 7,
        card: "1234".into(),
        pages: vec![1, 2, 3],
        shares: 2,
    };
    let flow = export.flow().unwrap();
    assert_eq!((flow.priority, flow.expires), (Priority::at(2), Some(Duration::from_secs(3600))));
    let unique = flow.unique.unwrap();
    assert_eq!(key(&unique.key), r#"["export","acme",7]"#);
    assert_eq!((unique.until, unique.on_conflict), (Until::StartThenWhileRunning, OnConflict::KeepLatest));
    let rate = flow.rate.unwrap();
    assert_eq!((rate.name.as_str(), key(&rate.key), rate.weight), ("stripe", r#"["acme"]"#, 3));
    let per = Duration::from_secs(60);
    assert_eq!(rate.rule, RateLimit { limit: 100, per, kind: RateKind::TokenBucket });
    let concurrency = flow.concurrency.unwrap();
    assert_eq!((concurrency.name.as_str(), concurrency.rule), ("shared", Concurrency { limit: 3 }));
    assert_eq!(concurrency.key, FlowKey::hashed(&("acme", "1234")).unwrap(), "a card number is not to be read");
    let fair = flow.fair.unwrap();
    assert_eq!((key(&fair.key), fair.weight), (r#"["acme"]"#, 2));

    let flow = Tuple("a".into(), 21).flow().unwrap();
    let unique = flow.unique.unwrap();
    assert_eq!(key(&unique.key), r#"["tuple",21,"a"]"#);
    assert_eq!((unique.until, unique.on_conflict), (Until::For(Duration::from_secs(3600)), OnConflict::Reject));
    let rate = flow.rate.unwrap();
    assert_eq!((rate.name.as_str(), rate.key, rate.weight), ("tuple", FlowKey::all(), 42));
    assert_eq!((rate.rule.kind, Sweep::SPEC.flow.rate_limit.unwrap().rule.kind), (RateKind::Fixed, RateKind::Sliding));

    let flow = Sweep.flow().unwrap();
    assert_eq!((flow.priority, flow.rate.unwrap().weight), (Priority::LAST, 7));
    assert_eq!(key(&flow.unique.unwrap().key), r#"["sweep",null]"#);

    let flow = OfShop { shop: "corner".into(), size: 4 }.flow().unwrap();
    let fair = flow.fair.unwrap();
    assert_eq!((key(&fair.key), fair.weight), (r#"["corner"]"#, 3));
    assert_eq!(flow.rate.unwrap().weight, 4);

    assert_eq!(Plain.flow().unwrap(), Flow::default());
    assert!(Plain::SPEC.flow == mosquito::FlowSpec::PLAIN);
}
