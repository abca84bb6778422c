-- One row an early warning (风险预警): how it stands by its newest event. `body` is that event's warning.
CREATE TABLE early_warning (
    warning_id uuid PRIMARY KEY,
    area text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    raised_at timestamptz,
    ended_at timestamptz,
    opens_case boolean NOT NULL DEFAULT false,
    body json NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX early_warning_of_area ON early_warning (area, raised_at DESC);
