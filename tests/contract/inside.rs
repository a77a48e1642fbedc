//! A store, looked into past its backend: what stands there beside the runs of the queue, whether or not a call would tell.

use std::collections::{BTreeMap, BTreeSet};
#[cfg(feature = "sqlite")]
use std::path::PathBuf;

use mosquito::backend::memory::Memory;

#[cfg(feature = "redis")]
use crate::store::{CLUSTER, REDIS};

/// The data of a store itself.
pub(crate) enum Inside {
    Memory(Memory),
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    /// The server of facts, or the cluster; and how the keys of the queue begin.
    #[cfg(feature = "redis")]
    Redis {
        is_cluster: bool,
        prefix: String,
    },
}

/// What stands beside the runs.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Each unique key, with the run that has it, and until when in ms since 1970, where a time was said.
    pub(crate) unique: BTreeMap<String, (String, Option<i64>)>,
    /// Each slot that is taken, as the store says it, with the run that has it.
    pub(crate) slots: Vec<(String, String)>,
    /// The runs that have a flow, where that is kept apart from them.
    pub(crate) flows: BTreeSet<String>,
    /// Whatever else holds anything, as the store calls it.
    pub(crate) others: BTreeSet<String>,
}

impl Inside {
    pub(crate) fn beside(&self) -> Beside {
        match self {
            Self::Memory(memory) => of_memory(&format!("{:?}", memory.checkpoint())),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => of_file(path),
            #[cfg(feature = "redis")]
            Self::Redis { is_cluster, prefix } => {
                let server = match is_cluster {
                    true => {
                        let cluster = CLUSTER.get().expect("the store has started it");
                        cluster.server(cluster.holder(prefix, 0))
                    }
                    false => &*REDIS,
                };
                of_keys(server, prefix)
            }
        }
    }
}

/// The model tells all it holds when it is printed.
fn of_memory(printed: &str) -> Beside {
    let queue = printed.split_once(r#""mail": Queue {"#).expect("the queue was used").1;
    let text = |quoted: &str| quoted.trim_matches([' ', ',', '"']).replace(r#"\""#, r#"""#);
    let keys = block(queue, "unique").split_inclusive('}').filter_map(|holder| {
        let (key, holder) = holder.split_once(": Holder { run: ")?;
        let (run, until) = holder.split_once(", until: ").expect("it says until when");
        let until: String = until.chars().filter(char::is_ascii_digit).collect();
        Some((text(key), (text(run), until.parse().ok())))
    });
    let slots = block(queue, "slots").split_inclusive(')').filter_map(|taken| {
        let (slot, run) =
            taken.trim_start_matches([',', ' ', '(']).trim_end_matches(')').rsplit_once(", ")?;
        Some((text(slot), text(run)))
    });
    let others = ["runs", "lanes", "standing", "rates", "scheduled", "pending", "dead", "cancelled"];
    let others = others.into_iter().filter(|field| !block(queue, field).is_empty()).map(str::to_owned);
    Beside {
        unique: keys.collect(),
        slots: slots.collect(),
        flows: BTreeSet::new(),
        others: others.collect(),
    }
}

/// What stands between the braces of a field.
fn block<'a>(printed: &'a str, field: &str) -> &'a str {
    let start = printed.find(&format!(" {field}: {{")).unwrap_or_else(|| panic!("a queue has {field}"));
    let inner = &printed[start + field.len() + 4..];
    let mut depth = 1;
    let end = inner.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    &inner[..end.expect("braces are closed")]
}

/// The file only counts how often a slot is taken: by the pending runs that have it, and by nobody where it is counted otherwise.
#[cfg(feature = "sqlite")]
const SLOTS_IN_FILE: &str = "
    WITH had (slot, run) AS (
        SELECT has.value, runs.id FROM runs, json_each(runs.flow, '$.slots') AS has
        WHERE queue = 'mail' AND list = 'pending')
    SELECT had.slot, had.run FROM had JOIN slots ON queue = 'mail' AND slots.slot = had.slot
    UNION ALL
    SELECT slot, 'nobody of ' || used FROM slots
    WHERE queue = 'mail' AND used <> (SELECT count(*) FROM had WHERE had.slot = slots.slot)";

#[cfg(feature = "sqlite")]
fn of_file(path: &std::path::Path) -> Beside {
    use rusqlite::{Connection, OpenFlags, Row};

    fn all<T>(file: &Connection, sql: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut asked = file.prepare(sql).expect("it is asked in SQL");
        asked
            .query_map([], |row| read(row))
            .expect("it is told")
            .collect::<Result<_, _>>()
            .expect("rows are read")
    }

    let file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file is there");
    let mut others: BTreeSet<String> =
        all(&file, "SELECT name FROM sqlite_master WHERE type = 'table'", |row| row.get(0))
            .into_iter()
            .collect();
    others.retain(|table| !all(&file, &format!("SELECT 1 FROM {table} LIMIT 1"), |_| Ok(())).is_empty());
    Beside {
        unique: all(&file, "SELECT key, run, until FROM unique_keys WHERE queue = 'mail'", |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
        })
        .into_iter()
        .collect(),
        slots: all(&file, SLOTS_IN_FILE, |row| Ok((row.get(0)?, row.get(1)?))),
        flows: BTreeSet::new(),
        others,
    }
}

/// The hash of unique keys, the slots that are taken, the runs with a flow, and the keys of the queue.
#[cfg(feature = "redis")]
type Told = (Vec<(String, String)>, Vec<String>, BTreeSet<String>, Vec<String>);

#[cfg(feature = "redis")]
fn of_keys(server: &mosquito_tests::RedisServer, prefix: &str) -> Beside {
    let look = r"
        local p = KEYS[1]
        return { redis.call('HGETALL', p .. 'unique'), redis.call('ZRANGE', p .. 'slots', 0, -1),
            redis.call('HKEYS', p .. 'flows'), redis.call('KEYS', p .. '*') }";
    let (unique, slots, flows, keys): Told = server.command(&["EVAL", look, "1", prefix]);
    let unique = unique.into_iter().map(|(key, holder)| {
        let (until, run) = holder.split_once(' ').expect("it says until when and who");
        let until: i64 = until.parse().expect("it is a time");
        (key, (run.to_owned(), (until > 0).then_some(until)))
    });
    let slots = slots.iter().map(|taken| {
        let (slot, run) = taken.rsplit_once('/').expect("it says which and who");
        (slot.to_owned(), run.to_owned())
    });
    let others = keys.iter().map(|key| key[prefix.len()..].to_owned());
    Beside { unique: unique.collect(), slots: slots.collect(), flows, others: others.collect() }
}
