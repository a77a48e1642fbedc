//! Files that earlier releases made.

use std::path::Path;

use super::{Folder, mail, ticket};
use crate::backend::sqlite::Sqlite;
use crate::backend::{Backend, Cancelled, Fate, Lease, List, Rescue, Settled, Settlement};
use crate::job_run::{Envelope, History};
use crate::name::{OverseerId, RunId};

/// A run in each list, as a release that knew layout 1 has left them: the one that is pending is in the hands of `o`.
const RUNS: &str = r#"
    INSERT INTO queues (name, used, claims) VALUES ('mail', 1, 4);
    INSERT INTO owners (queue, overseer, beat, first_ticket, ticket) VALUES ('mail', 'o', 9000000000000, 1, 1);
    INSERT INTO runs (queue, id, list, overseer, ticket, rank, claimed_at, attempts, crashes, error, envelope) VALUES
        ('mail', 'waiting',   'waiting',   NULL, NULL, 7,             NULL, 0, 0, NULL, '{"enqueued_at":1,"v":1,"job":"send","args":{}}'),
        ('mail', 'pending',   'pending',   'o',  1,    4,             5,    1, 1, 'no', '{"enqueued_at":1,"v":1,"job":"send","args":{}}'),
        ('mail', 'scheduled', 'scheduled', NULL, NULL, 9000000000000, NULL, 2, 0, 'no', '{"enqueued_at":1,"v":1,"job":"send","args":{}}'),
        ('mail', 'dead',      'dead',      NULL, NULL, 1,             NULL, 9, 0, 'no', '{"enqueued_at":1,"v":1,"job":"send","args":{}}');
"#;

fn made_by_layout_1(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(include_str!("layout_1.sql")).unwrap();
    connection.execute_batch(RUNS).unwrap();
    connection.pragma_update(None, "application_id", 0x6d6f_7371).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
}

fn id(id: &str) -> RunId {
    RunId::new(id).unwrap()
}

#[tokio::test]
async fn a_file_of_layout_1_is_brought_up_to_date_and_nothing_in_it_is_lost() {
    let folder = Folder::new();
    made_by_layout_1(&folder.file());

    let sqlite = Sqlite::open(folder.file()).await.unwrap();

    for (list, attempts) in [(List::Waiting, 0), (List::Pending, 1), (List::Scheduled, 2), (List::Dead, 9)] {
        let runs = sqlite.page(&mail(), list, 0, 9).await.unwrap();
        assert_eq!((runs.len(), runs[0].id.as_str()), (1, &*list.to_string()));
        assert_eq!((runs[0].history.attempts, runs[0].history.log.len()), (attempts, 0), "{list}");
        assert_eq!(Envelope::read(&runs[0].envelope).unwrap().job.as_str(), "send");
    }
    let again = sqlite.claim(&mail(), &ticket(1), 1).await.unwrap();
    assert_eq!((again.lease, again.runs[0].id.as_str()), (Lease::New, "pending"), "its claim stands");
    let answers = sqlite.cancel(&mail(), &[id("waiting"), id("pending")]).await.unwrap();
    let overseer = OverseerId::new("o").unwrap();
    assert_eq!(answers, [Cancelled::Removed, Cancelled::Running(overseer)]);
    let fate = Fate::Reschedule { delay: std::time::Duration::ZERO, history: History::default() };
    let claim = &again.runs[0];
    let settled = sqlite
        .settle(&mail(), &[Settlement { id: claim.id.clone(), token: claim.token.clone(), fate }])
        .await
        .unwrap();
    assert_eq!(settled, [Settled::Done]);
    assert_eq!(sqlite.find(&mail(), &claim.id).await.unwrap(), None, "and what is new works");
}

#[tokio::test]
async fn many_may_bring_a_file_up_to_date_at_once() {
    let folder = Folder::new();
    made_by_layout_1(&folder.file());

    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(Sqlite::open(folder.file()))).collect();

    for opened in opening {
        let sqlite = opened.await.unwrap().unwrap();
        assert_eq!(sqlite.sizes(&mail()).await.unwrap().total(), 4);
        let rescue = Rescue {
            dead_after: std::time::Duration::from_secs(60),
            max_crashes: 3,
            at_most: 9,
            not_after: None,
        };
        assert!(sqlite.rescue(&mail(), &rescue).await.is_ok());
    }
}
