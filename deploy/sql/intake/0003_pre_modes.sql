-- What earlier cases of the same place, the settling of a mode and the removal of canaries look for. Code that
-- does not know these columns leaves them empty or stale until it is gone; 0005_post_case_columns.sql mends that.
ALTER TABLE case_snapshot
    ADD COLUMN category text,
    ADD COLUMN opened_at timestamptz,
    ADD COLUMN purpose text NOT NULL DEFAULT 'real',
    ADD COLUMN closed boolean NOT NULL DEFAULT false;
UPDATE case_snapshot
SET category = snapshot -> 'view' ->> 'category',
    opened_at = (snapshot -> 'view' ->> 'opened_at')::timestamptz,
    closed = state = 'closed';

-- The mode in force in each area that ever had one; "normal" leaves it to the area above.
CREATE TABLE mode_in_force (
    area text PRIMARY KEY,
    mode text NOT NULL,
    kind text NOT NULL,
    grade smallint,
    version integer NOT NULL CHECK (version > 0),
    change_id uuid NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Every change of a mode from its proposal on: proposed, ruled (a rule asked for it), in_force, superseded, void.
CREATE TABLE mode_change (
    change_id uuid PRIMARY KEY,
    area text NOT NULL,
    mode text NOT NULL,
    state text NOT NULL,
    proposed_at timestamptz NOT NULL,
    change jsonb NOT NULL
);
CREATE INDEX mode_change_proposed ON mode_change (area) WHERE state = 'proposed';
CREATE INDEX mode_change_ruled ON mode_change (proposed_at) WHERE state = 'ruled';

-- Open cases that a change of mode still has to be written on: how far the walk over them has come, and until when
-- one replica has it to itself.
CREATE TABLE mode_settling (
    change_id uuid PRIMARY KEY REFERENCES mode_change,
    area text NOT NULL,
    by_whom jsonb NOT NULL,
    reason text NOT NULL,
    begun_at timestamptz NOT NULL,
    after_area text NOT NULL DEFAULT '',
    after_case uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    seen bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    done_at timestamptz
);
CREATE INDEX mode_settling_open ON mode_settling (begun_at) WHERE done_at IS NULL;

-- What a case that opens must know of its place. The lock is shared by all that open and excluded by a change of
-- mode: whoever changes it waits for those that read the old one, and settles them afterwards. In a volatile
-- function each statement has a snapshot of its own, so the second sees what the lock was waited for.
CREATE FUNCTION opening_facts(areas text[], categories text[], purposes text[], since timestamptz)
RETURNS TABLE (place bigint, modes text, earlier timestamptz[])
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1297040453, county)
    FROM (SELECT DISTINCT left(area, 6)::integer AS county FROM unnest(areas) AS area ORDER BY 1) AS counties;
    RETURN QUERY
    SELECT asked.place,
        (SELECT coalesce(json_agg(json_build_object('area', m.area, 'mode', m.mode, 'kind', m.kind, 'grade', m.grade,
                'version', m.version)), '[]'::json)::text
            FROM mode_in_force m
            WHERE m.area IN (left(asked.area, 6), left(asked.area, 9), left(asked.area, 12), asked.area)),
        ARRAY(SELECT c.opened_at FROM case_snapshot c
            WHERE length(asked.area) >= 12 AND c.purpose = asked.purpose AND left(c.area, 12) = left(asked.area, 12)
                AND c.category = asked.category AND c.opened_at >= since
            ORDER BY c.opened_at DESC LIMIT 16)
    FROM unnest(areas, categories, purposes) WITH ORDINALITY AS asked (area, category, purpose, place)
    ORDER BY asked.place;
END $$;
