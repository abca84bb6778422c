-- Urgent clocks of before; the others are in nobody's way where they stand.
UPDATE clock SET urgency = (f.facts -> 'view' ->> 'severity')::smallint
  FROM case_facts f
 WHERE f.case_id = clock.case_id AND clock.next_at IS NOT NULL AND clock.urgency = 3
   AND f.facts -> 'view' ->> 'severity' IN ('1', '2');
-- Nobody looks for due clocks across all lanes any more.
DROP INDEX clock_next;
