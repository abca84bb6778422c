-- The audit: each fact of a case and each look at personal data, with who, when, why and from where. Append-only, and
-- sealed into blocks whose heads hang on one another; see docs/decisions/0021-seal-the-audit-into-blocks.md.
CREATE TABLE audit (
    entry bigint GENERATED ALWAYS AS IDENTITY,
    -- The transaction that wrote it: whatever lies below the oldest one still open is complete, and can be sealed.
    turn bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at timestamptz NOT NULL,
    -- A fact's event type, or what was done: read, export, erase, retain, rewrap, drop.
    kind text NOT NULL,
    -- The case of a fact, the report of a look.
    subject uuid NOT NULL,
    -- The case's version that a fact made; 0 for everything else.
    version integer NOT NULL DEFAULT 0,
    event_id uuid,
    who text NOT NULL,
    key_id text NOT NULL,
    why text NOT NULL,
    origin text NOT NULL,
    -- SHA-256 of the fact as case_event keeps it; of what was shown or done for everything else.
    digest bytea NOT NULL,
    PRIMARY KEY (turn, entry)
);
CREATE UNIQUE INDEX audit_of_fact ON audit (subject, version) WHERE version > 0;
CREATE INDEX audit_of_look ON audit (subject, turn) WHERE version = 0;

-- A block holds the entries of the transactions from_turn up to, not with, to_turn: a mark for each in their order.
CREATE TABLE audit_block (
    block bigint PRIMARY KEY CHECK (block > 0),
    from_turn bigint NOT NULL,
    to_turn bigint NOT NULL CHECK (to_turn > from_turn),
    marks bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    before bytea NOT NULL,
    head bytea NOT NULL
);
-- Blocks whose entries are gone by rule; their marks stay, so that the chain still holds.
CREATE TABLE audit_dropped (
    block bigint PRIMARY KEY REFERENCES audit_block,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- From when on every fact has its entry.
CREATE TABLE audit_begun (at timestamptz PRIMARY KEY);
INSERT INTO audit_begun VALUES (clock_timestamp());

-- From where a fact came: the door and the address. Code that does not know the column leaves it unknown.
ALTER TABLE case_event ADD COLUMN origin text NOT NULL DEFAULT 'unknown';

-- Written by the database, so that no code that adds a fact can forget it; canaries are removed and leave none.
CREATE FUNCTION audit_facts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO audit (at, kind, subject, version, event_id, who, key_id, why, origin, digest)
    SELECT at, type, case_id, version, event_id,
        left(concat_ws(' ', data #>> '{by,kind}', data #>> '{by,id}', nullif(data #>> '{by,name}', '')), 200),
        coalesce(data #>> '{by,key_id}', ''),
        left(coalesce(nullif(data ->> 'reason', ''), nullif(data ->> 'note', ''), data ->> 'instruction', ''), 500),
        origin, sha256(convert_to(data::text, 'UTF8'))
    FROM added
    WHERE data #>> '{case,purpose}' IS DISTINCT FROM 'canary';
    RETURN NULL;
END $$;
CREATE TRIGGER audit_facts AFTER INSERT ON case_event
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_facts();

-- Against accidents; against whoever may drop a trigger there are the blocks, and their heads noted elsewhere.
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit' AND current_setting('whistle.audit_drop', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% on % refused: the audit is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_block_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_block
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
