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
-- at. What shares a place's name, anchors of its words or the place itself may be alike; the 16 that share most are
-- told, a name before all: where many use one pattern, the words are everybody's.
CREATE FUNCTION matters_alike(towns text[], families text[], purposes text[], since timestamptz[], name_sets text[],
    anchor_sets text[],
    lons double precision[], lats double precision[], degrees double precision[], held boolean)
RETURNS TABLE (ask bigint, case_id uuid, times timestamptz[], accounts text, state text, closed_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF held THEN
        PERFORM pg_advisory_xact_lock(1297040454, kin)
        FROM (SELECT DISTINCT hashtext(concat_ws(' ', town, family, purpose)) AS kin
            FROM unnest(towns, families, purposes) AS asked (town, family, purpose) ORDER BY 1) AS kins;
    END IF;
    RETURN QUERY
    SELECT asked.place, near.case_id, near.times, near.accounts::text, c.state,
        (c.snapshot ->> 'closed_at')::timestamptz
    FROM (
        -- Each set is read from its text once and not again for every matter beside it: OFFSET keeps the two apart.
        SELECT one.town, one.family, one.purpose, one.since, one.names::integer[] AS names,
            one.anchors::integer[] AS anchors, one.lon, one.lat, one.degrees, one.place
        FROM unnest(towns, families, purposes, since, name_sets, anchor_sets, lons, lats, degrees) WITH ORDINALITY
            AS one (town, family, purpose, since, names, anchors, lon, lat, degrees, place)
        OFFSET 0) AS asked
    CROSS JOIN LATERAL (
        SELECT newest.* FROM (
            SELECT m.case_id, m.times, m.accounts, m.names, m.anchors, m.lon, m.lat, m.last_at FROM matter m
            WHERE m.town = asked.town AND m.family = asked.family AND m.purpose = asked.purpose
                AND m.last_at > asked.since
            ORDER BY m.last_at DESC LIMIT 256) AS newest
        WHERE newest.names && asked.names OR newest.anchors && asked.anchors
            OR (abs(newest.lat - asked.lat) < asked.degrees
                AND abs(newest.lon - asked.lon) * cos(radians(asked.lat)) < asked.degrees)
        ORDER BY newest.names && asked.names DESC, (SELECT count(*) FROM unnest(newest.anchors) AS anchor
                WHERE anchor = ANY (asked.anchors)) DESC, newest.last_at DESC
        LIMIT 16) AS near
    JOIN case_snapshot c ON c.case_id = near.case_id
    ORDER BY asked.place;
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
