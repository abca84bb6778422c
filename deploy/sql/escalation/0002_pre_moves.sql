-- A clock can stand still, go on and be put off: `moves` counts what was done to it after its start. `body` is then the
-- clock as it was moved last, and `due_at` its deadline of now; one that stands still since `held_at` has nothing to say.
ALTER TABLE clock ADD COLUMN moves smallint NOT NULL DEFAULT 0;
ALTER TABLE clock ADD COLUMN held_at timestamptz;
ALTER TABLE clock ADD CONSTRAINT clock_held_is_silent CHECK (held_at IS NULL OR next_at IS NULL) NOT VALID;
