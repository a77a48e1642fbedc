//! Many processes, one key.

use std::time::Duration;

use mosquito::backend::List;
use mosquito_tests::{Program, RedisServer};

const PROCESSES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_processes_that_race_for_one_key_one_gets_in() {
    let _alone = crate::ALONE.lock().await;
    let server = RedisServer::start();
    let start = || Program::at(env!("CARGO_BIN_EXE_unique-racer")).arg(server.url()).start();
    let mut racers: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    for racer in &racers {
        let _ready = racer.wait_for_line("ready", Duration::from_secs(60));
    }

    // All of them wait at this list, and go at once.
    let start: Vec<_> = ["RPUSH", "start"].into_iter().chain((0..PROCESSES).map(|_| "go")).collect();
    let _: usize = server.command(&start);

    let mut answers = Vec::new();
    for racer in &mut racers {
        assert!(racer.wait_for_end(Duration::from_secs(60)).success(), "{:?}", racer.lines());
        answers.push(racer.wait_for_line("answer ", Duration::from_secs(1)));
    }
    let new: Vec<_> = answers.iter().filter_map(|answer| answer.strip_prefix("answer new ")).collect();
    let duplicates: Vec<_> =
        answers.iter().filter_map(|answer| answer.strip_prefix("answer duplicate ")).collect();
    assert_eq!((new.len(), duplicates.len()), (1, PROCESSES - 1), "{answers:?}");
    assert!(duplicates.iter().all(|id| *id == new[0]), "each is told who was there: {answers:?}");
    let mosquito = mosquito::Mosquito::connect(&server.url()).await.expect("the server is there");
    let waiting =
        mosquito.queue("work").expect("a name").page(List::Waiting, 0, 10).await.expect("it answers");
    assert_eq!(waiting.len(), 1);
}
