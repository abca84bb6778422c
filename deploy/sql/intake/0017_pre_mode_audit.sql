-- Changes of mode stand in the audit like facts: each step of one (proposed, ruled, in force, superseded, void) is an
-- entry with the row as that step left it. Written by the database, so that no code can forget it; what leaves the state
-- as it was is no step, and the row is then other than its last entry says. From where is said by the transaction: code
-- that does not say it, and whoever changes a row by hand, leave it unknown.
CREATE FUNCTION audit_mode(step text, changed mode_change, origin text) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO audit (at, kind, subject, who, key_id, why, origin, digest)
    SELECT clock_timestamp(), 'whistle.mode.' || step, changed.change_id,
        left(concat_ws(' ', by_whom ->> 'kind', by_whom ->> 'id', nullif(by_whom ->> 'name', '')), 200),
        coalesce(by_whom ->> 'key_id', ''), left(coalesce(changed.change ->> 'reason', ''), 500), origin,
        sha256(convert_to(changed.change::text, 'UTF8'))
    FROM (SELECT CASE step
        WHEN 'superseded' THEN changed.change -> 'superseded_by'
        WHEN 'in_force' THEN coalesce(nullif(changed.change -> 'confirmed_by', 'null'), changed.change -> 'by')
        ELSE changed.change -> 'by' END AS by_whom) AS said
$$;

CREATE FUNCTION audit_modes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.state IS DISTINCT FROM OLD.state THEN
        PERFORM audit_mode(NEW.state, NEW, coalesce(nullif(current_setting('whistle.origin', true), ''), 'unknown'));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_modes AFTER INSERT OR UPDATE ON mode_change FOR EACH ROW EXECUTE FUNCTION audit_modes();

-- What was there before is noted as it is.
DO $$
DECLARE
    old mode_change;
BEGIN
    FOR old IN SELECT * FROM mode_change ORDER BY proposed_at LOOP
        PERFORM audit_mode(old.state, old, 'before');
    END LOOP;
END $$;
