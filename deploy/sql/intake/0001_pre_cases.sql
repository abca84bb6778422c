-- The state machine's memory: the snapshot is what the log of events amounts to, and is what a command loads.
CREATE TABLE case_snapshot (
    case_id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    state text NOT NULL,
    area text NOT NULL,
    snapshot jsonb NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);

-- Append-only: every fact of a case's life, as it also went to whistle.case.v1.
CREATE TABLE case_event (
    case_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    event_id uuid NOT NULL,
    type text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (case_id, version)
);

CREATE TABLE report (
    report_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    source text NOT NULL,
    sender text NOT NULL,
    text text NOT NULL,
    received_at timestamptz NOT NULL,
    occurred_at timestamptz
);

-- Who reported and the text before masking: Fernet ciphertext, readable with WHISTLE_SECRET_KEY only.
CREATE TABLE reporter (
    report_id uuid PRIMARY KEY REFERENCES report,
    sealed bytea NOT NULL
);

-- What was answered under a client's Idempotency-Key (or an inbound source's reference), given back byte for byte.
CREATE TABLE client_key (
    owner text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, key)
);
