//! A Redis server dies, hangs, refuses for a while, or refuses for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mosquito::{Error, Mosquito, RunId};
use mosquito_tests::journal::Fact;
use mosquito_tests::{Hit, Pace, RedisServer, WorkerPlan, soon};

use crate::Trial;
use crate::jobs::{Flaky, Work};
use crate::store::Store;

/// Leases that outlast an outage of some seconds.
const PATIENT: Pace = Pace {
    heartbeat: Duration::from_millis(250),
    dead_after: Duration::from_secs(20),
    reap_every: Duration::from_millis(250),
};

/// Every answered write is on the disk.
const KEEPS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_again_and_again_loses_nothing_of_what_it_answered() {
    let mut store = Store::Redis(RedisServer::start_with(&KEEPS));
    let mut trial = Trial::on(&store).await;
    let plan = WorkerPlan { pace: Some(PATIENT), ..trial.plan.clone() };
    trial.enqueue((0..1_000).map(|_| Work { pause: 5 })).await;
    let worker = trial.fleet.start(&plan);
    let enqueuing = Enqueuing::begin(trial.mosquito.clone());

    for _ in 0..3 {
        let so_far = trial.ledger.count(Fact::Ended);
        trial.ledger.until(Fact::Ended, so_far + 20).await;
        let down = trial.fleet.begin_fault("server kill -9", Hit::Everybody, 5);
        tokio::task::block_in_place(|| {
            server(&mut store).kill();
            server(&mut store).start_again();
        });
        trial.fleet.end_fault(down);
    }
    trial.ledger.promise(enqueuing.end().await);
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert_eq!(report.unsettled, 0, "{report:?}");
    let account = ledger.close("redis: server killed, log always", fleet, mosquito).await;
    assert_eq!(account.rescues, 0, "the workers lived: {account}");
}

macro_rules! harassed {
    ($($fact:ident: $words:expr),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fact() {
            harassed(&$words).await;
        })+
    };
}

harassed! {
    connections_killed_again_and_again_cost_nothing: ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
    scripts_flushed_again_and_again_cost_nothing: ["SCRIPT", "FLUSH"],
}

/// Somebody does something to the server all the time.
async fn harassed(words: &[&str]) {
    let mut store = Store::redis();
    let mut trial = Trial::on(&store).await;
    let plan = WorkerPlan { pace: Some(PATIENT), ..trial.plan.clone() };
    trial.enqueue((0..1_500).map(|_| Work { pause: 5 })).await;
    trial.enqueue((0..20).map(|_| Flaky { succeeds_at: 2 })).await;
    let workers = [trial.fleet.start(&plan), trial.fleet.start(&plan)];
    let enqueuing = Enqueuing::begin(trial.mosquito.clone());

    let mut times = 0;
    while trial.ledger.count(Fact::Ended) < 1_000 {
        tokio::task::block_in_place(|| server(&mut store).command::<redis::Value>(words));
        times += 1;
        // Some of it is done in between.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    trial.ledger.promise(enqueuing.end().await);
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    ledger.until_kept(mosquito).await;
    let reports = workers.map(|worker| tokio::task::block_in_place(|| fleet.stop(worker)));

    assert!(reports.iter().all(|report| report.refused + report.unsettled == 0), "{reports:?}");
    let account = ledger.close(&format!("redis: {} {times} times", words.join(" ")), fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_out_of_memory_is_waited_for() {
    let full = |server: &RedisServer| server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let room = |server: &RedisServer| server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    unwilling("out of memory", full, room).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_became_a_replica_is_waited_for() {
    // Nobody listens there, so it keeps what it has.
    let demote = |server: &RedisServer| server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let promote = |server: &RedisServer| server.command(&["REPLICAOF", "NO", "ONE"]);
    unwilling("read only", demote, promote).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_its_replicas_is_waited_for() {
    let demand = |server: &RedisServer| server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let demand_none = |server: &RedisServer| server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    unwilling("replicas missing", demand, demand_none).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_save_is_waited_for() {
    let lose_folder = |server: &RedisServer| {
        std::fs::remove_dir_all(server.dir()).expect("its folder can be removed");
        let _: String = server.command(&["CONFIG", "SET", "save", "3600 1"]);
        let _: String = server.command(&["BGSAVE"]);
        let begin = std::time::Instant::now();
        while !server.command::<String>(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err") {
            assert!(begin.elapsed() < Duration::from_secs(20), "it saved without a folder");
            std::thread::sleep(Duration::from_millis(5));
        }
        "OK".to_owned()
    };
    let save_no_more = |server: &RedisServer| server.command(&["CONFIG", "SET", "save", ""]);
    unwilling("cannot save", lose_folder, save_no_more).await;
}

/// The server refuses every write for longer than a lease of the quick pace, and then no more.
async fn unwilling(
    what: &str,
    refuse: impl FnOnce(&RedisServer) -> String,
    relent: impl FnOnce(&RedisServer) -> String,
) {
    let mut store = Store::redis();
    let mut trial = Trial::on(&store).await;
    let plan = trial.plan.clone();
    trial.enqueue((0..300).map(|_| Work { pause: 10 })).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    let worker = fleet.start(&plan);
    ledger.until(Fact::Ended, 50).await;

    let refusing = fleet.begin_fault(what, Hit::Everybody, 5);
    tokio::task::block_in_place(|| refuse(server(&mut store)));
    let refused = mosquito.enqueue(Work { pause: 1 }).await.expect_err("nothing can be written");
    // Nothing tells from outside that the leases have run out.
    tokio::time::sleep(Duration::from_secs(3)).await;
    tokio::task::block_in_place(|| relent(server(&mut store)));
    ledger.until_kept(mosquito).await;
    fleet.end_fault(refusing);
    let report = tokio::task::block_in_place(|| fleet.stop(worker));

    assert!(refused.is_transient(), "{refused:?}");
    assert_eq!((report.performed, report.unsettled), (300, 0), "{report:?}");
    let account = ledger.close(&format!("redis: {what}"), fleet, mosquito).await;
    assert_eq!(account.rescues, 0, "it could not beat, and nobody took it for dead: {account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_leases_without_a_server_cost_nothing_that_is_being_performed() {
    let mut store = Store::Redis(RedisServer::start_with(&KEEPS));
    let mut trial = Trial::on(&store).await;
    let plan = WorkerPlan { queues: vec!["work".into(), "ticks".into()], ..trial.plan.clone() };
    trial.enqueue((0..4).map(|_| Work { pause: 1_000 })).await;
    trial.enqueue((0..4).map(|_| Work { pause: 8_000 })).await;
    let later = trial.mosquito.enqueue_all((0..20).map(|_| Work { pause: 5 })).delay(Duration::from_secs(3));
    trial.ledger.promise(later.await.unwrap().iter().map(mosquito::Enqueued::id));
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    let workers = [fleet.start(&plan), fleet.start(&plan)];
    ledger.until(Fact::Began, 8).await;

    tokio::task::block_in_place(|| server(&mut store).kill());
    // Five leases: nothing tells from outside that they have run out.
    tokio::time::sleep(Duration::from_secs(6)).await;
    tokio::task::block_in_place(|| server(&mut store).start_again());
    ledger.until_kept(mosquito).await;
    let ticks = ledger.times(Fact::Began).len();
    ledger.until(Fact::Began, ticks as u64 + 3).await;
    let reports = workers.map(|worker| tokio::task::block_in_place(|| fleet.stop(worker)));

    assert!(reports.iter().all(|report| report.refused + report.unsettled == 0), "{reports:?}");
    let account = ledger.close("redis: five leases without a server", fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "nobody had died: {account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_for_several_leases_loses_nothing() {
    // Shorter and longer than any answer is waited for.
    tokio::join!(hang(Duration::from_millis(2_500)), hang(Duration::from_secs(7)));
}

/// What was sent meanwhile, beats and rescues, is done in any order when it goes on: nobody is taken for dead.
async fn hang(time: Duration) {
    let mut store = Store::redis();
    let mut trial = Trial::on(&store).await;
    let plan = trial.plan.clone();
    trial.enqueue((0..300).map(|_| Work { pause: 10 })).await;
    trial.enqueue((0..3).map(|_| Work { pause: 3_000 })).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    let workers = [fleet.start(&plan), fleet.start(&plan)];
    ledger.until(Fact::Ended, 50).await;

    let frozen = fleet.begin_fault("server hangs", Hit::Everybody, 10);
    server(&mut store).freeze();
    tokio::time::sleep(time).await;
    server(&mut store).thaw();
    ledger.until_kept(mosquito).await;
    fleet.end_fault(frozen);
    let reports = workers.map(|worker| tokio::task::block_in_place(|| fleet.stop(worker)));

    assert!(reports.iter().all(|report| report.refused + report.unsettled == 0), "{reports:?}");
    let account = ledger.close(&format!("redis: server hangs for {time:?}"), fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "nobody died: {account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_ends_a_worker_with_a_sentence() {
    let server = RedisServer::start();
    let _: String = server.command(&["CONFIG", "SET", "requirepass", "one"]);
    let mut fleet = mosquito_tests::Fleet::of(crate::WORKER);
    let ledger = mosquito_tests::CrashLedger::new();
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}/", server.port());
    let plan = WorkerPlan::new(with("one"), ledger.journal());
    let mosquito = plan.connect().await.unwrap();
    let worker = fleet.start(&plan);
    let enqueued = mosquito.enqueue_all((0..20).map(|_| Work { pause: 5 })).await.unwrap();
    ledger.promise(enqueued.iter().map(mosquito::Enqueued::id));
    ledger.until(Fact::Forgotten, 20).await;

    let mut connection = redis::Client::open(with("one")).unwrap().get_connection().unwrap();
    let _: () = redis::cmd("CONFIG").arg(&["SET", "requirepass", "two"]).query(&mut connection).unwrap();
    let _: i64 = redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).query(&mut connection).unwrap();
    let status = tokio::task::block_in_place(|| fleet.wait_for_end(worker));

    assert_eq!(status.code(), Some(1));
    let said = fleet.worker(worker).lines().join("\n");
    assert!(said.contains("refused: ") && said.contains("password in its URL is wrong"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_wrong_type_ends_a_runner_with_a_sentence_that_names_it() {
    let queue = "mosquito:{work}:";
    let of_queue = ["waiting", "pending", "runs", "owners", "tickets", "wake", "due"];
    let keys = of_queue.map(|key| format!("{queue}{key}")).into_iter().chain(["mosquito:leader".into()]);
    let ends = keys.map(|key| async move {
        let server = RedisServer::start();
        let mosquito = Mosquito::connect(&server.url()).await.unwrap();
        let journal = tempfile::NamedTempFile::new().unwrap();
        let runner = mosquito
            .runner()
            .state(mosquito_tests::journal::Journal::open(journal.path()).unwrap())
            .queues(["work"])
            .signals(false);
        let runner = runner.build().unwrap();
        let handle = runner.handle();
        let _ = mosquito.enqueue_all((0..7).map(|_| Work { pause: 1 })).await.unwrap();
        let running = tokio::spawn(runner.run());
        soon("it has performed", || async {
            let performed = handle.report().performed;
            if performed == 7 { Ok(()) } else { Err(performed) }
        })
        .await;

        // What is blocked on a list is not told that it has become something else: so it comes to it anew.
        let mut pipe = redis::pipe();
        pipe.atomic().del(&key).set(&key, "somebody else's");
        pipe.cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]);
        let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
        let _: redis::Value = pipe.query(&mut connection).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), running).await;

        let error = ended.unwrap_or_else(|_| panic!("{key}: it goes on")).unwrap().unwrap_err();
        assert!(matches!(&error, Error::ForeignKey { key: named, .. } if *named == key), "{key}: {error:?}");
        assert_eq!(
            (handle.report().performed, handle.report().unsettled),
            (7, 0),
            "{key}: it is not forgotten"
        );
    });
    futures_util::future::join_all(ends).await;
}

fn server(store: &mut Store) -> &mut RedisServer {
    match store {
        Store::Redis(server) => server,
        Store::Sqlite => unreachable!("a file has no server"),
    }
}

/// Somebody who enqueues run after run, each again under its id until that is answered. They are plain, and so behind those that were
/// there before: what goes first is performed and gone before it is sent again, which enqueues it anew.
struct Enqueuing {
    enough: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Vec<RunId>>,
}

impl Enqueuing {
    fn begin(mosquito: Mosquito) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let done = enough.clone();
        let task = tokio::spawn(async move {
            let mut ids = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let id = RunId::random();
                loop {
                    match mosquito.enqueue(Work { pause: 5 }).id(id.clone()).await {
                        Ok(_) => break,
                        Err(error) => assert!(error.is_transient(), "{error:?}"),
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                ids.push(id);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            ids
        });
        Self { enough, task }
    }

    /// Ends, and answers the ids of all that were enqueued.
    async fn end(self) -> Vec<RunId> {
        self.enough.store(true, Ordering::Relaxed);
        self.task.await.expect("it does not panic")
    }
}
