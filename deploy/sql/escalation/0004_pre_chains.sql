-- How urgent a clock is: the severity of its case, 1 the most. A row from before is taken for an everyday one until its
-- case is told of again, or the last file of this release looks at it.
ALTER TABLE clock ADD COLUMN urgency smallint NOT NULL DEFAULT 3;
ALTER TABLE clock ADD CONSTRAINT clock_urgency CHECK (urgency BETWEEN 1 AND 4) NOT VALID;
-- How many steps of its chain are taken; a clock that is late goes on with them.
ALTER TABLE clock ADD COLUMN steps_taken smallint NOT NULL DEFAULT 0;
ALTER TABLE clock DROP CONSTRAINT clock_check2;
