//! What operators see of runners: where they run, what they perform, and until when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Clock, Context, JobResult, Mosquito, OverseerReport, Perform, Rhythm, job};
use mosquito_tests::{Program, RedisServer, eventually, soon};

use crate::jobs::Long;
use crate::working::{memory, work};

/// How long a runner may take to tell what has changed.
const IN_TIME: Duration = Duration::from_secs(7);

async fn overseers(mosquito: &Mosquito) -> Vec<OverseerReport> {
    mosquito.overseers().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_overseer_tells_where_it_runs_and_what_it_performs_until_it_stops() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.name("mail-1").queues(["long", "notes"]).executors(3));
    let runs = mosquito.enqueue_all([true, true].map(|heeds_its_token| Long { heeds_its_token }));
    let ids = runs.await.unwrap();
    for _ in &ids {
        working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    }
    tokio::time::sleep(IN_TIME).await;

    let all = overseers(&mosquito).await;
    let [one] = &*all else { panic!("there is one: {all:#?}") };
    assert_eq!(one.name.as_ref().unwrap().as_str(), "mail-1");
    assert_eq!((one.pid, &*one.version), (std::process::id(), env!("CARGO_PKG_VERSION")));
    assert!(!one.host.is_empty() && one.silence <= IN_TIME && one.started_at < one.seen_at, "{one:#?}");
    assert_eq!(one.queues.iter().map(|queue| queue.as_str()).collect::<Vec<_>>(), ["long", "notes"]);
    assert_eq!((one.executors, one.busy, one.stopping), (3, 2, false));
    for performing in &one.performing {
        assert_eq!((performing.job.as_str(), performing.queue.as_str()), ("long", "long"));
        assert_eq!(performing.attempt, 1);
        assert!(performing.since >= one.started_at && performing.since < one.seen_at, "{one:#?}");
    }
    let mut performed: Vec<_> = one.performing.iter().map(|performing| performing.run.clone()).collect();
    let mut enqueued: Vec<_> = ids.iter().map(|id| id.id().clone()).collect();
    performed.sort();
    enqueued.sort();
    assert_eq!(performed, enqueued);

    working.handle.stop();
    tokio::time::sleep(IN_TIME).await;
    let all = overseers(&mosquito).await;
    assert!(all[0].stopping && all[0].busy == 2, "it performs what it has begun: {all:#?}");
    let _ = working.end().await.unwrap();
    assert_eq!(overseers(&mosquito).await, [], "who has stopped is no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_seen_from_any_process_and_one_that_was_killed_fades_within_a_minute() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let ticker = || Program::at(env!("CARGO_BIN_EXE_ticker")).arg(server.url());
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut killed = ticker().arg(folder.path().join("a")).start();
    let _leading = killed.wait_for_line("leading", Duration::from_secs(20));
    let seen = soon("one is seen", || async {
        let all = overseers(&mosquito).await;
        if all.len() == 1 { Ok(()) } else { Err(all) }
    });
    seen.await;
    let other = Mosquito::connect(&server.url()).await.unwrap();
    let working = work(&other, |runner| runner.name("other").queues(["notes"]));
    let names = |all: &[OverseerReport]| -> Vec<_> { all.iter().map(|one| one.name.clone()).collect() };
    let all = soon("both are seen", || async {
        let all = overseers(&mosquito).await;
        if all.len() == 2 { Ok(all) } else { Err(all) }
    });
    let all = all.await;
    assert_eq!(names(&all), [None, Some("other".parse().unwrap())], "in the order of having begun");
    assert!(all[0].pid != all[1].pid && all[1].pid == std::process::id(), "{all:#?}");

    killed.kill();

    let left = eventually("the killed one fades", Duration::from_secs(60), || async {
        let all = overseers(&mosquito).await;
        if all.len() == 1 { Ok(all) } else { Err(all) }
    });
    assert_eq!(names(&left.await), [Some("other".parse().unwrap())]);
    let _ = working.stop().await;
    assert_eq!(overseers(&mosquito).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_began_while_the_store_was_away_tells_when_it_began() {
    let mut server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    server.stop();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.next("backend lost", |event| matches!(event, Event::BackendLost { .. }).then_some(())).await;

    // The beginning is reckoned from the server's clock, which is this machine's, and is as exact as the answer is quick.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let still_away = Clock::system().now();
    server.start_again();

    let all = soon("it is seen", || async {
        match mosquito.overseers().await {
            Ok(all) if !all.is_empty() => Ok(all),
            other => Err(other),
        }
    });
    let one = &all.await[0];
    assert!(one.started_at <= still_away, "it began before {still_away}: {one:#?}");
    let _ = working.stop().await;
}

static LET_GO: AtomicBool = AtomicBool::new(false);

/// Holds a thread of the runtime, which no asynchronous job should.
#[job(queue = "hogs")]
struct Hog;

impl Perform for Hog {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        while !LET_GO.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_holds_every_thread_of_its_runtime_is_seen_to_do_so() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
    let mosquito = Mosquito::connect(&url).await.unwrap();
    let id = mosquito.enqueue(Hog).await.unwrap();
    let theirs = url.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let other = std::thread::spawn(move || {
        runtime.block_on(async {
            let mosquito = Mosquito::connect(&theirs).await.unwrap();
            let working = work(&mosquito, |runner| runner.queues(["hogs"]));
            let mut working = working;
            working.finished(1).await;
            working.stop().await
        })
    });

    let seen = |than: Option<mosquito::Timestamp>| {
        let (mosquito, id) = (&mosquito, id.id());
        async move {
            let all = overseers(mosquito).await;
            let hogged =
                |one: &&OverseerReport| one.performing.iter().any(|performing| performing.run == *id);
            let seen_at = all.iter().find(hogged).map(|one| one.seen_at);
            seen_at.filter(|at| than.is_none_or(|than| *at > than)).ok_or(all)
        }
    };
    let first = soon("it is seen", || seen(None)).await;
    let second = soon("it is seen again", || seen(Some(first))).await;
    LET_GO.store(true, Ordering::SeqCst);

    assert!(second > first);
    assert_eq!(other.join().unwrap().performed, 1);
}

#[tokio::test(start_paused = true)]
async fn the_schedules_of_periodic_jobs_are_told_and_to_ask_begins_none() {
    let mosquito = memory().await;
    let each_second = async || {
        let all = mosquito.periodic().await.unwrap();
        assert!(all.iter().map(|one| one.job.as_str()).is_sorted());
        all.into_iter().find(|one| one.job.as_str() == "each_second").expect("it is linked in")
    };
    let before = each_second().await;
    assert_eq!((before.last_tick, before.next_tick), (None, None));
    assert_eq!((before.queue.as_str(), before.rhythm), ("ticks", Rhythm::Every(Duration::from_secs(1))));
    assert!(mosquito.queues().await.unwrap().is_empty(), "no queue came into being");

    let working = work(&mosquito, |runner| runner.queues(["ticks"]));
    tokio::time::sleep(Duration::from_millis(3_500)).await;

    let now = mosquito.backend().now().await.unwrap();
    let standing = each_second().await;
    let (last, next) = (standing.last_tick.unwrap(), standing.next_tick.unwrap());
    assert_eq!((next - last).num_milliseconds(), 1_000);
    assert!(last <= now && now < next, "{last} {now} {next}");
    let greeting =
        mosquito.periodic().await.unwrap().into_iter().find(|one| one.queue.as_str() == "greetings");
    assert_eq!(greeting.unwrap().last_tick, None, "nobody works on its queue");
    let _ = working.stop().await;
}
