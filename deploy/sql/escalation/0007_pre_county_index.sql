-- The auditor walks cases county by county, so that it needs one playbook after another and not all at once. Neither
-- column ever changes: no update of a case touches this index.
CREATE INDEX case_facts_of_county ON case_facts (county, case_id);
