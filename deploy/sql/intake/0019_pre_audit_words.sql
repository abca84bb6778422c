-- Why somebody did it, in their own words: a whistle that sounds carries the reason of who asked for it, beside it the
-- word of who let it sound (note); a reply to an instruction is its own reason. Entries that stand stay as they are.
CREATE OR REPLACE FUNCTION audit_facts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO audit (at, kind, subject, version, event_id, who, key_id, why, origin, digest)
    SELECT at, type, case_id, version, event_id,
        left(concat_ws(' ', data #>> '{by,kind}', data #>> '{by,id}', nullif(data #>> '{by,name}', '')), 200),
        coalesce(data #>> '{by,key_id}', ''),
        left(coalesce(nullif(data ->> 'note', ''), nullif(data ->> 'reason', ''), data ->> 'instruction',
            CASE jsonb_typeof(data -> 'reply') WHEN 'string' THEN data ->> 'reply' END, ''), 500),
        origin, sha256(convert_to(data::text, 'UTF8'))
    FROM added
    WHERE data #>> '{case,purpose}' IS DISTINCT FROM 'canary';
    RETURN NULL;
END $$;
