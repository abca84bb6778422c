-- Each report of a real matter once, for as long as it says what is usual: eight weeks, deleted in slices after that.
-- `fresh` until a round has looked at the windows that it changes.
CREATE TABLE warning_report (
    report_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    county text COLLATE "C" NOT NULL,
    area text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    lon double precision,
    lat double precision,
    fresh boolean NOT NULL
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX warning_report_of_county ON warning_report (county, at);
CREATE INDEX warning_report_fresh ON warning_report (county) WHERE fresh;
CREATE INDEX warning_report_oldest ON warning_report USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- One row an episode; `body` is the episode as the domain writes it.
CREATE TABLE warning (
    warning_id uuid PRIMARY KEY,
    county text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    raised_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    body jsonb NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX warning_of_county ON warning (county, ended_at);
CREATE INDEX warning_standing ON warning (looked_at) WHERE ended_at IS NULL;
