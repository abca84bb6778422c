-- What of a circular goes to those who may not see its case.

ALTER TABLE feed ADD COLUMN circular text;
