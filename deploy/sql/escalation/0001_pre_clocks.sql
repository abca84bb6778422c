-- What a case's events have told so far; `facts` holds the newest view of the case, which sla events carry.
CREATE TABLE case_facts (
    case_id uuid PRIMARY KEY,
    county text NOT NULL,
    version integer NOT NULL,
    partition smallint NOT NULL,
    facts jsonb NOT NULL,
    traceparent text,
    -- Set while a clock cannot be started: the county's playbook is not here yet, or its calendar ends too early.
    waiting_since timestamptz,
    waiting_for text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX case_facts_waiting ON case_facts (county, waiting_since) WHERE waiting_since IS NOT NULL;

-- One row a clock. `body` is the clock as it was started and never changes; the columns after it do.
-- No other index holds a changing column, so a fired clock is mostly a HOT update.
CREATE TABLE clock (
    clock_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    order_id uuid,
    kind text NOT NULL,
    level text NOT NULL,
    partition smallint NOT NULL,
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    traceparent text,
    -- The next instant at which it has something to say; NULL when it is stopped or has said everything.
    next_at timestamptz,
    warnings_passed smallint NOT NULL DEFAULT 0,
    breached_at timestamptz,
    stopped_at timestamptz,
    outcome text,
    stopped_by text,
    CHECK ((stopped_at IS NULL) = (outcome IS NULL)),
    CHECK (stopped_at IS NULL OR next_at IS NULL),
    CHECK (breached_at IS NULL OR next_at IS NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX clock_next ON clock (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX clock_of_case ON clock (case_id);

-- The next offset of each partition, written in the transaction that folds everything before it.
CREATE TABLE ledger (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);

CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    topic text NOT NULL,
    key bytea NOT NULL,
    headers jsonb NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX outbox_by_shard ON outbox (shard, position);
CREATE TABLE outbox_shard (shard smallint PRIMARY KEY);
INSERT INTO outbox_shard SELECT generate_series(0, 15);
