//! TLS, with certificates that each test makes.

use std::fs::write;
use std::time::{Duration, Instant};

use mosquito::{Error, Mosquito, Tls};
use mosquito_tests::RedisServer;

use crate::certificates::{Authority, Identity, TlsServer, together};
use crate::working::{Note, work};

/// Longer than any deadline of a connection, on a busy machine too.
const BOUND: Duration = Duration::from_secs(15);

async fn connect(url: &str, tls: Tls) -> Result<Mosquito, Error> {
    let begin = Instant::now();
    let connected = Mosquito::builder().tls(tls).connect(url).await;
    assert!(begin.elapsed() < BOUND, "it took {:?}", begin.elapsed());
    connected
}

async fn refusal(url: &str, tls: Tls) -> String {
    let error = connect(url, tls).await.expect_err("it does not let us in");
    assert!(!error.is_transient(), "no patience helps: {error:?}");
    error.to_string()
}

fn shows(identity: &Identity) -> Tls {
    Tls::new().client_certificate(&identity.certificate, &identity.key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_works_over_tls_and_shows_its_certificate() {
    let authority = Authority::new();
    let server = TlsServer::that_asks_for_a_certificate(&authority);
    let tls = shows(&authority.certify("a-client")).ca_file(authority.file());
    let mosquito = connect(&server.url(), tls).await.unwrap();
    let mut working = work(&mosquito, |runner| {
        let seconds = Duration::from_secs;
        runner.heartbeat(seconds(1)).dead_after(seconds(3))
    });
    working.started().await;

    // Idle when they come: so they are found by a wait, and the last one outlives its lease without a pulse.
    let _ = mosquito.enqueue(Note::new("first")).await.unwrap();
    working.finished(1).await;
    let _ = mosquito.enqueue(Note::new("later")).delay(Duration::from_millis(300)).await.unwrap();
    let _ = mosquito.enqueue(Note::failing_once("twice")).await.unwrap();
    let _ = mosquito.enqueue(Note::that_takes(Duration::from_secs(5))).await.unwrap();
    working.finished(4).await;

    let report = working.stop().await;
    assert_eq!((report.performed, report.failed), (4, 1), "{report}");
    let clients: String = server.plain.command(&["CLIENT", "LIST"]);
    let without_tls = format!(" laddr=127.0.0.1:{} ", server.plain.port());
    let came = clients.lines().filter(|client| client.contains(&without_tls)).count();
    assert_eq!(came, 1, "nobody came without TLS but this look:\n{clients}");
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_is_named_as_the_reason() {
    let authority = Authority::new();
    let server = TlsServer::start(&authority);
    let expected = format!(
        "Redis at {} refused: its certificate is of an authority that is not trusted; name that one by `Tls::ca_file`",
        server.url().trim_start_matches("rediss://").trim_end_matches('/')
    );

    let by_default = Mosquito::connect(&server.url()).await.unwrap_err();
    let by_a_new_one_of_that_name = refusal(&server.url(), Tls::new().ca_file(Authority::new().file())).await;

    assert_eq!(by_default.to_string(), expected);
    assert!(!by_default.is_transient());
    assert_eq!(by_a_new_one_of_that_name, expected);
}

#[tokio::test]
async fn one_of_several_authorities_is_enough() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = TlsServer::start(&authority);
    let both = together(&[&other.file(), &authority.file()], authority.path("both.pem"));

    let mosquito = connect(&server.url(), Tls::new().ca_file(both)).await.unwrap();

    assert!(mosquito.enqueue(Note::new("hello")).await.unwrap().is_new());
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_taken() {
    let authority = Authority::new();
    let server = TlsServer::start(&authority);

    let refused = refusal(&server.url_as("rediss", "localhost"), Tls::new().ca_file(authority.file())).await;

    assert!(
        refused.ends_with("refused: its certificate is for another host than the URL names"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_not_taken() {
    let authority = Authority::new();
    let past = authority.certify_for_the_past("127.0.0.1");
    let server = TlsServer::start_with(&authority, &past, "no");

    let refused = refusal(&server.url(), Tls::new().ca_file(authority.file())).await;

    assert!(refused.ends_with("refused: its certificate has expired"), "{refused}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_one_of_its_authority_or_says_so() {
    let authority = Authority::new();
    let server = TlsServer::that_asks_for_a_certificate(&authority);
    let trusting = Tls::new().ca_file(authority.file());
    let strangers = Authority::new();

    let without = refusal(&server.url(), trusting.clone()).await;
    let as_a_stranger = shows(&strangers.certify("a-client")).ca_file(authority.file());
    let as_a_stranger = refusal(&server.url(), as_a_stranger).await;

    assert!(
        without.ends_with("it asks for a client certificate; give one by `Tls::client_certificate`"),
        "{without}"
    );
    assert!(as_a_stranger.contains("it does not take the client certificate"), "{as_a_stranger}");
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_one_with() {
    let (authority, plain) = (Authority::new(), RedisServer::start());
    let server = TlsServer::start(&authority);
    let begin = Instant::now();

    let plain_to_tls = Mosquito::connect(&server.url_as("redis", "127.0.0.1")).await.unwrap_err();
    let tls_to_plain = Mosquito::connect(&plain.url().replace("redis:", "rediss:")).await.unwrap_err();

    assert!(format!("{plain_to_tls:?}").contains("if it speaks TLS at that port"), "{plain_to_tls:?}");
    assert!(format!("{tls_to_plain:?}").contains("if it speaks none at that port"), "{tls_to_plain:?}");
    assert!(
        plain_to_tls.is_transient() && tls_to_plain.is_transient(),
        "a server that starts looks the same"
    );
    assert!(begin.elapsed() < BOUND, "it took {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    let authority = Authority::new();
    let (one, other) = (authority.certify("one"), authority.certify("other"));
    let (empty, rubbish) = (authority.path("empty.pem"), authority.path("rubbish.pem"));
    write(&empty, "").unwrap();
    write(&rubbish, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let file = |path: &std::path::Path, why: &str| format!("cannot use the file `{}`: {why}", path.display());
    // Nobody is asked.
    let nowhere = "rediss://127.0.0.1:1/";

    let missing = refusal(nowhere, Tls::new().ca_file("nowhere/ca.pem")).await;
    let no_certificate = refusal(nowhere, Tls::new().ca_file(&empty)).await;
    let a_key = refusal(nowhere, Tls::new().ca_file(&one.key)).await;
    let no_authority = refusal(nowhere, Tls::new().ca_file(&rubbish)).await;
    let no_key = refusal(nowhere, Tls::new().client_certificate(&one.certificate, &one.certificate)).await;
    let wrong_key = refusal(nowhere, Tls::new().client_certificate(&one.certificate, &other.key)).await;
    let no_client = refusal(nowhere, Tls::new().client_certificate("nowhere/client.pem", &other.key)).await;

    assert_eq!(missing, "cannot use the file `nowhere/ca.pem`: it cannot be read");
    assert_eq!(no_certificate, file(&empty, "it holds no certificate in PEM"));
    assert_eq!(a_key, file(&one.key, "it holds no certificate in PEM"));
    assert_eq!(no_authority, file(&rubbish, "a certificate in it cannot be that of an authority"));
    let unread = "it holds no private key that can be read; it has to be in PEM, and unencrypted";
    assert_eq!(no_key, file(&one.certificate, unread));
    let mismatch = format!("it is not the key of the certificate in `{}`", one.certificate.display());
    assert_eq!(wrong_key, file(&other.key, &mismatch));
    assert_eq!(no_client, "cannot use the file `nowhere/client.pem`: it cannot be read");
}

#[tokio::test]
async fn tls_settings_are_refused_where_they_would_do_nothing() {
    let refused = |url: &'static str| async move {
        Mosquito::builder().tls(Tls::new()).connect(url).await.unwrap_err().to_string()
    };

    assert_eq!(
        refused("redis://user:secret@127.0.0.1:1/").await,
        "cannot use `redis://user:***@127.0.0.1:1/` as a backend: TLS settings are for rediss://, and would do nothing here"
    );
    for url in ["memory://", "sqlite://jobs.db"] {
        let why = refused(url).await;
        assert!(why.ends_with("TLS settings are for rediss://; this store has no connections"), "{why}");
    }
}
