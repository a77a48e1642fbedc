//! How SQLite finds what is asked for on the way of a run: never by going past others.

use rusqlite::StatementStatus;

use super::{Folder, mail, run, runs, ticket};
use crate::backend::Backend;
use crate::backend::sqlite::call::Kind;
use crate::backend::sqlite::{Sqlite, enqueue, flush, lanes, leases, moves, pauses, queue, rules, seen};
use crate::flow::{Flow, Priority};
use crate::job_run::When;
use crate::name::QueueName;

const PLACE: &str = "runs_by_place (queue=? AND list=? AND lane=? AND overseer=? AND ticket=?)";
const STANDING: &str = "lanes_by_standing (queue=? AND level=? AND blocked_until=? AND parked_at=?)";

/// The steps by which a statement is performed.
async fn plan(sqlite: &Sqlite, sql: &'static str) -> Vec<String> {
    let explain = sqlite.thread.call(Kind::Look, move |connection, _| {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let mut steps = plan.raw_query();
        let mut told = Vec::new();
        while let Some(step) = steps.next()? {
            told.push(step.get::<_, String>("detail")?);
        }
        Ok(told)
    });
    explain.await.unwrap()
}

/// A step that takes longer the more there is.
fn goes_past_others(step: &str) -> bool {
    let tables =
        ["runs", "queues", "owners", "lanes", "slots", "rules", "rates", "unique_keys", "paused_jobs"];
    tables.iter().any(|table| step.split_whitespace().take(2).eq(["SCAN", *table]))
        || step.contains("TEMP B-TREE")
}

#[tokio::test]
async fn each_look_on_the_way_of_a_run_finds_its_place_in_an_index() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let looks: [(&str, &[&str]); 20] = [
        (moves::FRONT, &[PLACE]),
        (lanes::HEAD, &[PLACE]),
        (enqueue::FIRST_RANK, &[PLACE]),
        (enqueue::LAST_RANK, &[PLACE]),
        (
            moves::DUE,
            &["runs_by_place (queue=? AND list=? AND lane=? AND overseer=? AND ticket=? AND rank<?)"],
        ),
        (leases::PENDING_OF, &["runs_by_place (queue=? AND list=? AND lane=? AND overseer=?)"]),
        (leases::OLDER, &["runs_by_place (queue=? AND list=? AND lane=? AND overseer=? AND ticket<?)"]),
        (queue::PAGE, &["runs_by_place (queue=? AND list=?)"]),
        (
            queue::READY,
            &["runs_by_place (queue=? AND list=? AND lane=?)", "lanes_by_standing (queue=? AND level>?)"],
        ),
        (queue::FIRST_DUE, &[PLACE, "lanes_by_standing (queue=? AND level=? AND blocked_until>?)"]),
        (
            lanes::LEVELS,
            &["runs_by_place (queue=? AND list=? AND lane=?)", "lanes_by_standing (queue=? AND level=?)"],
        ),
        (lanes::FIRST_LANE, &[STANDING]),
        (lanes::DUE_LANES, &["lanes_by_standing (queue=? AND level=? AND blocked_until<?)"]),
        (lanes::PARKED, &[STANDING]),
        (
            lanes::ANYTHING_PARKED,
            &["lanes_by_standing (queue=? AND level=? AND blocked_until=? AND parked_at>?)"],
        ),
        (seen::SLOTS_USED, &["PRIMARY KEY (queue=? AND slot=?)"]),
        (lanes::JOB_PAUSES, &["paused_jobs USING PRIMARY KEY (queue=?)"]),
        (pauses::PAUSED_JOBS, &["paused_jobs USING PRIMARY KEY (queue=?)"]),
        (rules::FORGET_RATES, &["rates_by_fading (queue=? AND fades<?)"]),
        (rules::FORGET_KEYS, &["unique_keys_by_end (queue=? AND until<?)"]),
    ];

    for (sql, ways) in looks {
        let plan = plan(&sqlite, sql).await;
        assert!(!plan.iter().any(|step| goes_past_others(step)), "{sql}\n{plan:#?}");
        for way in ways {
            assert!(plan.iter().any(|step| step.contains(way)), "{way} for {sql}\n{plan:#?}");
        }
    }
    for sql in flush::statements() {
        let plan = plan(&sqlite, sql).await;
        assert!(!plan.iter().any(|step| goes_past_others(step)), "{sql}\n{plan:#?}");
    }
}

#[tokio::test]
async fn a_plan_is_made_once_whatever_is_asked_for() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let urgent = Flow { priority: Priority::FIRST, ..Flow::default() };
    for number in 1..5 {
        let queue = if number % 2 == 0 { mail() } else { QueueName::new("other").unwrap() };
        assert!(sqlite.enqueue(&queue, &runs(4)).await.is_ok());
        assert!(sqlite.claim(&queue, &ticket(number), 2).await.is_ok());
        if number > 2 {
            assert!(sqlite.enqueue(&queue, &[run(When::Now).flowing(urgent.clone())]).await.is_ok());
            assert!(sqlite.claim(&queue, &ticket(number + 9), 2).await.is_ok());
        }
        assert!(sqlite.promote(&queue, 3).await.is_ok());
    }

    let statements = [moves::FRONT, moves::DUE, queue::READY, queue::FIRST_DUE, lanes::LEVELS, lanes::HEAD];
    let again = sqlite.thread.call(Kind::Look, move |connection, _| {
        let times = |sql| Ok(connection.prepare_cached(sql)?.get_status(StatementStatus::RePrepare));
        statements.into_iter().map(times).collect::<rusqlite::Result<Vec<_>>>()
    });
    assert_eq!(again.await.unwrap(), [0; 6]);
}
