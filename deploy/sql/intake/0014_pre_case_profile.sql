-- What new reports are compared with is called a profile; a matter (一件事) is something else. Code from before finds it
-- under its old name, with all that it knows of, and reads what the other writes; 0020_post_case_profile.sql ends that.
ALTER TABLE matter RENAME TO case_profile;
ALTER INDEX matter_pkey RENAME TO case_profile_pkey;
ALTER INDEX matter_newest RENAME TO case_profile_newest;

-- The numbers of an array one after the other, each behind its length of four bytes. PostgreSQL takes array_send as
-- stable, for what an element is sent as may depend on settings; an integer is always sent alike.
CREATE FUNCTION sent(numbers integer[]) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN substring(array_send(numbers) FROM 21);

-- What a search reads of each of the newest, ready to be sent as it lies; the database makes it of what is kept, so
-- that it cannot differ, whoever writes. Compressed or elsewhere it would be dear to read. Nobody asks anything
-- of what stands inside the accounts: as jsonb they were taken apart and put together again for nothing.
ALTER TABLE case_profile
    ALTER COLUMN accounts TYPE json USING accounts::text::json,
    ADD COLUMN head bytea STORAGE MAIN NOT NULL GENERATED ALWAYS AS (
        uuid_send(case_id) || timestamptz_send(last_at) || float8send(coalesce(lon, 'NaN'))
        || float8send(coalesce(lat, 'NaN')) || int4send(cardinality(names)) || int4send(cardinality(anchors))) STORED,
    ADD COLUMN name_marks bytea STORAGE MAIN NOT NULL GENERATED ALWAYS AS (sent(names)) STORED,
    ADD COLUMN anchor_marks bytea STORAGE MAIN NOT NULL GENERATED ALWAYS AS (sent(anchors)) STORED;

CREATE VIEW matter AS
SELECT case_id, town, family, purpose, lon, lat, last_at, times, names, anchors, accounts FROM case_profile;

-- The newest 256 profiles of each kin, newest first, each column in one piece: what a report shares with which of them
-- is counted outside, by whole columns; as rows of SQL that cost a report of a batch ten times as much. The lock on
-- town, family and purpose, taken in one order, makes two replicas that are given one matter at one instant take turns:
-- in a volatile function each statement has a snapshot of its own, so the second sees what the first has written.
-- Over a table that was empty a moment ago no plan but the index will do.
CREATE FUNCTION newest_profiles(towns text[], families text[], purposes text[], since timestamptz[], held boolean)
RETURNS TABLE (heads bytea, name_marks bytea, anchor_marks bytea)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF held THEN
        PERFORM pg_advisory_xact_lock(1297040454, kin)
        FROM (SELECT DISTINCT hashtext(concat_ws(' ', town, family, purpose)) AS kin
            FROM unnest(towns, families, purposes) AS asked (town, family, purpose) ORDER BY 1) AS kins;
    END IF;
    RETURN QUERY
    SELECT n.heads, n.names, n.anchors
    FROM unnest(towns, families, purposes, since) WITH ORDINALITY AS kin (town, family, purpose, since, place)
    CROSS JOIN LATERAL (
        SELECT string_agg(w.head, '') AS heads, string_agg(w.name_marks, '') AS names,
            string_agg(w.anchor_marks, '') AS anchors
        FROM (SELECT p.head, p.name_marks, p.anchor_marks FROM case_profile p
            WHERE p.town = kin.town AND p.family = kin.family AND p.purpose = kin.purpose AND p.last_at > kin.since
            ORDER BY p.last_at DESC LIMIT 256) AS w) AS n
    ORDER BY kin.place;
END $$;
