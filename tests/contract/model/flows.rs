//! Flows at random: few keys and levels and small limits, so that runs meet.

use std::time::Duration;

use fastrand::Rng;
use mosquito::{
    Concurrency, ConcurrencyUse, Fair, Flow, FlowKey, LimitName, OnConflict, Priority, RateKind, RateLimit,
    RateUse, Unique, Until,
};

/// Too long for what passes of it to make a difference.
const LONG: Duration = RateLimit::LONGEST;

/// The limits that there are, and their keys.
pub(super) const LIMITS: [&str; 2] = ["letters", "parcels"];
pub(super) const KEYS: [&str; 2] = ["a", "b"];
/// The keys of unique runs.
pub(super) const UNIQUE: [&str; 3] = ["u", "v", "w"];

pub(super) fn key(of: &str) -> FlowKey {
    FlowKey::readable(&(of,)).expect("text serializes")
}

pub(super) fn limit(name: &str) -> LimitName {
    LimitName::new(name).expect("it is a name")
}

/// Where time can be moved there are short times and all kinds of limits in turn. On a server's clock a limit never opens again.
pub(super) fn any(random: &mut Rng, time_is_ours: bool) -> Flow {
    let mut flow = Flow::default();
    if random.usize(0..3) == 0 {
        flow.priority = any_of(random, [0, 4, 5, 6, 9]).and_then(Priority::new).expect("it is a level");
    }
    if random.usize(0..3) == 0 {
        flow.unique = Some(unique(random, time_is_ours));
    }
    if random.usize(0..3) == 0 {
        flow.rate = Some(rate(random, time_is_ours));
    }
    if random.usize(0..3) == 0 {
        let (name, key) = limit_and_key(random);
        flow.concurrency = Some(ConcurrencyUse { name, key, rule: Concurrency { limit: random.u32(1..4) } });
    }
    if random.usize(0..4) == 0 {
        let tenant = ["big", "small", "tiny"][random.usize(0..3)];
        flow.fair = Some(Fair { key: key(tenant), weight: random.u32(1..4) });
    }
    if random.usize(0..8) == 0 {
        let soon = Duration::from_millis(random.u64(0..300));
        let on_a_server = [Duration::ZERO, LONG][random.usize(0..2)];
        flow.expires = Some(if time_is_ours { soon } else { on_a_server });
    }
    flow
}

fn any_of<T: Copy>(random: &mut Rng, all: impl AsRef<[T]>) -> Option<T> {
    random.choice(all.as_ref()).copied()
}

fn limit_and_key(random: &mut Rng) -> (LimitName, FlowKey) {
    (limit(LIMITS[random.usize(0..2)]), key(KEYS[random.usize(0..2)]))
}

fn unique(random: &mut Rng, time_is_ours: bool) -> Unique {
    let time = if time_is_ours { Duration::from_millis(random.u64(0..400)) } else { LONG };
    let until =
        [Until::Start, Until::Finish, Until::StartThenWhileRunning, Until::For(time)][random.usize(0..4)];
    let conflicts = [OnConflict::Return, OnConflict::Replace, OnConflict::Reject, OnConflict::KeepLatest];
    Unique { key: key(UNIQUE[random.usize(0..3)]), until, on_conflict: conflicts[random.usize(0..4)] }
}

fn rate(random: &mut Rng, time_is_ours: bool) -> RateUse {
    let kinds = [RateKind::Sliding, RateKind::TokenBucket, RateKind::Fixed];
    let rule = if time_is_ours {
        let per = Duration::from_millis(random.u64(1..1_000));
        RateLimit { limit: random.u32(1..4), per, kind: kinds[random.usize(0..3)] }
    } else {
        RateLimit { limit: random.u32(1..30), per: LONG, kind: RateKind::Sliding }
    };
    let (name, key) = limit_and_key(random);
    RateUse { name, key, weight: random.u32(1..4), rule }
}
