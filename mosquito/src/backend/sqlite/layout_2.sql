-- From layout 1 to 2: what waited in the one lane there was is plain, and stays where it stands; and pauses say since when, why and
-- by whom.
--
-- A process of the release before, that has the file open, goes on with plain runs. One in another lane it cannot
-- claim: the check refuses it, rather than to let it take what a limit holds up. It pauses and resumes where it did, without a word.
ALTER TABLE runs ADD COLUMN lane TEXT CHECK (lane IS NULL OR list = 'waiting');
ALTER TABLE runs ADD COLUMN flow TEXT;
DROP INDEX runs_by_place;
CREATE INDEX runs_by_place ON runs (queue, list, lane, overseer, ticket, rank, id);
ALTER TABLE queues ADD COLUMN turns TEXT;
ALTER TABLE queues ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN paused_since INTEGER;
ALTER TABLE queues ADD COLUMN paused_reason TEXT;
ALTER TABLE queues ADD COLUMN paused_author TEXT;
ALTER TABLE runs ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN log TEXT;

CREATE TABLE calls (
    overseer TEXT    NOT NULL PRIMARY KEY,
    word     INTEGER NOT NULL,
    said     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
