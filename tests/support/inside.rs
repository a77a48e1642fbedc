//! A store, looked into past its backend: what stands beside its runs.

#[cfg(feature = "sqlite")]
use std::path::PathBuf;

/// Where a store can be looked into.
#[derive(Clone, Debug)]
pub enum Inside {
    /// One server.
    Redis {
        /// Where it is.
        url: String,
        /// With what its keys begin.
        prefix: String,
    },
    /// A file.
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
}

/// Of SQLite: what is wrong, and how much of it there is.
#[cfg(feature = "sqlite")]
const LEFT_IN_FILE: [(&str, &str); 3] = [
    ("slots are taken", "SELECT count(*) FROM slots WHERE queue = 'work'"),
    ("lanes stand in line", "SELECT count(*) FROM lanes WHERE queue = 'work'"),
    ("unique keys are held", "SELECT count(*) FROM unique_keys WHERE queue = 'work' AND until IS NULL"),
];

/// Of Redis: what is left in a queue that has nothing but dead runs.
const LEFT_ON_SERVER: &str = r"
local held = 0
for _, holder in ipairs(redis.call('HVALS', KEYS[1] .. 'unique')) do
    if string.sub(holder, 1, 2) == '0 ' then held = held + 1 end
end
local flows = 0
for _, id in ipairs(redis.call('HKEYS', KEYS[1] .. 'flows')) do
    if redis.call('HEXISTS', KEYS[1] .. 'runs', id) == 0 then flows = flows + 1 end
end
local size = function (command, key) return redis.call(command, KEYS[1] .. key) end
return {
    'unique keys are held', held, 'flows of no run are kept', flows, 'slots are taken', size('ZCARD', 'slots'),
    'runs are in lanes', size('ZCARD', 'lanes'), 'lanes stand in line', size('HLEN', 'standing'),
    'lanes are ready', size('ZCARD', 'ready'), 'lanes are blocked', size('ZCARD', 'blocked'),
    'lanes are parked', size('ZCARD', 'parked')
}";

impl Inside {
    /// What stands beside the runs of the queue `work` when there are none, or only dead ones, in sentences.
    ///
    /// # Panics
    ///
    /// When the store cannot be looked into.
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let left = match self {
            Self::Redis { url, prefix } => {
                let client = redis::Client::open(url.as_str()).expect("it is a URL");
                let mut connection = client.get_connection().expect("the server is there");
                let mut look = redis::cmd("EVAL");
                look.arg(LEFT_ON_SERVER).arg(1).arg(format!("{prefix}:{{work}}:"));
                let told: Vec<(String, i64)> = look.query(&mut connection).expect("the server answers");
                told
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => {
                let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
                let file = rusqlite::Connection::open_with_flags(path, flags).expect("the file is there");
                let count = |sql| file.query_row(sql, [], |row| row.get(0)).expect("it is counted");
                LEFT_IN_FILE.map(|(what, sql)| (what.to_owned(), count(sql))).to_vec()
            }
        };
        left.into_iter().filter(|(_, many)| *many > 0).map(|(what, many)| format!("{many} {what}")).collect()
    }
}
