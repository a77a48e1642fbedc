//! Jobs whose runs are on record before their executor goes on.

use std::sync::OnceLock;

use mosquito::{Context, JobResult, Mosquito, Perform, RunId, job};
use mosquito_tests::RedisServer;

use crate::working::{Log, work};

/// Says so when the run before it is still in the store.
#[job(queue = "careful", sync_ack, state(Log))]
struct Careful {
    number: u32,
}

/// No state, which every runner of these tests would need.
static STORE: OnceLock<Mosquito> = OnceLock::new();

fn id_of(number: u32) -> RunId {
    RunId::new(format!("careful{number}")).unwrap()
}

impl Perform for Careful {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        if let Some(before) = self.number.checked_sub(1) {
            let found = STORE
                .get()
                .expect("it is there before any run")
                .queue("careful")?
                .find(&id_of(before))
                .await?;
            if let Some(found) = found {
                cx.state::<Log>().write(format!("{before} is {} while {} begins", found.list, self.number));
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_goes_on_when_what_it_did_is_on_record() {
    const RUNS: u32 = 200;
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    STORE.set(mosquito.clone()).expect("it is set once");
    for number in 0..RUNS {
        let _ = mosquito.enqueue(Careful { number }).id(id_of(number)).await.unwrap();
    }

    let mut working = work(&mosquito, |runner| runner.queues(["careful"]).executors(1));
    working.finished(RUNS as usize).await;

    assert_eq!(working.log.lines(), [""; 0]);
    assert_eq!(working.stop().await.performed, u64::from(RUNS));
}
