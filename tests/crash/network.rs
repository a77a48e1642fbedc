//! The network between workers and their Redis fails: answers get lost, bytes are late, cut or swallowed, and a
//! server says that it cannot serve now.

use std::time::{Duration, Instant};

use mosquito::{Enqueued, RunId};
use mosquito_tests::journal::Fact;
use mosquito_tests::{Direction, Hit, Lost, Pace, Proxy, Script, Seed, Traffic, Which, WorkerPlan, soon};

use crate::Trial;
use crate::jobs::{Flaky, Work};
use crate::store::Store;

/// Leases that outlast every deadline, so that nothing but a death explains a rescue.
const PATIENT: Pace = Pace {
    heartbeat: Duration::from_millis(250),
    dead_after: Duration::from_secs(15),
    reap_every: Duration::from_millis(250),
};

macro_rules! a_lost_answer {
    ($($fact:ident: $script:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fact() {
            let store = Store::redis();
            let lost = [Lost::Closed, Lost::Cut, Lost::Silent].map(|how| lose(&store, Script::$script, how));
            let [closed, cut, silent] = lost;
            tokio::join!(closed, cut, silent);
        })+
    };
}

a_lost_answer! {
    a_lost_answer_to_a_claim_costs_nothing: Claim,
    a_lost_answer_to_a_settlement_costs_nothing: Settle,
    a_lost_answer_to_a_promotion_costs_nothing: Promote,
    a_lost_answer_to_a_look_at_a_schedule_costs_nothing: LastTick,
    a_lost_answer_to_a_tick_costs_nothing: Tick,
    a_lost_answer_to_a_beat_costs_nothing: Beat,
    a_lost_answer_to_taking_the_lead_costs_nothing: Lead,
    a_lost_answer_to_a_rescue_costs_nothing: Rescue,
}

/// The call takes effect, and its answer never arrives: nothing is lost, and nothing performed twice.
async fn lose(store: &Store, script: Script, how: Lost) {
    let (mut trial, proxy) = behind_a_proxy(store).await;
    let pace = if script == Script::Rescue { Pace::QUICK } else { PATIENT };
    let mut plan = WorkerPlan { pace: Some(pace), ..trial.plan.clone() };
    if matches!(script, Script::Tick | Script::LastTick) {
        plan.queues.push("ticks".into());
    }
    trial.enqueue((0..10).map(|_| Work { pause: 20 })).await;
    trial.enqueue((0..2).map(|_| Work { pause: 5_000 })).await;
    trial.enqueue((0..3).map(|_| Flaky { succeeds_at: 2 })).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    if script == Script::Rescue {
        let predecessor = fleet.launch(&plan);
        ledger.until(Fact::Began, 3).await;
        fleet.kill(predecessor);
    }

    proxy.lose(script, 1, how);
    let worker = fleet.start(&plan);
    soon("the answer is lost", || async { if proxy.lost() > 0 { Ok(()) } else { Err(proxy.calls(script)) } })
        .await;
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    let account = ledger.close(&format!("redis: {how:?} answer to {script:?}"), fleet, mosquito).await;
    assert_eq!((report.refused, report.unsettled), (0, 0), "{report:?}");
    if script != Script::Rescue {
        assert_eq!((account.reruns, account.rescues), (0, 0), "nobody died: {account}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_that_is_not_answered_for_longer_than_a_lease_is_not_told_as_refused() {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    // One after another, so that some of them end while there is nothing to claim, and are settled by themselves.
    trial.enqueue((0..10).map(|n| Work { pause: 20 + 30 * n })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;

    proxy.lose(Script::Settle, 1, Lost::Silent);
    let worker = fleet.start(plan);
    soon("the answer is lost", || async {
        if proxy.lost() > 0 { Ok(()) } else { Err(proxy.calls(Script::Settle)) }
    })
    .await;
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    // The connection is silent for longer than a lease; the beats have one of their own.
    assert_eq!((report.performed, report.refused, report.unsettled), (10, 0, 0), "{report:?}");
    let account = ledger.close("redis: a settlement that is not answered", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_an_enqueue_may_be_asked_for_again() {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    let client = trial.plan.connect().await.unwrap();
    let _first = client.enqueue(Work { pause: 1 }).queue("elsewhere").await.unwrap();
    trial.mosquito.queue("elsewhere").unwrap().flush().await.unwrap();

    for how in [Lost::Closed, Lost::Cut, Lost::Silent] {
        let id = RunId::random();
        proxy.lose(Script::Enqueue, 1, how);
        let lost = client.enqueue(Work { pause: 1 }).id(id.clone()).await.unwrap_err();
        let again = client.enqueue(Work { pause: 1 }).id(id.clone()).await.unwrap();

        assert!(lost.is_transient(), "{how:?}: {lost:?}");
        assert_eq!(again, Enqueued::Duplicate(id.clone()), "{how:?}: it had taken effect");
        trial.ledger.promise([id]);
    }
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let worker = fleet.start(plan);
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert_eq!(report.performed, 3, "{report:?}");
    let _account = ledger.close("redis: lost answers to enqueues", fleet, mosquito).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_server_says_that_passes_is_waited_for() {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    let plan = WorkerPlan { pace: Some(PATIENT), ..trial.plan.clone() };
    let worker = trial.fleet.start(&plan);

    for answer in [
        "-LOADING Redis is loading the dataset in memory",
        "-READONLY You can't write against a read only replica.",
        "-OOM command not allowed when used memory > 'maxmemory'.",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "-NOSCRIPT No matching script. Please use EVAL.",
        "-CLUSTERDOWN The cluster is down",
        "-TRYAGAIN Multiple keys request during rehashing of slot",
        "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist on disk.",
        "-NOREPLICAS Not enough good replicas to write.",
        "-ERR max number of clients reached",
    ] {
        let before = proxy.answered();
        proxy.answer(Which::Any, answer, 12);
        trial.enqueue((0..5).map(|_| Work { pause: 5 })).await;
        soon(answer, || async {
            let answered = proxy.answered() - before;
            if answered == 12 { Ok(()) } else { Err(answered) }
        })
        .await;
    }
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert_eq!((report.performed, report.refused, report.unsettled), (55, 0, 0), "{report:?}");
    let account = ledger.close("redis: errors that pass", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_into_a_black_hole_are_given_up_and_made_again() {
    black_hole(Direction::ToServer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_into_a_black_hole_are_given_up_and_asked_for_again() {
    black_hole(Direction::ToClient).await;
}

/// For several leases nothing arrives, on connections that stay open and never carry anything again.
async fn black_hole(direction: Direction) {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    trial.enqueue((0..2_000).map(|_| Work { pause: 5 })).await;
    let plan = trial.plan.clone();
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    let workers = [fleet.start(&plan), fleet.start(&plan)];
    ledger.until(Fact::Ended, 100).await;

    let hole = fleet.begin_fault("black hole", Hit::Everybody, 10);
    proxy.traffic(direction, Traffic::Swallow);
    // Nothing tells from outside that the leases have run out.
    tokio::time::sleep(Duration::from_secs(4)).await;
    proxy.heal();
    ledger.until_kept(mosquito).await;
    fleet.end_fault(hole);
    let refused = workers.map(|worker| tokio::task::block_in_place(|| fleet.stop(worker)).unsettled);

    assert_eq!(refused, [0, 0], "in the end everything could be told");
    let _account = ledger.close(&format!("redis: black hole {direction:?}"), fleet, mosquito).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_costs_time_and_nothing_else() {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    for direction in [Direction::ToServer, Direction::ToClient] {
        proxy.traffic(direction, Traffic::Delay(Duration::from_millis(300)));
    }
    trial.enqueue((0..20).map(|_| Work { pause: 10 })).await;
    trial.enqueue((0..3).map(|_| Flaky { succeeds_at: 2 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;

    let worker = fleet.start(&WorkerPlan { pace: Some(PATIENT), ..plan.clone() });
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert_eq!((report.refused, report.unsettled), (0, 0), "{report:?}");
    let account = ledger.close("redis: 300 ms each way", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_the_answers_to_its_last_settlements_and_claims() {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    trial.enqueue((0..20).map(|_| Work { pause: 10 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    for direction in [Direction::ToServer, Direction::ToClient] {
        proxy.traffic(direction, Traffic::Delay(Duration::from_millis(700)));
    }

    let worker = fleet.start(&WorkerPlan { pace: Some(PATIENT), executors: 2, ..plan.clone() });
    ledger.until(Fact::Ended, 3).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert_eq!((report.refused, report.unsettled), (0, 0), "{report:?}");
    assert_eq!(report.performed + report.handed_back, ledger.count(Fact::Claimed), "{report:?}");
    proxy.heal();
    let successor = fleet.start(plan);
    ledger.until_kept(mosquito).await;
    tokio::task::block_in_place(|| fleet.stop(successor));
    let account = ledger.close("redis: stopped while its answers take 1.4 s", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_cut_at_random_cost_nothing() {
    let [seed] = Seed::several(1)[..] else { unreachable!("one is asked for") };
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    let plan = WorkerPlan { pace: Some(PATIENT), ..trial.plan.clone() };
    trial.enqueue((0..1_000).map(|_| Work { pause: 5 })).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;

    proxy.cut_replies(10, seed.begin());
    let workers = [fleet.start(&plan), fleet.start(&plan)];
    soon("many replies are cut", || async { if proxy.lost() >= 40 { Ok(()) } else { Err(proxy.lost()) } })
        .await;
    proxy.heal();
    ledger.until_kept(mosquito).await;
    let reports = workers.map(|worker| tokio::task::block_in_place(|| fleet.stop(worker)));

    assert!(reports.iter().all(|report| report.refused + report.unsettled == 0), "{reports:?}");
    let account = ledger.close("redis: replies cut at random", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "a cut is no crash: {account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_in_a_black_hole_stops_within_its_grace_and_says_what_it_could_not_tell() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        for signals in [1, 2] {
            stop_in_a_black_hole(direction, signals).await;
        }
    }
}

async fn stop_in_a_black_hole(direction: Direction, signals: usize) {
    let store = Store::redis();
    let (mut trial, proxy) = behind_a_proxy(&store).await;
    let grace = if signals == 1 { Duration::from_secs(1) } else { Duration::from_secs(60) };
    let plan = WorkerPlan { grace, ..trial.plan.clone() };
    trial.enqueue((0..3).map(|_| Work { pause: 100 })).await;
    trial.enqueue((0..3).map(|_| Work { pause: 60_000 })).await;
    let Trial { ledger, fleet, .. } = &mut trial;
    let worker = fleet.start(&plan);
    ledger.until(Fact::Began, 5).await;

    proxy.traffic(direction, Traffic::Swallow);
    let begin = Instant::now();
    for _ in 0..signals {
        fleet.terminate(worker);
        // Two at once may be taken for one.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let report = tokio::task::block_in_place(|| fleet.wait_for_report(worker));

    // The grace is a second; the rest is for a busy machine.
    assert!(begin.elapsed() < Duration::from_secs(8), "it took {:?}", begin.elapsed());
    let told = report.performed + report.handed_back + report.unsettled;
    assert_eq!(told, ledger.count(Fact::Claimed), "every claim is in its report: {report:?}");
    assert!(report.unsettled >= 3, "{report:?}");
}

/// Workers that reach their Redis through a proxy; the test itself reaches it directly.
async fn behind_a_proxy(store: &Store) -> (Trial, Proxy) {
    let Store::Redis(server) = store else { unreachable!("a file has no network") };
    let proxy = Proxy::before(server.port());
    let mut trial = Trial::on(store).await;
    trial.plan.store = proxy.url();
    (trial, proxy)
}
