//! So many in a time, over many workers.

use std::time::{Duration, Instant};

use mosquito::{Flow, FlowKey, LimitName, RateKind, RateLimit, RateUse};
use mosquito_tests::journal::Fact;

use crate::Trial;

const WORKERS: usize = 8;
const LIMIT: u32 = 100;
const SECONDS: u64 = 30;
const BEST: u64 = 10;

fn key(tenant: &str) -> FlowKey {
    FlowKey::readable(&(tenant,)).expect("text serializes")
}

fn so_many(limit: u32, per: Duration, tenant: &str) -> Flow {
    let name = LimitName::new("letters").expect("a name");
    let rule = RateLimit { limit, per, kind: RateKind::Sliding };
    Flow { rate: Some(RateUse { name, key: key(tenant), weight: 1, rule }), ..Flow::default() }
}

/// A limit counts each time that the store lets a run go, by its clock. The run begins a moment later, by the time that its process takes; by
/// how much is printed, and is not of the limit. A process that has no time for it hands it back, and then it is let go again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_start_a_hundred_a_second_and_other_keys_flow_past() {
    let _alone = crate::ALONE.lock().await;
    let mut trial = Trial::new().await;
    let second = Duration::from_secs(1);
    let big =
        (0..u64::from(LIMIT) * (SECONDS + 5)).map(|n| (format!("big-{n}"), so_many(LIMIT, second, "big")));
    trial.enqueue(big, Duration::ZERO).await;
    let workers: Vec<_> = (0..WORKERS).map(|_| trial.fleet.start(&trial.plan)).collect();
    trial.ledger.until(Fact::Began, u64::from(LIMIT)).await;

    // Others come while the big one is held up: a few of each, and each is within its limit.
    let small = (0..60).map(|n| (format!("small-{n}"), so_many(LIMIT, second, &format!("small {}", n % 20))));
    let plain = (0..60).map(|n| (format!("plain-{n}"), Flow::default()));
    let others = Instant::now();
    trial.enqueue(small.chain(plain), Duration::ZERO).await;
    let begun = || async {
        let begun = trial.ledger.firsts(Fact::Began, |id| !id.starts_with("big")).len();
        if begun == 120 { Ok(()) } else { Err(begun) }
    };
    mosquito_tests::eventually("the others are performed", Duration::from_secs(60), begun).await;
    let others = others.elapsed();

    trial.ledger.until_kept(&trial.mosquito).await;
    let mut handed_back = 0;
    for worker in workers {
        let told = trial.fleet.stop(worker);
        assert_eq!((told.failed, told.put_off), (0, 0), "no attempt is used up: {told:?}");
        handed_back += told.handed_back;
    }
    let Trial { ledger, fleet, mosquito, .. } = &trial;
    let account = ledger.close("redis: a hundred a second", fleet, mosquito).await;
    assert_eq!(account.reruns, 0);

    let is_big = |id: &str| id.starts_with("big");
    let (claims, begins) = (ledger.times_of(Fact::Claimed, is_big), ledger.firsts(Fact::Began, is_big));
    let mut let_go: Vec<_> = claims.values().flatten().copied().collect();
    let_go.sort_unstable();
    let most = most_within(&let_go, 1_000);
    let (first, last) = (let_go[0], let_go[let_go.len() - 1]);
    // At its best: what a machine that is busy with something else does not let begin is not made up for.
    let used = most_within(&let_go, BEST * 1_000) as f64 / (f64::from(LIMIT) * BEST as f64);
    let mut lasts: Vec<_> = claims.values().filter_map(|times| times.last()).collect();
    lasts.sort_unstable();
    let behind = lasts.iter().zip(&begins).map(|(at, begin)| begin.saturating_sub(**at)).max();
    println!(
        "{LIMIT} a second, {WORKERS} workers, {SECONDS} s: at most {most} let go in any second, {} begun, {:.1} % of the allowed in the best {BEST} s, all {} in {:.1} s; \
         begun {} ms later at most, {handed_back} handed back before, others waited {others:?}",
        most_within(&begins, 1_000),
        used * 100.0,
        let_go.len(),
        (last - first) as f64 / 1_000.0,
        behind.unwrap_or_default(),
    );
    assert!(most <= LIMIT as usize, "{most} were let go within a second");
    let again = (let_go.len() - begins.len()) as u64;
    assert!(again <= handed_back, "each that is let go begins or is handed back: {again} of {handed_back}");
    assert!(behind < Some(1_000), "begun late: {behind:?} ms");
    assert!(used >= 0.98, "{:.1} % of what was allowed began", used * 100.0);
    assert!(others < Duration::from_secs(10), "others were held up: {others:?}");
}

/// The most moments within any span of so many ms.
fn most_within(moments: &[u64], span: u64) -> usize {
    let mut begin = 0;
    let mut most = 0;
    for (at, moment) in moments.iter().enumerate() {
        while moments[begin] + span <= *moment {
            begin += 1;
        }
        most = most.max(at - begin + 1);
    }
    most
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_are_held_up_by_a_limit_cost_next_to_nothing() {
    let _alone = crate::ALONE.lock().await;
    let mut trial = Trial::new().await;
    let hour = Duration::from_secs(3_600);
    let plan = mosquito_tests::WorkerPlan { pace: None, ..trial.plan.clone() };
    let worker = trial.fleet.start(&plan);
    trial.enqueue((0..2_000).map(|n| (format!("run-{n}"), so_many(10, hour, "a"))), Duration::ZERO).await;
    trial.ledger.until(Fact::Ended, 10).await;
    // Until what they settled is settled, and the runner has found that there is nothing more for it.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let before = commands(&trial);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let sent = commands(&trial) - before;

    println!("while 1,990 runs are held up, a runner sends {sent} commands in 20 s");
    assert!(sent <= 5 * 20, "{sent} commands in 20 s");
    assert_eq!(trial.ledger.count(Fact::Began), 10, "none of them began");
    let told = trial.fleet.stop(worker);
    assert_eq!((told.performed, told.failed, told.put_off), (10, 0, 0), "{told:?}");
}

/// The commands that clients sent, but for the one that counts them; what scripts do within is not counted.
fn commands(trial: &Trial) -> usize {
    let info: String = trial.server.as_ref().expect("it is a Redis").command(&["INFO", "commandstats"]);
    let sent_by_clients = ["evalsha", "blpop", "smembers", "sadd"];
    let calls = |name: &&str| {
        info.split(&format!("cmdstat_{name}:calls=")).nth(1)?.split(',').next()?.parse::<usize>().ok()
    };
    sent_by_clients.iter().filter_map(calls).sum()
}
