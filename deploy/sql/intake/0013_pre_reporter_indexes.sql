-- The reports of one person.
CREATE INDEX reporter_of_person ON reporter (person) WHERE person IS NOT NULL;
-- The oldest first, for what has outlived its time.
CREATE INDEX reporter_by_age ON reporter (received_at, report_id);
-- Rows that no data key seals: from before there were any, or of a county that had none in that moment.
CREATE INDEX reporter_to_reseal ON reporter (report_id) WHERE get_byte(sealed, 0) <> 1;
