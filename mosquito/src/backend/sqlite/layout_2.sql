-- From layout 1, which knew no cancelled runs, to 2. What stands in `schema.sql` is the same for new files.
ALTER TABLE runs ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN log TEXT;

CREATE TABLE calls (
    overseer TEXT    NOT NULL PRIMARY KEY,
    word     INTEGER NOT NULL,
    said     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
