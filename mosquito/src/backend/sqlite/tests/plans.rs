//! How SQLite finds what is asked for on the way of a run: never by going past others.

use super::Folder;
use crate::backend::sqlite::call::Kind;
use crate::backend::sqlite::{Sqlite, enqueue, flush, lanes, leases, moves, queue, rules};

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
    let tables = ["runs", "queues", "owners", "lanes", "slots", "rules", "rates", "unique_keys"];
    tables.iter().any(|table| step.split_whitespace().take(2).eq(["SCAN", *table]))
        || step.contains("TEMP B-TREE")
}

#[tokio::test]
async fn each_look_on_the_way_of_a_run_finds_its_place_in_an_index() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let looks: [(&str, &[&str]); 17] = [
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
        (lanes::SLOTS_USED, &["PRIMARY KEY (queue=? AND slot=?)"]),
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
