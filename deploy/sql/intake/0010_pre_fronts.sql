-- Which photos a report came with; the pictures lie in the store of photos under photo_id, the SHA-256 of what is kept.
CREATE TABLE report_photo (
    report_id uuid NOT NULL REFERENCES report ON DELETE CASCADE,
    position smallint NOT NULL,
    photo_id text NOT NULL,
    photo jsonb NOT NULL,
    PRIMARY KEY (report_id, position)
);

-- A picture may go when no report shows it any more.
CREATE INDEX report_photo_of_a_picture ON report_photo (photo_id);

-- Which case stands for a warning or alert that comes again and again, under each name that it has had. ``round`` counts
-- its cases; ``notes`` how often the present one was told something, so that a flapping sensor writes no endless history.
CREATE TABLE alert_chain (
    county text NOT NULL,
    front text NOT NULL,
    reference text NOT NULL,
    case_id uuid NOT NULL,
    round integer NOT NULL,
    firing boolean NOT NULL,
    notes integer NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (county, front, reference)
) WITH (fillfactor = 80);

CREATE INDEX alert_chain_of_a_case ON alert_chain (case_id);
CREATE INDEX alert_chain_by_age ON alert_chain (last_at);
