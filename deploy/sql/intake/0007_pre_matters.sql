-- A case as new reports are compared with it: where it lies, what its reports say in their own masked words (at most
-- eight wordings), when the newest came. Whether it still takes reports stands in case_snapshot.
CREATE TABLE matter (
    case_id uuid PRIMARY KEY,
    town text NOT NULL,
    family text NOT NULL,
    purpose text NOT NULL,
    lon double precision,
    lat double precision,
    last_at timestamptz NOT NULL,
    times timestamptz[] NOT NULL,
    names integer[] NOT NULL,
    anchors integer[] NOT NULL,
    accounts jsonb NOT NULL
) WITH (fillfactor = 80);
-- The newest matters of a town and a family: what a search walks over, and no other index.
CREATE INDEX matter_newest ON matter (town, family, purpose, last_at DESC);

-- The matters that a report may be of, for many reports at once. The lock on town, family and purpose, taken in one
-- order, makes two replicas that are given one matter at one instant take turns: in a volatile function each
-- statement has a snapshot of its own, so the second sees what the first has written. Only the newest 256 are looked
-- at, once for all reports of a kin and without what is wide. What shares a place's name, anchors of its words or the
-- place itself may be alike; the 16 that share most are told, a name before all: where many use one pattern, the words
-- are everybody's. What is shared is joined, not compared set by set: that cost a report of a batch three times as
-- much. A matter that is told to several reports is read and sent once; ``asks`` are their places, from 1.
CREATE FUNCTION matters_alike(towns text[], families text[], purposes text[], since timestamptz[], name_sets text[],
    anchor_sets text[],
    lons double precision[], lats double precision[], degrees double precision[], held boolean)
RETURNS TABLE (asks bigint[], case_id uuid, times timestamptz[], accounts text, state text, closed_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF held THEN
        PERFORM pg_advisory_xact_lock(1297040454, kin)
        FROM (SELECT DISTINCT hashtext(concat_ws(' ', town, family, purpose)) AS kin
            FROM unnest(towns, families, purposes) AS asked (town, family, purpose) ORDER BY 1) AS kins;
    END IF;
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT one.place, one.since, one.names::integer[] AS names, one.anchors::integer[] AS anchors, one.lon,
            one.lat, one.degrees, one.town, one.family, one.purpose,
            dense_rank() OVER (ORDER BY one.town, one.family, one.purpose) AS kin
        FROM unnest(towns, families, purposes, since, name_sets, anchor_sets, lons, lats, degrees) WITH ORDINALITY
            AS one (town, family, purpose, since, names, anchors, lon, lat, degrees, place)
    ), newest AS MATERIALIZED (
        SELECT kins.kin, m.*
        FROM (SELECT a.kin, a.town, a.family, a.purpose, min(a.since) AS since FROM asked a GROUP BY 1, 2, 3, 4) AS kins
        CROSS JOIN LATERAL (
            SELECT w.case_id, w.names, w.anchors, w.lon, w.lat, w.last_at FROM matter w
            WHERE w.town = kins.town AND w.family = kins.family AND w.purpose = kins.purpose
                AND w.last_at > kins.since
            ORDER BY w.last_at DESC LIMIT 256) AS m
    ), shared AS (
        SELECT a.place, a.since, n.case_id, n.last_at, a.named
        FROM (SELECT kin, place, asked.since, true AS named, unnest(names) AS mark FROM asked
            UNION ALL SELECT kin, place, asked.since, false, unnest(anchors) FROM asked) AS a
        JOIN (SELECT kin, newest.case_id, last_at, true AS named, unnest(names) AS mark FROM newest
            UNION ALL SELECT kin, newest.case_id, last_at, false, unnest(anchors) FROM newest) AS n
            USING (kin, named, mark)
        UNION ALL
        SELECT a.place, a.since, n.case_id, n.last_at, NULL
        FROM asked a JOIN newest n ON n.kin = a.kin AND abs(n.lat - a.lat) < a.degrees
            AND abs(n.lon - a.lon) * cos(radians(a.lat)) < a.degrees
    ), ranked AS (
        SELECT s.place, s.case_id, row_number() OVER (
            PARTITION BY s.place
            ORDER BY coalesce(bool_or(s.named), false) DESC, count(*) FILTER (WHERE NOT s.named) DESC, s.last_at DESC
            ) AS rank
        FROM shared s WHERE s.last_at > s.since
        GROUP BY s.place, s.case_id, s.last_at
    ), picked AS (
        SELECT r.case_id, array_agg(r.place ORDER BY r.place) AS places FROM ranked r WHERE r.rank <= 16 GROUP BY 1
    )
    SELECT p.places, p.case_id, m.times, m.accounts::text, c.state,
        CASE WHEN c.closed THEN (c.snapshot ->> 'closed_at')::timestamptz END
    FROM picked p JOIN matter m ON m.case_id = p.case_id JOIN case_snapshot c ON c.case_id = p.case_id;
END $$;

-- The digest of the code by which a reporter follows their report, which no two reports share; and where the report
-- says that it is and of what: a report that is split off its case opens one of its own by them.
ALTER TABLE report
    ADD COLUMN tracking text,
    ADD COLUMN area text,
    ADD COLUMN lon double precision,
    ADD COLUMN lat double precision,
    ADD COLUMN category text;
CREATE UNIQUE INDEX report_by_tracking ON report (tracking) WHERE tracking IS NOT NULL;
