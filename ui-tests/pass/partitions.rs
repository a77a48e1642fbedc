//! Queues with partitions, as they can be declared.

use mosquito::{Context, FlowKey, Job, JobResult, Perform, job};

#[job(queue("events", partitions = 8))]
struct Ping;

#[job(queue("events", partitions = 8, by = [user, tenant]), unique(by = [tenant, kind, user]), fair(by = [kind]))]
struct Track {
    user: u64,
    tenant: String,
    kind: u8,
}

#[job(queue("events", partitions = 8, by = [user]), unique, concurrency(limit = 1, by = [kind, user]))]
struct Whole {
    user: u64,
    kind: u8,
}

#[job(queue("events", partitions = 8), unique(by = [0]))]
struct Tuple(u64, u8);

#[job(queue("calls", by = [0], partitions = 64,), rate_limit(limit = 10, per = "1s", by = [0], key = "api"))]
struct Shared(#[job(redact)] String);

#[job(queue("one", partitions = 1), every = "1m")]
struct One;

macro_rules! performed {
    ($($job:ident),*) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        })*
    };
}

performed!(Ping, Track, Whole, Tuple, Shared, One);

fn main() {
    let partitions = [Ping::SPEC, Track::SPEC, Shared::SPEC, One::SPEC].map(|spec| (spec.queue, spec.partitions));
    assert_eq!(partitions, [("events", 8), ("events", 8), ("calls", 64), ("one", 1)]);

    let track = Track { user: 7, tenant: "acme".into(), kind: 1 };
    assert_eq!(track.partition_key().unwrap(), Some(FlowKey::readable(&(7, "acme")).unwrap()));
    assert_eq!(Ping.partition_key().unwrap(), None);
    assert_eq!(Tuple(1, 2).partition_key().unwrap(), None);
    let secret = Shared("secret".into());
    assert_eq!(secret.partition_key().unwrap(), Some(FlowKey::hashed(&("secret",)).unwrap()));
    assert_eq!(secret.flow().unwrap().rate.unwrap().key, FlowKey::hashed(&("secret",)).unwrap());
    assert_eq!((Whole { user: 1, kind: 2 }).partition_key().unwrap(), Some(FlowKey::readable(&(1,)).unwrap()));
}
