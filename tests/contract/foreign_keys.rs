//! Keys of a queue that somebody else wrote: whatever a move meets, it moves all or nothing. Redis does not roll back.

use std::time::Duration;

use mosquito::backend::redis::Redis;
use mosquito::backend::{Backend, Claim, Fate, Overlap, Pause, Scope};
use mosquito::{
    Concurrency, ConcurrencyUse, Flow, FlowKey, LimitName, OnConflict, Priority, QueueName, RateKind,
    RateLimit, RateUse, Unique, Until,
};

use crate::making::{
    HOUR, Overseer, banish, job, queue, reschedule, rescue_after, run, run_id, run_in, settlement, tick,
};
use crate::store::REDIS;

const KEYS: [&str; 27] = [
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
    "held",
    "wake",
    "due",
    "lanes",
    "ready",
    "standing",
    "blocked",
    "parked",
    "slots",
    "rules",
    "rates",
    "unique",
    "flows",
    "turns",
    "fading",
    "jobs",
];

/// What stands under each key, in one order.
const CONTENT: &str = "
    local all = {}
    for i, key in ipairs(KEYS) do
      local kind, items = redis.call('TYPE', key).ok, {}
      if kind == 'string' then items = { redis.call('GET', key) } end
      if kind == 'list' then items = redis.call('LRANGE', key, 0, -1) end
      if kind == 'zset' then items = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
      if kind == 'hash' then
        for _, field in ipairs(redis.call('HKEYS', key)) do
          items[#items + 1] = field .. ' = ' .. redis.call('HGET', key, field)
        end
        table.sort(items)
      end
      all[i] = kind .. ': ' .. table.concat(items, ', ')
    end
    return all";

/// The moves that there are.
const MOVES: usize = 25;

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
            let is_text = matches!(*wrong, "paused" | "held");
            let write = if is_text { ["RPUSH", &key(wrong), "x"] } else { ["SET", &key(wrong), "x"] };
            REDIS.command::<()>(&write);
            let (keys, count) = (KEYS.map(key), KEYS.len().to_string());
            let words: Vec<_> =
                ["EVAL", CONTENT, &count].into_iter().chain(keys.iter().map(String::as_str)).collect();
            let content = || REDIS.command::<Vec<String>>(&words);
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

/// A flow that has something under every key that there is for flows.
fn flow() -> Flow {
    let (name, key) = (LimitName::new("letters").expect("it is a name"), FlowKey::all());
    let rule = RateLimit { limit: 2, per: HOUR, kind: RateKind::Sliding };
    Flow {
        priority: Priority::FIRST,
        rate: Some(RateUse { name: name.clone(), key: key.clone(), weight: 1, rule }),
        concurrency: Some(ConcurrencyUse { name, key, rule: Concurrency { limit: 1 } }),
        ..Flow::default()
    }
}

/// A level of its own, and nothing else.
fn low() -> Flow {
    Flow { priority: Priority::LAST, ..Flow::default() }
}

fn unique(key: &FlowKey) -> Flow {
    let unique = Unique { key: key.clone(), until: Until::For(HOUR), on_conflict: OnConflict::Replace };
    Flow { unique: Some(unique), ..Flow::default() }
}

fn scope_of_a_job(mail: &QueueName) -> Scope {
    Scope::Job(mail.clone(), job("greet"))
}

/// Runs in every list, one of them due, and a periodic job; and runs with a flow, of which one has a slot and others wait for it.
async fn prepare(redis: &Redis, mail: &QueueName, ann: &Overseer) -> Vec<Claim> {
    let runs = ["a", "b", "c", "d"].map(run);
    let _put = redis.enqueue(mail, &runs).await.expect("it is enqueued");
    let claims = redis.claim(mail, &ann.ticket(), 3).await.expect("it is answered").runs;
    let batch = [settlement(&claims[0], reschedule(Duration::ZERO)), settlement(&claims[1], banish())];
    redis.settle(mail, &batch).await.expect("it is answered");
    let _put = redis.enqueue(mail, &[run_in("e", HOUR)]).await.expect("it is enqueued");
    // The one that is still pending is marked.
    let _marked = redis.cancel(mail, &[claims[2].id.clone()]).await.expect("it is answered");
    let flowing = ["f1", "f2", "f3"].map(|id| run(id).flowing(flow()));
    let _put = redis.enqueue(mail, &flowing).await.expect("it is enqueued");
    let slot = redis.claim(mail, &ann.ticket(), 1).await.expect("it is answered").runs;
    redis.pause(&scope_of_a_job(mail), &Pause::new()).await.expect("it is paused");
    let later = run_in("u", HOUR).flowing(unique(&FlowKey::all()));
    let _put = redis.enqueue(mail, &[later, run("l").flowing(low())]).await.expect("it is enqueued");
    claims.into_iter().chain(slot).collect()
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
        14 => drop(redis.settle(mail, &[settlement(&claims[3], Fate::HandBack)]).await?),
        15 => drop(redis.delete(mail, &claims[3].id).await?),
        16 => {
            let runs = [flow(), low(), unique(&FlowKey::all())].map(|flow| run("x").flowing(flow));
            drop(redis.enqueue(mail, &runs).await?);
        }
        17 => {
            let mut tick = tick(at, Overlap::Allow);
            tick.run = tick.run.map(|run| run.flowing(unique(&FlowKey::all())));
            drop(redis.tick(mail, &tick).await?);
        }
        18 => redis.resume(&mail.into()).await?,
        19 => drop(redis.cancel(mail, &[claims[2].id.clone()]).await?),
        20 => drop(redis.cancel(mail, &[run_id("d"), run_id("e"), run_id("u"), run_id("l")]).await?),
        21 => drop(redis.cancelled(mail, &ann.id).await?),
        22 => redis.pause(&scope_of_a_job(mail), &Pause::new().lasting(HOUR)).await?,
        23 => redis.resume(&scope_of_a_job(mail)).await?,
        _ => redis.pause(&mail.into(), &Pause::new().lasting(HOUR)).await?,
    }
    Ok(())
}
