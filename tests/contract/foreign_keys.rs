//! Keys of a queue that somebody else wrote: whatever a move meets, it moves all or nothing. Redis does not roll back.

use std::time::Duration;

use mosquito::QueueName;
use mosquito::backend::redis::Redis;
use mosquito::backend::{Backend, Claim, Fate, Overlap};

use crate::making::{
    HOUR, Overseer, banish, queue, reschedule, rescue_after, run, run_id, run_in, settlement, tick,
};
use crate::store::REDIS;

const KEYS: [&str; 13] = [
    "waiting",
    "pending",
    "scheduled",
    "dead",
    "runs",
    "history",
    "cancelled",
    "owners",
    "tickets",
    "schedules",
    "paused",
    "wake",
    "due",
];

/// What stands under a key, in one order.
const CONTENT: &str = "
    local kind, items = redis.call('TYPE', KEYS[1]).ok, {}
    if kind == 'string' then items = { redis.call('GET', KEYS[1]) } end
    if kind == 'list' then items = redis.call('LRANGE', KEYS[1], 0, -1) end
    if kind == 'zset' then items = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') end
    if kind == 'hash' then
      for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
        items[#items + 1] = field .. ' = ' .. redis.call('HGET', KEYS[1], field)
      end
      table.sort(items)
    end
    return kind .. ': ' .. table.concat(items, ', ')";

/// The moves that there are.
const MOVES: usize = 18;

#[tokio::test]
async fn a_move_that_meets_a_key_of_a_wrong_type_changes_nothing() {
    let (redis, ann) =
        (Redis::connect(&REDIS.url(), "wrong-type").await.expect("it answers"), Overseer::named("ann"));
    let (mut refused, mut torn) = (0, Vec::new());
    for (number, wrong) in KEYS.iter().enumerate() {
        for step in 0..MOVES {
            let mail = queue(&format!("mail-{number}-{step}"));
            let claims = prepare(&redis, &mail, &ann).await;
            let key = |name: &str| format!("wrong-type:{{{mail}}}:{name}");
            REDIS.command::<()>(&["DEL", &key(wrong)]);
            let write =
                if *wrong == "paused" { ["RPUSH", &key(wrong), "x"] } else { ["SET", &key(wrong), "x"] };
            REDIS.command::<()>(&write);
            let content = || KEYS.map(|name| REDIS.command::<String>(&["EVAL", CONTENT, "1", &key(name)]));
            let before = content();

            if move_it(&redis, &mail, &ann, claims, step).await.is_err() {
                refused += 1;
                let after = content();
                let changed: Vec<_> =
                    (0..KEYS.len()).filter(|at| after[*at] != before[*at]).map(|at| KEYS[at]).collect();
                if !changed.is_empty() {
                    torn.push((step, *wrong, changed));
                }
            }
        }
    }
    assert!(torn.is_empty(), "move, wrong key, what had changed: {torn:#?}");
    assert!(refused > 50, "only {refused} moves were refused: the fact shows nothing");
}

/// Runs in every list, one of them due, and a periodic job.
async fn prepare(redis: &Redis, mail: &QueueName, ann: &Overseer) -> Vec<Claim> {
    let runs = ["a", "b", "c", "d"].map(run);
    let _put = redis.enqueue(mail, &runs).await.expect("it is enqueued");
    let claims = redis.claim(mail, &ann.ticket(), 3).await.expect("it is answered").runs;
    let batch = [settlement(&claims[0], reschedule(Duration::ZERO)), settlement(&claims[1], banish())];
    redis.settle(mail, &batch).await.expect("it is answered");
    let _put = redis.enqueue(mail, &[run_in("e", HOUR)]).await.expect("it is enqueued");
    // The one that is still pending is marked.
    let _marked = redis.cancel(mail, &[claims[2].id.clone()]).await.expect("it is answered");
    claims
}

async fn move_it(
    redis: &Redis,
    mail: &QueueName,
    ann: &Overseer,
    claims: Vec<Claim>,
    step: usize,
) -> mosquito::Result<()> {
    let settle = |fate| [settlement(&claims[2], fate)];
    let at = mosquito::Timestamp::UNIX_EPOCH;
    match step {
        0 => drop(redis.enqueue(mail, &[run("x"), run_in("y", HOUR)]).await?),
        1 => drop(redis.claim(mail, &ann.ticket(), 5).await?),
        2 => drop(redis.settle(mail, &settle(Fate::Forget)).await?),
        3 => drop(redis.settle(mail, &settle(Fate::HandBack)).await?),
        4 => drop(redis.settle(mail, &settle(banish())).await?),
        5 => drop(redis.settle(mail, &settle(reschedule(HOUR))).await?),
        6 => drop(redis.promote(mail, 5).await?),
        7 => drop(redis.tick(mail, &tick(at, Overlap::Allow)).await?),
        8 => drop(redis.rescue(mail, &rescue_after(Duration::ZERO)).await?),
        9 => drop(redis.recall(mail, &ann.numbered_ticket(u64::MAX)).await?),
        10 => drop(redis.delete(mail, &claims[1].id).await?),
        11 => redis.flush(mail).await?,
        12 => drop(redis.prune(mail, 0, Duration::ZERO, 5).await?),
        13 => drop(redis.delete(mail, &claims[0].id).await?),
        14 => drop(redis.cancel(mail, &[claims[2].id.clone()]).await?),
        15 => drop(redis.cancel(mail, &[run_id("d"), run_id("e")]).await?),
        16 => drop(redis.cancelled(mail, &ann.id).await?),
        _ => redis.resume(mail).await?,
    }
    Ok(())
}
