-- Drills and modes on cases and in the feed, deliveries that are held back, the modes in force, and rulings.

ALTER TABLE case_view ADD COLUMN purpose text NOT NULL DEFAULT 'real';
ALTER TABLE case_view ADD COLUMN mode text NOT NULL DEFAULT 'normal';
ALTER TABLE feed ADD COLUMN purpose text NOT NULL DEFAULT 'real';
ALTER TABLE feed ADD COLUMN mode text NOT NULL DEFAULT 'normal';

-- Held: written down for people to see, never sent.
ALTER TABLE delivery DROP CONSTRAINT delivery_state_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_state_check
    CHECK (state IN ('waiting', 'delivered', 'failed', 'held')) NOT VALID;
-- What the mode of its case makes of the pauses between its attempts.
ALTER TABLE delivery ADD COLUMN longest_pause interval;

-- Every change of mode that was ever told; the newest of an area is in force there.
CREATE TABLE mode_change (
    change_id  uuid PRIMARY KEY,
    area       text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL,
    body       json NOT NULL
);
CREATE INDEX mode_change_of_area ON mode_change (area, changed_at DESC, change_id DESC);
CREATE INDEX mode_change_newest ON mode_change (changed_at DESC, change_id DESC);

-- What a change did to each case that it reached.
CREATE TABLE mode_settled (
    change_id uuid NOT NULL,
    case_id   uuid NOT NULL REFERENCES case_view ON DELETE CASCADE,
    outcome   text NOT NULL CHECK (outcome IN ('rerouted', 'withdrawn', 'kept')),
    PRIMARY KEY (change_id, case_id)
) WITH (fillfactor = 80);

-- Rulings: proposals for the duty list.
CREATE TABLE ruling (
    event_id   uuid PRIMARY KEY,
    case_id    uuid NOT NULL,
    department text COLLATE "C" NOT NULL,
    category   text COLLATE "C" NOT NULL,
    area       text COLLATE "C" NOT NULL,
    ruled_at   timestamptz NOT NULL
);
CREATE INDEX ruling_by_duty ON ruling (department, category, area);
