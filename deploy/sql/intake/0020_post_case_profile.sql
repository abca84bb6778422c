-- Nobody asks under the old name any more.
DROP FUNCTION matters_alike(text[], text[], text[], timestamptz[], text[], text[], double precision[],
    double precision[], double precision[], boolean);
DROP VIEW matter;
