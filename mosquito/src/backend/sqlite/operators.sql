-- The pause of everything; one row, or none.
CREATE TABLE everything (
    only   INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    since  INTEGER,
    until  INTEGER,
    reason TEXT,
    author TEXT
) STRICT;

-- The pauses of single jobs in a queue, whose `turns` is not null then. Each stands until all lanes that it parked are ready again.
CREATE TABLE paused_jobs (
    queue  TEXT    NOT NULL,
    job    TEXT    NOT NULL,
    since  INTEGER,
    until  INTEGER,
    reason TEXT,
    author TEXT,
    PRIMARY KEY (queue, job)
) STRICT, WITHOUT ROWID;

-- Small texts beside the queues: those of the notebook `configuration`, and of `job/NAME` for each job that has some.
CREATE TABLE notes (
    notebook TEXT NOT NULL,
    key      TEXT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (notebook, key)
) STRICT, WITHOUT ROWID;
