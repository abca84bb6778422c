-- Cases whose reporter asked for secrecy are in no public list.

ALTER TABLE case_view ADD COLUMN secret boolean NOT NULL DEFAULT false;
