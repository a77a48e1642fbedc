//! A user that may do what the guide says and nothing else, and one that may do less.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use mosquito::backend::{
    Backend, Fate, List, NoteChange, Notebook, Overlap, Pause, Rescue, Scope, Settlement, Signal, Tick,
    Ticket,
};
use mosquito::serde_json::value::RawValue;
use mosquito::{
    Body, Concurrency, ConcurrencyUse, Context, Error, Flow, FlowKey, History, JobName, JobResult, LimitName,
    Mosquito, NewRun, OnConflict, OverseerId, Perform, QueueName, RateKind, RateLimit, RateUse, RunId,
    Unique, Until, When, job,
};
use mosquito_tests::RedisServer;

use crate::working::{Note, work};

/// Ticks, so that a schedule is kept.
#[job(queue = "ticks", every = "1s")]
struct EachSecond;

impl Perform for EachSecond {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

/// The lines of the guide.
fn documented() -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("mosquito/src/guide/redis.md");
    let text = std::fs::read_to_string(guide).unwrap();
    let section = text.split("# A user of its own").nth(1).expect("the guide has that section");
    let block = section.split("```").nth(1).expect("it has the lines in a block");
    block.lines().skip(1).map(str::to_owned).collect()
}

/// What they allow, without the `+`.
fn allowed() -> BTreeSet<String> {
    let lines = documented().join(" ");
    lines.split(' ').filter_map(|word| word.strip_prefix('+')).map(str::to_owned).collect()
}

/// A server on which nobody may do anything but an administrator, and the user of the guide.
struct Guarded(RedisServer);

impl Guarded {
    fn start() -> Self {
        let server = RedisServer::start();
        let set_up = |words: &[&str]| server.command::<String>(words);
        set_up(&["ACL", "SETUSER", "admin", "on", ">admin", "~*", "&*", "+@all"]);
        for line in documented() {
            set_up(&line.split(' ').collect::<Vec<_>>());
        }
        set_up(&["ACL", "SETUSER", "default", "off"]);
        Self(server)
    }

    fn url(&self) -> String {
        self.0.url().replace("://", "://mosquito:a-long-password@")
    }

    async fn connect(&self) -> Mosquito {
        Mosquito::connect(&self.url()).await.unwrap()
    }

    /// A command of the administrator.
    fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let url = self.0.url().replace("://", "://admin:admin@");
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    fn take_away(&self, permission: &str) {
        let () = self.command(&["ACL", "SETUSER", "mosquito", permission]);
    }

    /// The commands that were called since the last time, by a client or within a script.
    fn called(&self) -> BTreeSet<String> {
        let stats: String = self.command(&["INFO", "commandstats"]);
        let names = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split(':').next());
        names.map(str::to_owned).collect()
    }
}

fn queue(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

fn run(id: &str) -> NewRun {
    let args = RawValue::from_string("null".into()).unwrap();
    NewRun::new(RunId::new(id).unwrap(), When::Now, &Body::new(&JobName::new("nobody").unwrap(), &args))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_of_the_guide_may_do_what_is_needed_and_nothing_more() {
    let server = Guarded::start();
    let () = server.command(&["CONFIG", "RESETSTAT"]);
    let mosquito = server.connect().await;

    perform_everything(&mosquito).await;
    move_everything(&**mosquito.backend()).await;
    move_runs_with_a_flow(&**mosquito.backend()).await;
    let foreign = use_a_key_of_somebody_else(&server, &mosquito).await;

    assert!(matches!(foreign, Error::ForeignKey { .. }), "{foreign:?}");
    let called = server.called();
    let idle: Vec<_> = allowed().into_iter().filter(|command| !called.contains(command)).collect();
    assert!(idle.is_empty(), "nothing needs {idle:?}");
    let denied: Vec<Vec<redis::Value>> = server.command(&["ACL", "LOG"]);
    assert!(denied.is_empty(), "nothing was denied: {denied:#?}");
}

/// A runner performs, tries again, schedules, ticks and gives up, and is stopped.
async fn perform_everything(mosquito: &Mosquito) {
    let seconds = Duration::from_secs;
    let mut working = work(mosquito, |runner| {
        runner.queues(["notes", "ticks"]).heartbeat(seconds(1)).dead_after(seconds(3))
    });
    working.started().await;
    let notes = mosquito.queue("notes").unwrap();
    let _ = mosquito.enqueue(Note::failing_once("twice")).await.unwrap();
    let _ = mosquito.enqueue(Note::new("later")).delay(Duration::from_millis(300)).await.unwrap();
    let _ = mosquito.enqueue(Note::failing("dead")).await.unwrap();
    mosquito_tests::soon("all but the dead run are gone", || async {
        let sizes = notes.sizes().await.unwrap();
        if (sizes.total(), sizes.dead) == (1, 1) { Ok(()) } else { Err(sizes) }
    })
    .await;
    let ticked = |event: &mosquito::events::Event| {
        matches!(event, mosquito::events::Event::Ticked { .. }).then_some(())
    };
    working.next("ticked", ticked).await;

    let report = working.stop().await;
    assert!(report.performed >= 2 && report.failed == 4, "{report}");
}

/// Every move of a store, also those that a runner makes rarely.
async fn move_everything(store: &dyn Backend) {
    let (mail, dead_overseer) = (queue("mail"), OverseerId::new("dead").unwrap());
    let ticket = |number| Ticket { overseer: dead_overseer.clone(), number };
    let many: Vec<_> = (0..12_000).map(|n| run(&format!("run-{n}"))).collect();
    for runs in many.chunks(1_000) {
        store.enqueue(&mail, runs).await.unwrap();
    }

    let claimable = store.claimable(&[mail.clone(), queue("none")]).await.expect("it is cheap");
    assert_eq!(claimable.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [12_000, 0]);
    let claims = store.claim(&mail, &ticket(1), 4).await.unwrap().runs;
    assert_eq!(store.claim(&mail, &ticket(1), 4).await.unwrap().runs.len(), 4, "an answer was lost");
    let history = History { attempts: 1, ..History::default() };
    let fates = [Fate::HandBack, Fate::Banish { history: history.clone() }, {
        Fate::Reschedule { delay: Duration::from_millis(1), history }
    }];
    let settlements = claims.iter().zip(fates).map(|(claim, fate)| Settlement {
        id: claim.id.clone(),
        token: claim.token.clone(),
        fate,
    });
    store.settle(&mail, &settlements.collect::<Vec<_>>()).await.unwrap();
    store.beat(&dead_overseer, std::slice::from_ref(&mail)).await.unwrap();
    for list in List::ALL {
        store.page(&mail, list, 0, 10).await.unwrap();
    }
    // One in the middle of a long list, and one that is pending.
    assert!(store.find(&mail, &RunId::new("run-6000").unwrap()).await.unwrap().is_some());
    assert!(store.delete(&mail, &RunId::new("run-6000").unwrap()).await.unwrap());
    assert_eq!(store.find(&mail, &claims[3].id).await.unwrap().unwrap().list, List::Pending);
    // One deep inside a long list, and one that is pending.
    let ids = [RunId::new("run-9000").unwrap(), claims[3].id.clone()];
    assert_eq!(store.cancel(&mail, &ids).await.unwrap().len(), 2);
    assert_eq!(store.cancelled(&mail, &dead_overseer).await.unwrap(), ids[1..]);
    assert!(store.listen(&dead_overseer, Duration::from_secs(5)).await.unwrap());
    let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
    assert_eq!(store.rescue(&mail, &rescue).await.unwrap().cancelled, ids[1..]);
    mosquito_tests::soon("the run is due", || async {
        let moved = store.promote(&mail, 10).await.unwrap().moved;
        if moved == 1 { Ok(()) } else { Err(moved) }
    })
    .await;
    assert_eq!(store.prune(&mail, 0, Duration::ZERO, 10).await.unwrap(), 1);

    store.pause(&(&mail).into(), &Pause::new()).await.unwrap();
    store.pause(&(&mail).into(), &Pause::new().lasting(Duration::from_secs(60))).await.unwrap();
    assert!(store.paused(&(&mail).into()).await.unwrap().is_some());
    store.resume(&(&mail).into()).await.unwrap();
    store.pause(&Scope::Everything, &Pause::new()).await.unwrap();
    assert!(store.paused(&Scope::Everything).await.unwrap().is_some());
    store.resume(&Scope::Everything).await.unwrap();
    store.complete_pause(std::slice::from_ref(&mail)).await.unwrap();
    pause_a_job(store).await;
    store.flush(&mail).await.unwrap();
    store.enqueue(&mail, &[run("short")]).await.unwrap();
    assert!(store.delete(&mail, &RunId::new("short").unwrap()).await.unwrap());

    let job = JobName::new("nobody").unwrap();
    let at = store.last_tick(&mail, &job).await.unwrap().now;
    let tick = Tick { job, at, run: Some(run("tick")), overlap: Overlap::Skip };
    store.tick(&mail, &tick).await.unwrap();
    assert!(store.lead(&dead_overseer, Duration::from_secs(1)).await.is_ok());
    store.resign(&dead_overseer).await.unwrap();
    let notebook = Notebook::Job(JobName::new("nobody").unwrap());
    for change in [NoteChange::Set("1".into()), NoteChange::Add(1)] {
        store.change_note(&notebook, "key", &change).await.unwrap();
    }
    assert_eq!(store.note(&notebook, "key").await.unwrap().as_deref(), Some("2"));
    assert_eq!(store.notes(&notebook).await.unwrap().len(), 1);
    store.change_note(&notebook, "key", &NoteChange::Remove).await.unwrap();
    store.wait(Signal::Work, &[mail], Duration::from_millis(1)).await.unwrap();
    assert!(store.queues().await.unwrap().len() >= 3);
}

/// Its run is put aside and comes back.
async fn pause_a_job(store: &dyn Backend) {
    let letters = queue("letters");
    let scope = Scope::Job(letters.clone(), JobName::new("nobody").unwrap());
    store.pause(&scope, &Pause::new().lasting(Duration::from_secs(60))).await.unwrap();
    store.enqueue(&letters, &[run("letter")]).await.unwrap();
    let ticket = |number| Ticket { overseer: OverseerId::new("eve").unwrap(), number };
    assert!(store.claim(&letters, &ticket(1), 4).await.unwrap().runs.is_empty());
    assert!(store.paused(&scope).await.unwrap().is_some());
    store.resume(&scope).await.unwrap();
    assert_eq!(store.claim(&letters, &ticket(1), 4).await.unwrap().runs.len(), 1);
}

/// Runs with a flow: they wait in lanes, take slots and are held up.
async fn move_runs_with_a_flow(store: &dyn Backend) {
    let (flows, overseer) = (queue("flows"), OverseerId::new("ann").unwrap());
    let (name, key) = (LimitName::new("letters").unwrap(), FlowKey::all());
    let rule = RateLimit { limit: 2, per: Duration::from_secs(60), kind: RateKind::Sliding };
    let flow = Flow {
        unique: Some(Unique { key: key.clone(), until: Until::Start, on_conflict: OnConflict::Replace }),
        rate: Some(RateUse { name: name.clone(), key: key.clone(), weight: 1, rule }),
        concurrency: Some(ConcurrencyUse {
            name: name.clone(),
            key: key.clone(),
            rule: Concurrency { limit: 1 },
        }),
        ..Flow::default()
    };
    let flowing = |id: &str| run(id).flowing(flow.clone());
    assert!(store.enqueue(&flows, &[flowing("a")]).await.unwrap()[0].is_new());
    let claims =
        store.claim(&flows, &Ticket { overseer: overseer.clone(), number: 1 }, 4).await.unwrap().runs;
    assert_eq!(claims.len(), 1);
    assert!(store.enqueue(&flows, &[flowing("b")]).await.unwrap()[0].is_new());
    assert_eq!(store.holder(&flows, &key).await.unwrap(), Some(RunId::new("b").unwrap()));
    assert!(
        store.claim(&flows, &Ticket { overseer, number: 2 }, 4).await.unwrap().runs.is_empty(),
        "one at once"
    );
    assert_eq!(store.limit(&flows, &name, &key).await.unwrap().concurrency.unwrap().used, 1);
    let settlement =
        Settlement { id: claims[0].id.clone(), token: claims[0].token.clone(), fate: Fate::Forget };
    store.settle(&flows, &[settlement]).await.unwrap();
    store.promote(&flows, 10).await.unwrap();
    store.page(&flows, List::Waiting, 0, 10).await.unwrap();
    assert!(store.delete(&flows, &RunId::new("b").unwrap()).await.unwrap());
    store.flush(&flows).await.unwrap();
}

async fn use_a_key_of_somebody_else(server: &Guarded, mosquito: &Mosquito) -> Error {
    let _: i64 = server.command(&["SADD", "mosquito:{foreign}:waiting", "x"]);
    mosquito.enqueue(Note::new("no")).queue("foreign").await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_lacks_a_command_is_told_which_and_its_runner_ends() {
    let server = Guarded::start();
    let needs =
        |command: &str| format!("its user may not run a command that mosquito needs: give it `+{command}`");

    // One that is sent, one within a script that is sent by the runner's overseer, its pulse, its coordinator.
    for (lacks, told) in [
        ("blpop", "blpop"),
        ("rpop", "rpop"),
        ("sadd", "sadd"),
        ("evalsha", "evalsha"),
        ("smembers", "smembers"),
    ] {
        let mosquito = server.connect().await;
        let _ = mosquito.enqueue(Note::new("to be claimed")).await.unwrap();
        println!("without {lacks}");
        server.take_away(&format!("-{lacks}"));

        let error = work(&mosquito, |runner| runner.queues(["notes", "ticks"])).end().await.unwrap_err();

        assert!(!error.is_transient(), "{error:?}");
        assert!(error.to_string().ends_with(&needs(told)), "without {lacks}: {error:?}");
        server.take_away(&format!("+{lacks}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_lacks_the_keys_is_told_so_and_its_runner_ends() {
    let server = Guarded::start();
    let mosquito = Mosquito::builder().prefix("another").connect(&server.url()).await.unwrap();

    let refused = mosquito.enqueue(Note::new("no")).await.unwrap_err();
    let error = work(&mosquito, |runner| runner.queues(["notes", "ticks"])).end().await.unwrap_err();

    for error in [refused, error] {
        assert!(!error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("its user may not use keys that mosquito needs"), "{error:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_user_that_is_not_there_are_told_as_such() {
    let server = Guarded::start();

    let wrong = Mosquito::connect(&server.0.url().replace("://", "://mosquito:wrong@")).await.unwrap_err();
    let none = Mosquito::connect(&server.0.url()).await.unwrap_err();

    for error in [wrong, none] {
        assert!(!error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("the user or password in its URL is wrong"), "{error:?}");
    }
}
