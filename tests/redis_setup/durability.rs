//! What an enqueue is told of its safety: by replicas, by the log, and by servers that cannot tell.

use std::time::{Duration, Instant};

use mosquito::backend::List;
use mosquito::{Durability, Error, Mosquito, RunId};
use mosquito_tests::{Proxy, RedisServer, Which, eventually};

use crate::working::{Note, work};

/// Long enough for a replica on a busy machine.
const PATIENT: Durability = Durability::Replicas(1, Duration::from_secs(30));
const IMPATIENT: Durability = Durability::Replicas(1, Duration::from_millis(200));

/// A replica that has caught up.
async fn replica_of(master: &RedisServer) -> RedisServer {
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    eventually("the replica has caught up", Duration::from_secs(60), || async {
        let told: String = master.command(&["INFO", "replication"]);
        if told.contains("state=online") { Ok(()) } else { Err(told) }
    })
    .await;
    replica
}

fn shortfall(error: Error) -> String {
    match error {
        Error::LessDurable { shortfall, .. } => shortfall,
        other => panic!("it is no shortfall: {other:?}"),
    }
}

#[tokio::test]
async fn a_run_that_a_replica_has_is_confirmed_and_the_replica_has_it() {
    let master = RedisServer::start();
    let replica = replica_of(&master).await;
    let mosquito = Mosquito::connect(&master.url()).await.unwrap();

    let now = mosquito.enqueue(Note::new("now")).durability(PATIENT).await.unwrap();
    let later = mosquito
        .enqueue(Note::new("later"))
        .delay(Duration::from_secs(600))
        .durability(PATIENT)
        .await
        .unwrap();
    let many = mosquito.enqueue_all((0..2_500).map(|_| Note::new("many"))).durability(PATIENT).await.unwrap();

    assert!(now.met.is_met() && later.met.is_met() && many.met.is_met(), "{now:?} {later:?} {:?}", many.met);
    assert!(now.confirmed().unwrap().is_new() && later.confirmed().unwrap().is_new());
    assert_eq!(many.confirmed().unwrap().len(), 2_500);
    let waiting: usize = replica.command(&["LLEN", "mosquito:{notes}:waiting"]);
    let scheduled: usize = replica.command(&["ZCARD", "mosquito:{notes}:scheduled"]);
    assert_eq!((waiting, scheduled), (2_501, 1));
}

#[tokio::test]
async fn a_replica_that_hangs_is_waited_for_as_long_as_was_said_and_the_run_is_enqueued() {
    let master = RedisServer::start();
    let replica = replica_of(&master).await;
    let mosquito = Mosquito::connect(&master.url()).await.unwrap();
    let id = || RunId::new("once").unwrap();

    replica.freeze();
    let begin = Instant::now();
    let durable = mosquito.enqueue(Note::new("alone")).id(id()).durability(IMPATIENT).await.unwrap();
    let again = mosquito.enqueue(Note::new("alone")).id(id()).durability(IMPATIENT).await.unwrap();
    let at_once = Durability::Replicas(1, Duration::ZERO);
    let asked = mosquito.enqueue(Note::new("alone")).id(id()).durability(at_once).await.unwrap();
    let took = begin.elapsed();
    replica.thaw();
    let thawed = mosquito.enqueue(Note::new("alone")).id(id()).durability(PATIENT).await.unwrap();

    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "it took {took:?}");
    assert!(durable.enqueued.is_new());
    assert_eq!(durable.met.shortfall(), Some("0 of 1 replicas had it by then"));
    assert!(!again.enqueued.is_new(), "it was enqueued all the same");
    assert!(!again.met.is_met(), "a duplicate is no safer than the run that was there");
    assert!(!asked.met.is_met(), "no time is no wait for ever");
    assert!(thawed.met.is_met() && !thawed.enqueued.is_new(), "asked again, it is confirmed: {thawed:?}");
    assert_eq!(mosquito.queue("notes").unwrap().sizes().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn without_replicas_what_was_asked_of_them_is_not_met_and_says_so() {
    let master = RedisServer::start();
    let mosquito = Mosquito::connect(&master.url()).await.unwrap();

    let error =
        mosquito.enqueue(Note::new("alone")).durability(IMPATIENT).await.unwrap().confirmed().unwrap_err();
    let many =
        mosquito.enqueue_all((0..2_500).map(|_| Note::new("many"))).durability(IMPATIENT).await.unwrap();
    let none = Durability::Replicas(0, Duration::ZERO);
    let of_none = mosquito.enqueue(Note::new("alone")).durability(none).await.unwrap();

    assert_eq!(
        error.to_string(),
        "it is enqueued, but not known to be on 1 replica within 200ms: 0 of 1 replicas had it by then"
    );
    assert!(!error.is_transient());
    assert_eq!(many.enqueued.len(), 2_500, "all are enqueued");
    assert_eq!(many.met.shortfall(), Some("0 of 1 replicas had it by then"));
    assert!(of_none.met.is_met());
    assert_eq!(mosquito.queue("notes").unwrap().sizes().await.unwrap().waiting, 2_502);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_wait_holds_up_nobody_else() {
    let master = RedisServer::start();
    let mosquito = Mosquito::connect(&master.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner);
    let hour = Durability::Replicas(1, Duration::from_secs(3_600));
    let waiting = tokio::spawn(mosquito.enqueue(Note::new("waited for")).durability(hour).into_future());
    working.finished(1).await;

    let _ = mosquito.enqueue(Note::new("not waited for")).await.unwrap();
    working.finished(1).await;

    assert!(!waiting.is_finished(), "nobody has it yet but the master");
    waiting.abort();
    assert_eq!(working.stop().await.performed, 2);
}

#[tokio::test]
async fn a_server_without_waitaof_has_it_synced_only_if_each_write_is() {
    let asked_of = |arguments: &'static [&'static str]| async move {
        let server = RedisServer::start_with(arguments);
        let mosquito = Mosquito::connect(&server.url()).await.unwrap();
        let durable = mosquito.enqueue(Note::new("kept")).durability(Durability::Fsync).await.unwrap();
        assert!(durable.enqueued.is_new());
        let version: String = server.command(&["INFO", "server"]);
        (durable.confirmed(), version.contains("redis_version:7.0.") || version.contains("redis_version:6."))
    };

    let (always, _) = asked_of(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let (each_second, is_old) = asked_of(&["--appendonly", "yes", "--appendfsync", "everysec"]).await;
    let (never, _) = asked_of(&[]).await;

    assert!(always.unwrap().is_new());
    if is_old {
        let why = shortfall(each_second.unwrap_err());
        assert_eq!(why, "it has no WAITAOF, and its `appendfsync` is `everysec`, not `always`");
    } else {
        assert!(each_second.unwrap().is_new(), "it is waited for");
    }
    assert!(!shortfall(never.unwrap_err()).is_empty());
}

#[tokio::test]
async fn the_answer_of_waitaof_is_taken_at_its_word() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    let mosquito = Mosquito::connect(&proxy.url()).await.unwrap();
    let ask = |answer: &'static str| {
        proxy.answer(Which::Named("WAITAOF"), answer, 1);
        mosquito.enqueue(Note::new("kept")).durability(Durability::Fsync).into_future()
    };

    let synced = ask("*2\r\n:1\r\n:0").await.unwrap();
    let late = ask("*2\r\n:0\r\n:2").await.unwrap();
    let off =
        ask("-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.").await.unwrap();

    assert!(synced.met.is_met(), "{synced:?}");
    assert_eq!(late.met.shortfall(), Some("its log was not synced by then"));
    assert!(off.met.shortfall().unwrap().contains("appendonly is disabled"), "{off:?}");
}

#[tokio::test]
async fn a_user_that_may_not_wait_has_its_run_enqueued_and_is_told_what_it_lacks() {
    let server = RedisServer::start();
    let () =
        server.command(&["ACL", "SETUSER", "app", "on", ">app", "~mosquito:*", "+@all", "-wait", "-config"]);
    let mosquito = Mosquito::connect(&server.url().replace("://", "://app:app@")).await.unwrap();

    let replicas = mosquito.enqueue(Note::new("one")).durability(IMPATIENT).await.unwrap();
    let synced = mosquito.enqueue(Note::new("two")).durability(Durability::Fsync).await.unwrap();

    assert!(replicas.met.shortfall().unwrap().ends_with("give it `+wait`"), "{replicas:?}");
    assert!(!synced.met.is_met(), "{synced:?}");
    assert_eq!(mosquito.queue("notes").unwrap().sizes().await.unwrap().waiting, 2);
}

#[tokio::test]
async fn a_server_that_forgot_its_scripts_is_told_them_again() {
    let master = RedisServer::start();
    let replica = replica_of(&master).await;
    let mosquito = Mosquito::connect(&master.url()).await.unwrap();
    let _ = mosquito.enqueue(Note::new("before")).durability(PATIENT).await.unwrap();

    let () = master.command(&["SCRIPT", "FLUSH"]);
    let durable = mosquito.enqueue(Note::new("after")).durability(PATIENT).await.unwrap();

    assert!(durable.met.is_met() && durable.enqueued.is_new(), "{durable:?}");
    assert_eq!(mosquito.queue("notes").unwrap().page(List::Waiting, 0, 10).await.unwrap().len(), 2);
    drop(replica);
}

#[tokio::test]
async fn a_key_of_somebody_else_is_named() {
    let master = RedisServer::start();
    let mosquito = Mosquito::connect(&master.url()).await.unwrap();
    let _: i64 = master.command(&["SADD", "mosquito:{notes}:waiting", "somebody else's"]);

    let error = mosquito.enqueue(Note::new("no")).durability(PATIENT).await.unwrap_err();

    assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
}
