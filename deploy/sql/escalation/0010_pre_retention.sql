-- Since when nothing more is told of a case that has ended; NULL while it is open. Such cases leave after a time, with
-- their clocks: the events that tell of them stay in the log. A case written by code from before this has no instant
-- here, until something more is told of it.
ALTER TABLE case_facts ADD COLUMN ended_at timestamptz;
CREATE INDEX case_facts_ended ON case_facts (partition, ended_at) WHERE ended_at IS NOT NULL;
