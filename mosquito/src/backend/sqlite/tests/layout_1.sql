-- A file as layout 1 had it, with runs in every list.


CREATE TABLE runs (
    queue      TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    list       TEXT    NOT NULL CHECK (list IN ('waiting', 'pending', 'scheduled', 'dead')),
    overseer   TEXT             CHECK ((overseer IS NOT NULL) = (list = 'pending')),
    ticket     INTEGER          CHECK ((ticket IS NOT NULL) = (list = 'pending')),
    rank       INTEGER NOT NULL,
    claimed_at INTEGER          CHECK ((claimed_at IS NOT NULL) = (list = 'pending')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    crashes    INTEGER NOT NULL DEFAULT 0,
    unknown    INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    envelope   TEXT    NOT NULL,
    PRIMARY KEY (queue, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_place ON runs (queue, list, overseer, ticket, rank, id);

CREATE TABLE queues (
    name         TEXT    NOT NULL PRIMARY KEY,
    used         INTEGER NOT NULL DEFAULT 0,
    paused       INTEGER NOT NULL DEFAULT 0,
    paused_until INTEGER,
    claims       INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE owners (
    queue     TEXT    NOT NULL,
    overseer  TEXT    NOT NULL,
    beat      INTEGER NOT NULL,
    first_ticket INTEGER NOT NULL,
    ticket    INTEGER NOT NULL,
    condemned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue, overseer)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    queue    TEXT    NOT NULL,
    job      TEXT    NOT NULL,
    last     INTEGER NOT NULL,
    last_run TEXT,
    PRIMARY KEY (queue, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE leader (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    overseer TEXT,
    until    INTEGER NOT NULL,
    epoch    INTEGER NOT NULL
) STRICT;

-- Its times are milliseconds since 1970: it is 5,000 now.
INSERT INTO queues (name, used, paused, paused_until, claims) VALUES ('mail', 1, 0, NULL, 5), ('idle', 0, 1, 9000, 0);

INSERT INTO runs (queue, id, list, overseer, ticket, rank, claimed_at, attempts, crashes, unknown, error, envelope) VALUES
    ('mail', 'back',    'waiting',   NULL, NULL, -1,   NULL, 1, 1, 0, 'its process died', '{"enqueued_at":1000,"v":1,"job":"send","args":1}'),
    ('mail', 'first',   'waiting',   NULL, NULL, 0,    NULL, 0, 0, 0, NULL,               '{"enqueued_at":1001,"v":1,"job":"send","args":2}'),
    ('mail', 'second',  'waiting',   NULL, NULL, 1,    NULL, 0, 0, 2, 'unknown',          '{"enqueued_at":1002,"v":1,"job":"send","args":3}'),
    ('mail', 'claimed', 'pending',   'o',  7,    4,    4000, 0, 0, 0, NULL,               '{"enqueued_at":1003,"v":1,"job":"send","args":4}'),
    ('mail', 'beside',  'pending',   'o',  7,    5,    4000, 2, 0, 0, 'no route',         '{"enqueued_at":1004,"v":1,"job":"send","args":5}'),
    ('mail', 'due',     'scheduled', NULL, NULL, 4500, NULL, 0, 0, 0, NULL,               '{"enqueued_at":1005,"v":1,"job":"send","args":6}'),
    ('mail', 'later',   'scheduled', NULL, NULL, 9999, NULL, 1, 0, 0, 'no route',         '{"enqueued_at":1006,"v":1,"job":"send","args":7}'),
    ('mail', 'dead',    'dead',      NULL, NULL, 3000, NULL, 3, 3, 0, 'poisoned',         '{"enqueued_at":1007,"v":1,"job":"send","args":8}');

INSERT INTO owners (queue, overseer, beat, first_ticket, ticket, condemned) VALUES ('mail', 'o', 4900, 6, 7, 0);
INSERT INTO schedules (queue, job, last, last_run) VALUES ('mail', 'report', 2000, 'later');
INSERT INTO leader (only, overseer, until, epoch) VALUES (1, 'o', 6000, 12);
