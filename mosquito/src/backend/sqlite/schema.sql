-- Every run there is. Which list of its queue it stands in, and where in that list, is its place: one
-- row, one place, so a run cannot stand in two lists.
--
--   list        lane               overseer, ticket   rank
--   waiting     in which it waits  null               order in its lane: the smallest is claimed first; a run put in
--                                                     front gets a smaller one
--   pending     null               who claimed it     the number of its claim, which no other claim in the queue has
--   scheduled   null               null               when it is due
--   dead        null               null               when it died
--
-- A lane is null also for `5`, that of plain runs.
--
-- All times are milliseconds since 1970.
CREATE TABLE runs (
    queue      TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    -- In so many words: for `IN` SQLite makes a table each time that a row is written.
    list       TEXT    NOT NULL CHECK (list = 'waiting' OR list = 'pending' OR list = 'scheduled' OR list = 'dead'),
    lane       TEXT             CHECK (lane IS NULL OR list = 'waiting'),
    overseer   TEXT             CHECK ((overseer IS NOT NULL) = (list = 'pending')),
    ticket     INTEGER          CHECK ((ticket IS NOT NULL) = (list = 'pending')),
    rank       INTEGER NOT NULL,
    claimed_at INTEGER          CHECK ((claimed_at IS NOT NULL) = (list = 'pending')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    crashes    INTEGER NOT NULL DEFAULT 0,
    unknown    INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    -- What goes before it and what holds it up, as JSON; null for a plain run.
    flow       TEXT,
    -- How the attempts ended that were used up, as JSON; null for none.
    log        TEXT,
    -- Somebody cancelled it while it was pending: whatever moves it out of there deletes it.
    cancelled  INTEGER NOT NULL DEFAULT 0,
    envelope   TEXT    NOT NULL,
    PRIMARY KEY (queue, id)
) STRICT, WITHOUT ROWID;

-- Each list in its order, so that the cost of a move does not depend on how many runs there are.
CREATE INDEX runs_by_place ON runs (queue, list, lane, overseer, ticket, rank, id);

CREATE TABLE queues (
    name         TEXT    NOT NULL PRIMARY KEY,
    -- Whether anything was ever enqueued in it; it may have been paused only.
    used         INTEGER NOT NULL DEFAULT 0,
    paused       INTEGER NOT NULL DEFAULT 0,
    -- When it resumes by itself.
    paused_until INTEGER,
    -- How many claims of single runs there were: numbers the next one.
    claims       INTEGER NOT NULL DEFAULT 0,
    -- Whose turn it is, as JSON; null for as long as all its runs were plain: then they go as they came.
    turns        TEXT,
    -- The largest rank that a run got at the back of a lane other than that of plain runs.
    rank         INTEGER NOT NULL DEFAULT 0,
    -- Nothing when a release paused it that did not take it down.
    paused_since  INTEGER,
    paused_reason TEXT,
    paused_author TEXT
) STRICT, WITHOUT ROWID;

-- The lease of each overseer on each queue it claimed from.
CREATE TABLE owners (
    queue     TEXT    NOT NULL,
    overseer  TEXT    NOT NULL,
    beat      INTEGER NOT NULL,
    -- The ticket that made the lease, and the latest that got runs.
    first_ticket INTEGER NOT NULL,
    ticket    INTEGER NOT NULL,
    -- Found dead: its runs are being taken back, and it cannot come back before that is done.
    condemned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue, overseer)
) STRICT, WITHOUT ROWID;

-- How far the schedule of each periodic job was advanced.
CREATE TABLE schedules (
    queue    TEXT    NOT NULL,
    job      TEXT    NOT NULL,
    last     INTEGER NOT NULL,
    -- The run of the last tick that had one.
    last_run TEXT,
    PRIMARY KEY (queue, job)
) STRICT, WITHOUT ROWID;

-- Who leads; one row.
CREATE TABLE leader (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    overseer TEXT,
    until    INTEGER NOT NULL,
    epoch    INTEGER NOT NULL
) STRICT;

-- The last word that was said to each overseer: that runs of its own were cancelled. A new one is another number.
CREATE TABLE calls (
    overseer TEXT    NOT NULL PRIMARY KEY,
    word     INTEGER NOT NULL,
    said     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
