//! The testing kit is true to a runner: the same story, told to both, ends the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::backend::{Fate, List};
use mosquito::events::Event;
use mosquito::testing::Testing;
use mosquito::{
    Body, Clock, Context, JobError, JobName, JobResult, Mosquito, NewRun, Outcome, OverseerId, Perform,
    QueueName, RunId, Timestamp, Upgrade, When, job,
};
use mosquito_tests::Seed;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, from_value};

const HOURS: Duration = Duration::from_secs(3 * 3600);
const QUEUES: [&str; 2] = ["actors", "bulk"];

/// How one attempt is to end.
#[derive(Clone, Debug, Deserialize, Serialize)]
enum Act {
    Succeed,
    Fail,
    Panic,
    Hang,
    RetryIn(u64),
    Snooze(u64),
    Die,
    Discard,
    Enqueue { delay: u64 },
}

/// Which acts were played already, by name.
#[derive(Clone, Debug, Default)]
struct Stage(Arc<Mutex<HashMap<String, usize>>>);

/// Ends each attempt as its script says, and succeeds after that.
#[job(queue = "actors", state(Stage), timeout = "5s", retry(attempts = 4, backoff = exponential("3s"), jitter = 0.0))]
struct Actor {
    name: String,
    script: Vec<Act>,
}

impl Perform for Actor {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let act = {
            let mut played = cx.state::<Stage>().0.lock().unwrap();
            let next = played.entry(self.name.clone()).or_default();
            *next += 1;
            self.script.get(*next - 1).cloned()
        };
        match act {
            None | Some(Act::Succeed) => Ok(()),
            Some(Act::Fail) => Err("not today".into()),
            Some(Act::Panic) => panic!("on purpose"),
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::RetryIn(seconds)) => Err(JobError::retry_in(Duration::from_secs(seconds))),
            Some(Act::Snooze(seconds)) => Err(JobError::snooze(Duration::from_secs(seconds))),
            Some(Act::Die) => Err(JobError::dead("no use")),
            Some(Act::Discard) => Err(JobError::discard("too late")),
            Some(Act::Enqueue { delay }) => {
                let name = format!("{}'", self.name);
                let id = RunId::new(&name)?;
                let script = vec![Act::Fail];
                cx.enqueue(Self { name, script }).id(id).delay(Duration::from_secs(delay)).await?;
                Ok(())
            }
        }
    }
}

/// Has been a name before.
#[job(version = 2, aliases("hello"))]
struct Greet {
    first: String,
    last: String,
}

impl Upgrade for Greet {
    fn upgrade(_: u32, args: Value) -> Result<Self, JobError> {
        let name: String = from_value(args)?;
        match name.split_once(' ') {
            Some((first, last)) => Ok(Self { first: first.into(), last: last.into() }),
            None if name.is_empty() => Err(JobError::discard("there is nobody to greet")),
            None => Err("the name has no space".into()),
        }
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Err(JobError::dead(format!("{}/{}", self.first, self.last)))
    }
}

/// Fails at each second tick, and is not tried again.
#[job(every = "7m", queue = "bulk")]
struct Patrol;

impl Perform for Patrol {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let tick = cx.tick().ok_or("it has no tick")?;
        if tick.timestamp() / 420 % 2 == 0 { Err("somebody was there".into()) } else { Ok(()) }
    }
}

/// A run that is enqueued when the story begins.
#[derive(Debug)]
struct Cue {
    queue: &'static str,
    run: NewRun,
}

fn story(random: &mut fastrand::Rng) -> Vec<Cue> {
    (0..40).map(|number| cue(random, &format!("actor-{number:02}"))).collect()
}

fn cue(random: &mut fastrand::Rng, name: &str) -> Cue {
    let script: Vec<Act> = (0..random.usize(0..6)).map(|_| act(random)).collect();
    let actor = serde_json::json!({ "name": name, "script": script }).to_string();
    let (job, version, args) = match random.u8(0..12) {
        0 => ("nobody", 1, "null".into()),
        1 => ("actor", 1, r#"{"name":1}"#.into()),
        2 => ("actor", 9, actor),
        3 => ("hello", 1, r#""Ada Lovelace""#.into()),
        4 => ("greet", 1, r#""Ada""#.into()),
        5 => ("greet", 1, r#""""#.into()),
        _ => ("actor", 1, actor),
    };
    let when = if random.bool() { When::Now } else { When::After(Duration::from_secs(random.u64(1..4000))) };
    let (job, args) = (JobName::new(job).unwrap(), RawValue::from_string(args).unwrap());
    let run = NewRun::new(RunId::new(name).unwrap(), when, &Body { version, ..Body::new(&job, &args) });
    Cue { queue: random.choice(["actors", "bulk"]).unwrap(), run }
}

fn act(random: &mut fastrand::Rng) -> Act {
    match random.u8(0..10) {
        0 => Act::Succeed,
        1 => Act::Panic,
        2 => Act::Hang,
        3 => Act::RetryIn(random.u64(0..600)),
        4 => Act::Snooze(random.u64(1..600)),
        5 => Act::Die,
        6 => Act::Discard,
        7 => Act::Enqueue { delay: random.u64(0..60) },
        _ => Act::Fail,
    }
}

/// What became of each run, attempt by attempt, and what is left in the end.
struct Ending {
    attempts: BTreeMap<String, Vec<(u32, Outcome, Fate)>>,
    left: Vec<(&'static str, List, String, u32, Option<String>)>,
}

impl Ending {
    async fn of(mosquito: &Mosquito, attempts: Vec<(RunId, u32, Outcome, Fate)>) -> Self {
        let mut by_run: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, attempt, outcome, fate) in attempts {
            let attempts = by_run.entry(id.to_string()).or_default();
            // What nobody knows is offered without end: how often depends on a millisecond.
            if attempts.len() < 50 {
                attempts.push((attempt, outcome, whoever_made_it(fate)));
            }
        }
        let mut left = Vec::new();
        for name in QUEUES {
            for list in List::ALL {
                let queue = mosquito.queue(name).unwrap();
                let mut runs = queue.page(list, 0, 1000).await.unwrap();
                // Those of one moment are in the order in which they got there.
                runs.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
                left.extend(
                    runs.into_iter()
                        .map(|run| (name, list, run.id.to_string(), run.history.attempts, run.history.error)),
                );
            }
        }
        Self { attempts: by_run, left }
    }
}

/// A fate without what two overseers remember otherwise: who they are, and when exactly they began.
fn whoever_made_it(mut fate: Fate) -> Fate {
    if let Fate::Reschedule { history, .. } | Fate::Banish { history } = &mut fate {
        for attempt in &mut history.log {
            attempt.at = Timestamp::UNIX_EPOCH;
            attempt.overseer = OverseerId::new("somebody").unwrap();
        }
    }
    fate
}

async fn enqueue(mosquito: &Mosquito, story: &[Cue]) {
    for Cue { queue, run } in story {
        let queue = QueueName::new(*queue).unwrap();
        mosquito.backend().enqueue(&queue, std::slice::from_ref(run)).await.unwrap();
    }
}

async fn told_to_a_runner(mosquito: &Mosquito, story: &[Cue]) -> Ending {
    let runner = mosquito.runner().state(Stage::default());
    let runner = runner.signals(false).executors(10).build().unwrap();
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let working = tokio::spawn(runner.run());
    // The first look at a schedule is what its ticks count from.
    tokio::time::sleep(Duration::from_millis(1)).await;
    enqueue(mosquito, story).await;
    let mut attempts = Vec::new();

    let listening = async {
        while let Some(event) = events.next().await {
            if let Event::Finished { id, attempt, outcome, fate, .. } = event {
                attempts.push((id, attempt, outcome, fate));
            }
        }
    };
    tokio::time::timeout(HOURS, listening).await.expect_err("the client lives");

    handle.stop();
    working.await.unwrap().unwrap();
    Ending::of(mosquito, attempts).await
}

async fn told_to_the_kit(begin: Timestamp, story: &[Cue]) -> Ending {
    let testing = Testing::record().at(begin).state(Stage::default()).await.unwrap();
    testing.advance(Duration::from_millis(1));
    enqueue(&testing, story).await;

    let drained = testing.run_for(HOURS).await.unwrap();

    let attempts = drained.runs.into_iter().map(|run| (run.id, run.attempt, run.outcome, run.fate));
    Ending::of(&testing, attempts.collect()).await
}

#[tokio::test(start_paused = true)]
async fn a_story_told_to_the_kit_ends_as_one_told_to_a_runner() {
    for seed in Seed::several(4) {
        let mut random = seed.begin();
        let clock = Clock::tokio();
        let mosquito = Mosquito::builder().clock(clock.clone()).connect("memory://").await.unwrap();
        let (story, begin) = (story(&mut random), clock.now());

        let by_a_runner = told_to_a_runner(&mosquito, &story).await;
        let by_the_kit = told_to_the_kit(begin, &story).await;

        for (id, attempts) in &by_a_runner.attempts {
            assert_eq!(by_the_kit.attempts.get(id), Some(attempts), "{id}");
        }
        assert_eq!(by_the_kit.left, by_a_runner.left);
        assert_eq!(by_the_kit.attempts.len(), by_a_runner.attempts.len());
    }
}
