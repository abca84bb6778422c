-- Earlier cases of one category in one village, newest first; a purpose's cases, for canaries are removed.
CREATE INDEX case_earlier ON case_snapshot (purpose, left(area, 12), category, opened_at DESC);
-- Open cases of an area in the order in which a change of mode walks over them. Whether a case is closed has a
-- column of its own, so that the many changes of state leave this index alone.
CREATE INDEX case_open ON case_snapshot (area COLLATE "C", case_id) WHERE NOT closed;
-- The reports of one case.
CREATE INDEX report_by_case ON report (case_id);
