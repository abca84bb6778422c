-- Subscriptions, their secrets (encrypted), and one row for each event that each of them is owed.

CREATE TABLE subscription (
    subscription_id uuid PRIMARY KEY,
    -- Whose it is: the area and the department of the key that made it.
    owner_area      text COLLATE "C" NOT NULL,
    department      text,
    -- What it hears: an area inside the owner's.
    area            text COLLATE "C" NOT NULL,
    filter          json NOT NULL,
    url             text NOT NULL,
    description     text NOT NULL,
    state           text NOT NULL CHECK (state IN ('active', 'disabled')),
    state_reason    text,
    -- Nothing is sent before this moment: the receiver has asked for a pause.
    not_before      timestamptz,
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL
);
CREATE INDEX subscription_by_area ON subscription (area);
CREATE INDEX subscription_by_owner ON subscription (owner_area);

CREATE TABLE subscription_secret (
    secret_id       uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscription ON DELETE CASCADE,
    sealed          bytea NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz
);
CREATE INDEX subscription_secret_by_subscription ON subscription_secret (subscription_id);

CREATE TABLE delivery (
    delivery_id     uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscription ON DELETE CASCADE,
    event_id        uuid NOT NULL,
    case_id         uuid NOT NULL,
    type            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    reason          text NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    -- Attempts before the last replay: the schedule counts from here.
    round           integer NOT NULL DEFAULT 0,
    next_at         timestamptz,
    -- Who has it in hand; a worker whose lease ran out can no longer write the outcome.
    lease           uuid,
    body            text NOT NULL,
    traceparent     text,
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    CHECK ((state = 'waiting') = (next_at IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX delivery_due ON delivery (next_at) WHERE state = 'waiting';
CREATE INDEX delivery_by_subscription ON delivery (subscription_id, created_at DESC, delivery_id DESC);
CREATE INDEX delivery_finished ON delivery (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE delivery_attempt (
    delivery_id  uuid NOT NULL REFERENCES delivery ON DELETE CASCADE,
    number       integer NOT NULL,
    at           timestamptz NOT NULL,
    reason       text NOT NULL,
    status       smallint,
    milliseconds integer NOT NULL,
    detail       text NOT NULL,
    PRIMARY KEY (delivery_id, number)
);
