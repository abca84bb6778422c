-- Where due clocks are looked for: by the lane that may fire or may not, then the most urgent, then the earliest. What
-- stands in a lane whose facts are not whole is never walked over.
CREATE INDEX clock_urgent ON clock (partition, urgency, next_at) WHERE next_at IS NOT NULL;
