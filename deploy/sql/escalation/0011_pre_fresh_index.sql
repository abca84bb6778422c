-- The oldest fresh reports of a county are taken first: by an index in that order, not by all of the county's rows.
CREATE INDEX warning_report_waiting ON warning_report (county, at, report_id) WHERE fresh;
DROP INDEX warning_report_fresh;
