-- Photos on their way: noted before the picture is kept, so that whoever removes the same picture in that moment leaves
-- it, or is waited for. Notes of those that have arrived are forgotten.
CREATE TABLE photo_upload (
    photo_id text PRIMARY KEY,
    at timestamptz NOT NULL
);
