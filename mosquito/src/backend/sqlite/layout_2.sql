-- From layout 1 to 2: pauses say since when, why and by whom.
--
-- A process of the release before, that has the file open, goes on: it pauses and resumes where it did, without a word.
ALTER TABLE queues ADD COLUMN paused_since INTEGER;
ALTER TABLE queues ADD COLUMN paused_reason TEXT;
ALTER TABLE queues ADD COLUMN paused_author TEXT;
