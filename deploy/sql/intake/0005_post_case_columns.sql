-- What code that knew nothing of these columns wrote while 0003 was in force and it still ran.
UPDATE case_snapshot
SET category = snapshot -> 'view' ->> 'category',
    opened_at = (snapshot -> 'view' ->> 'opened_at')::timestamptz,
    closed = state = 'closed'
WHERE category IS NULL OR opened_at IS NULL OR closed <> (state = 'closed');
ALTER TABLE case_snapshot
    ALTER COLUMN category SET NOT NULL,
    ALTER COLUMN opened_at SET NOT NULL;
