-- Where the auditor stands: one row, which replicas take in turns. `counts` are those of the pass in hand, `whole` those
-- of the last whole one. Whoever takes a slice puts `next_at` ahead first, so that nobody waits for one that is gone.
CREATE TABLE auditor (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    -- The last case looked at. A pass walks the cases county by county and then, `strays`, the clocks without a case.
    strays boolean NOT NULL DEFAULT false,
    county text NOT NULL DEFAULT '',
    case_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    turn bigint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    looked_at timestamptz,
    counts jsonb NOT NULL DEFAULT '{}',
    whole jsonb,
    whole_at timestamptz,
    whole_seconds double precision
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
INSERT INTO auditor DEFAULT VALUES;

-- Who put a case's clocks right, when, why and what that changed; never changed, and kept when the case's rows go.
CREATE TABLE repair (
    repair_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL CHECK (by <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    -- What the case was put right by: the log of events, or the facts that were stored.
    source text NOT NULL,
    difference jsonb NOT NULL
);
CREATE INDEX repair_of_case ON repair (case_id, at);
