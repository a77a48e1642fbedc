//! Pauses as runners see them: heeded by all, over in time, and no reason for ticks to pile up.

use std::time::{Duration, Instant};

use mosquito::backend::Scope;
use mosquito::events::Event;
use mosquito::{Context, JobName, JobResult, Mosquito, Perform, job};
use mosquito_tests::{RedisServer, eventually, soon};

use crate::jobs::Note;
use crate::working::{Working, memory, work};

/// Would pile up, if anything let it.
#[job(queue = "often", every = "1s", overlap = "allow", missed = "all")]
struct Often;

impl Perform for Often {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn note(word: &str) -> Note {
    Note { word: word.into() }
}

async fn is_waiting_again(working: &mut Working, mosquito: &Mosquito) {
    let _ = mosquito.enqueue(note("warm")).await.unwrap();
    working.finished(1).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_runner_notices_the_end_of_a_pause_within_a_second() {
    let mosquito = memory().await;
    let notes = mosquito.queue("notes").unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes", "long"]));
    is_waiting_again(&mut working, &mosquito).await;

    for (milliseconds, everything) in
        [(300, false), (1_700, true), (4_000, false), (30_000, true), (7_777, false)]
    {
        let pause = Duration::from_millis(milliseconds);
        match everything {
            true => mosquito.pause_for(pause).await.unwrap(),
            false => notes.pause_for(pause).await.unwrap(),
        }
        let begin = tokio::time::Instant::now();
        let _ = mosquito.enqueue(note("held")).await.unwrap();
        working.within(Duration::from_secs(60), "finished", finished).await;

        let took = begin.elapsed();
        assert!(took >= pause && took < pause + Duration::from_secs(1), "{took:?} of a pause of {pause:?}");
        // For as long as an idle runner waits by itself, and any part of it.
        tokio::time::sleep(Duration::from_millis(milliseconds * 7 % 6_000)).await;
    }
    let _ = working.stop().await;
}

fn finished(event: &Event) -> Option<()> {
    matches!(event, Event::Finished { .. }).then_some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_runner_on_redis_notices_the_end_of_a_pause_in_time() {
    let server = RedisServer::start();
    notices_in_time(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_runner_on_sqlite_notices_the_end_of_a_pause_in_time() {
    let files = tempfile::tempdir().unwrap();
    notices_in_time(&format!("sqlite://{}/jobs.db", files.path().display())).await;
}

/// The pause is made by another process's client.
async fn notices_in_time(url: &str) {
    let (mosquito, operator) = (Mosquito::connect(url).await.unwrap(), Mosquito::connect(url).await.unwrap());
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    is_waiting_again(&mut working, &mosquito).await;

    let pause = Duration::from_millis(1_500);
    for everything in [false, true] {
        let begin = Instant::now();
        match everything {
            true => operator.pause_for(pause).await.unwrap(),
            false => operator.queue("notes").unwrap().pause_for(pause).await.unwrap(),
        }
        let _ = operator.enqueue(note("held")).await.unwrap();
        working.finished(1).await;

        let took = begin.elapsed();
        // A runner that only looked when it looks anyway would take up to six seconds more.
        assert!(took >= pause && took < pause + Duration::from_millis(3_500), "it took {took:?}");
    }
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn however_long_a_pause_one_run_of_a_periodic_job_waits_when_it_is_over() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["often"]));
    working.finished(2).await;
    let often = mosquito.queue("often").unwrap();

    for everything in [false, true] {
        match everything {
            true => mosquito.pause().await.unwrap(),
            false => often.pause().await.unwrap(),
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(often.sizes().await.unwrap().waiting, 1, "however often it ticked");

        match everything {
            true => mosquito.resume().await.unwrap(),
            false => often.resume().await.unwrap(),
        }
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, working.events.next()).await {}
        let begin = tokio::time::Instant::now();
        working.finished(10).await;
        let took = begin.elapsed();
        assert!(took > Duration::from_millis(7_900), "it goes on once a second: ten took {took:?}");
    }
    let _ = working.stop().await;
    let _ = Often;
}

#[tokio::test(start_paused = true)]
async fn pauses_and_their_ends_are_told_with_what_was_said() {
    let mosquito = memory().await;
    let mut events = mosquito.events();
    let notes = mosquito.queue("notes").unwrap();

    notes.pause_for(Duration::from_secs(60)).reason("it moves").author("ada").await.unwrap();
    mosquito.pause().await.unwrap();
    notes.resume().await.unwrap();
    mosquito.resume().await.unwrap();

    let Some(Event::Paused { scope, pause }) = events.next().await else { panic!("it was paused") };
    assert_eq!((scope, pause.words()), (Scope::from(notes.name()), (Some("it moves"), Some("ada"))));
    assert_eq!(pause.duration(), Some(Duration::from_secs(60)));
    assert!(matches!(events.next().await, Some(Event::Paused { scope: Scope::Everything, .. })));
    assert!(matches!(events.next().await, Some(Event::Resumed { scope: Scope::Queue(_) })));
    assert!(matches!(events.next().await, Some(Event::Resumed { scope: Scope::Everything })));
}

/// In the queue of notes, and once under another name.
#[job(queue = "notes", name = "memo", aliases("reminder"))]
struct Memo;

impl Perform for Memo {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_goes_past_a_paused_job_and_to_it_when_its_pause_is_over() {
    let mosquito = memory().await;
    let mut events = mosquito.events();
    let notes = mosquito.queue("notes").unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    is_waiting_again(&mut working, &mosquito).await;
    let pause = Duration::from_millis(2_300);

    mosquito.pause_job_for::<Memo>(pause).unwrap().author("ada").await.unwrap();

    let begin = tokio::time::Instant::now();
    let paused = notes.paused_jobs().await.unwrap();
    assert_eq!(paused.keys().map(JobName::as_str).collect::<Vec<_>>(), ["memo", "reminder"]);
    let memo = mosquito.enqueue(Memo).await.unwrap();
    let note = mosquito.enqueue(note("other")).await.unwrap();
    for (id, past) in [(note.id(), Duration::ZERO), (memo.id(), pause)] {
        let finished = |event: &Event| match event {
            Event::Finished { id, .. } => Some(id.clone()),
            _ => None,
        };
        assert_eq!(working.within(Duration::from_secs(60), "finished", finished).await, *id);
        let took = begin.elapsed();
        assert!(took >= past && took < past + Duration::from_secs(1), "{took:?}");
    }
    assert!(notes.paused_jobs().await.unwrap().is_empty());
    mosquito.resume_job::<Memo>().await.unwrap();
    let mut told = Vec::new();
    while told.len() < 4 {
        match events.next().await.unwrap() {
            Event::Paused { scope, .. } | Event::Resumed { scope } => told.push(scope.to_string()),
            _ => (),
        }
    }
    let both = ["job memo in queue notes", "job reminder in queue notes"];
    assert_eq!(told, [both, both].concat());
    let _ = working.stop().await;
}

/// What the queue was told of everything.
fn held(server: &RedisServer) -> Option<String> {
    server.command(&["GET", "mosquito:{notes}:held"])
}

const MARK: &str = "mosquito:{mosquito:queues}:everything";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pause_of_everything_left_undone_is_done_by_a_runner_before_it_works() {
    let server = RedisServer::start();
    let operator = Mosquito::connect(&server.url()).await.unwrap();
    let _ = operator.enqueue(note("held")).await.unwrap();
    operator.pause().reason("cut off").await.unwrap();
    // As if the operator had died before it came to this queue.
    let _: i64 = server.command(&["DEL", "mosquito:{notes}:held"]);

    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let word = soon("it is told", || async { held(&server).ok_or("not yet") }).await;

    assert!(word.contains("cut off"), "{word}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(working.log.lines(), Vec::<String>::new(), "nothing was performed before");
    operator.resume().await.unwrap();
    working.finished(1).await;
    let _ = working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_at_work_hears_of_a_pause_that_came_to_no_queue() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    is_waiting_again(&mut working, &mosquito).await;

    // As if the operator had died after the mark.
    let _: String = server.command(&["SET", MARK, r#"0 9000000000000 {"author":"ada"}"#]);
    let notes = mosquito.queue("notes").unwrap();
    let heard = || async { held(&server).ok_or("not yet") };
    let word = eventually("it is told", Duration::from_secs(20), heard).await;

    assert!(word.contains("ada"), "{word}");
    let _ = mosquito.enqueue(note("held")).await.unwrap();
    assert_eq!(notes.sizes().await.unwrap().waiting, 1);
    mosquito.resume().await.unwrap();
    working.finished(1).await;
    let _ = working.stop().await;
}
