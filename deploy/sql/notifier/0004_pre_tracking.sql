-- What waits for whose word, the wording of each step for whoever reported, and which code follows which case.

ALTER TABLE case_view ADD COLUMN waits text[] NOT NULL DEFAULT '{}';
CREATE INDEX case_view_waiting ON case_view USING gin (waits) WHERE waits <> '{}';

-- Null: nothing of it is for the public.
ALTER TABLE timeline ADD COLUMN public json;

-- A code's digest and every case that its report was ever part of; the newest is the one it is part of now.
CREATE TABLE tracked (
    digest    text COLLATE "C" NOT NULL,
    event_id  uuid NOT NULL,
    case_id   uuid NOT NULL,
    report_id uuid NOT NULL,
    how       text NOT NULL CHECK (how IN ('opened', 'joined', 'split')),
    since     timestamptz NOT NULL,
    PRIMARY KEY (digest, event_id)
);
