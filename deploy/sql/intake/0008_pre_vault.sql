-- Keys that seal personal data, one a county and period, wrapped by the keys of WHISTLE_SECRET_KEY: changing those
-- means to wrap these anew, and no row. See docs/decisions/0020-seal-by-data-keys.md.
CREATE TABLE data_key (
    key_id uuid PRIMARY KEY,
    -- Empty for the one key that makes a person's fingerprint.
    county text NOT NULL,
    use text NOT NULL CHECK (use IN ('seal', 'person')),
    made_at timestamptz NOT NULL,
    wrapped bytea NOT NULL,
    -- Which key wraps it, by a digest that tells nothing about it.
    wrapped_by text NOT NULL
);
CREATE INDEX data_key_newest ON data_key (county, made_at DESC) WHERE use = 'seal';
CREATE UNIQUE INDEX data_key_of_persons ON data_key (use) WHERE use = 'person';

ALTER TABLE reporter
    -- A keyed digest of the phone, so that one person's reports can be found without anybody being able to guess it.
    ADD COLUMN person bytea,
    -- Nobody below the county's leader is told who it was.
    ADD COLUMN secret boolean NOT NULL DEFAULT false,
    -- What was there before says it when it is sealed anew.
    ADD COLUMN received_at timestamptz NOT NULL DEFAULT now();
