-- Events that wait for Kafka; shared/runtime/outbox.py writes, sends and deletes them.
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
