-- The read side: what is known of each case, and the feed that streams and webhooks are cut from.

CREATE TABLE case_view (
    case_id     uuid PRIMARY KEY,
    -- Null only inside the transaction that first hears of the case: the row is its lock before it is its content.
    version     integer,
    state       text,
    area        text COLLATE "C",
    level       text,
    category    text COLLATE "C",
    severity    smallint,
    title       text,
    opened_at   timestamptz,
    departments text[],
    due_at      timestamptz,
    escalated_to text,
    summary     json,
    fold        json
) WITH (fillfactor = 80);
CREATE INDEX case_view_newest ON case_view (opened_at DESC, case_id DESC);
CREATE INDEX case_view_by_area ON case_view (area);
CREATE INDEX case_view_by_department ON case_view USING gin (departments);
CREATE INDEX case_view_by_due ON case_view (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE case_order (
    order_id  uuid PRIMARY KEY,
    case_id   uuid NOT NULL REFERENCES case_view ON DELETE CASCADE,
    level     text NOT NULL,
    state     text NOT NULL,
    fold      json NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX case_order_by_case ON case_order (case_id);

CREATE TABLE case_clock (
    clock_id uuid PRIMARY KEY,
    case_id  uuid NOT NULL REFERENCES case_view ON DELETE CASCADE,
    open     boolean NOT NULL,
    due_at   timestamptz NOT NULL,
    escalated_to text,
    fold     json NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX case_clock_by_case ON case_clock (case_id);

-- Every event that was ever told, once: the unique event id is what makes a repeat change nothing.
CREATE TABLE timeline (
    event_id    uuid PRIMARY KEY,
    case_id     uuid NOT NULL REFERENCES case_view ON DELETE CASCADE,
    sequence    integer NOT NULL,
    rank        smallint NOT NULL,
    at          timestamptz NOT NULL,
    departments text[] NOT NULL,
    entry       json NOT NULL
);
CREATE INDEX timeline_by_case ON timeline (case_id, sequence, rank, at);

-- Positions are given out under one advisory lock and in commit order: docs/decisions/0006.
CREATE TABLE feed (
    position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid NOT NULL UNIQUE,
    case_id     uuid NOT NULL,
    type        text NOT NULL,
    area        text COLLATE "C" NOT NULL,
    level       text NOT NULL,
    category    text COLLATE "C" NOT NULL,
    severity    smallint NOT NULL,
    departments text[] NOT NULL,
    data        text NOT NULL,
    told_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Everything at or before this position has been pruned.
CREATE TABLE feed_floor (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
);
INSERT INTO feed_floor (position) VALUES (0);
