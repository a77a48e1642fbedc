-- What holds runs up, and whose turn it is. Nothing here concerns a queue whose `turns` is null.

-- The lanes with a key that are in use, in line, and one row for how each stands:
--
--   ready       level              its runs can be claimed; the level is that of its runs
--   blocked     blocked_until      not before this time, by a rate limit
--   parked      parked_at          until this slot, `limit/key`, is free; or while the job of `=job` is paused
CREATE TABLE lanes (
    queue         TEXT    NOT NULL,
    lane          TEXT    NOT NULL,
    -- Of two that are ready in one level, that with the smaller turn goes first.
    turn          INTEGER NOT NULL,
    level         INTEGER,
    blocked_until INTEGER,
    parked_at     TEXT,
    CHECK ((level IS NOT NULL) + (blocked_until IS NOT NULL) + (parked_at IS NOT NULL) = 1),
    PRIMARY KEY (queue, lane)
) STRICT, WITHOUT ROWID;

-- Those of one standing in the order in which they go on, so that what is held up costs nothing.
CREATE INDEX lanes_by_standing ON lanes (queue, level, blocked_until, parked_at, turn, lane);

-- The slots that are taken, and how often: each pending run has those in its flow.
CREATE TABLE slots (
    queue TEXT    NOT NULL,
    slot  TEXT    NOT NULL,
    used  INTEGER NOT NULL CHECK (used > 0),
    PRIMARY KEY (queue, slot)
) STRICT, WITHOUT ROWID;

-- The limits, as they were said last.
CREATE TABLE rules (
    queue TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    -- How many slots each key has.
    slots INTEGER,
    -- How many runs start, in how many ms, counted how.
    rate  INTEGER,
    per   INTEGER CHECK ((per IS NOT NULL) = (rate IS NOT NULL)),
    kind  TEXT    CHECK ((kind IS NOT NULL) = (rate IS NOT NULL) AND kind IN ('sliding', 'bucket', 'fixed')),
    PRIMARY KEY (queue, name)
) STRICT, WITHOUT ROWID;

-- What is remembered of a rate limit for each of its keys, `limit/key`, until it says the same as nothing would.
CREATE TABLE rates (
    queue TEXT    NOT NULL,
    key   TEXT    NOT NULL,
    state TEXT    NOT NULL,
    fades INTEGER NOT NULL,
    PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX rates_by_fading ON rates (queue, fades);

-- The run that keeps others of its key away: for as long as it is there, or until a time.
CREATE TABLE unique_keys (
    queue TEXT    NOT NULL,
    key   TEXT    NOT NULL,
    run   TEXT    NOT NULL,
    until INTEGER,
    PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX unique_keys_by_end ON unique_keys (queue, until) WHERE until IS NOT NULL;
