-- By when an order is to be handled, as escalation's clock last said: who asks for more time must ask before it.
-- A row goes when its clock stops, and when its case is over.
CREATE TABLE order_deadline (
    case_id uuid NOT NULL,
    order_id uuid NOT NULL,
    clock text NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, order_id, clock)
);

-- Cases that stand still to a date and then go on by themselves: one row each, gone when they do.
CREATE TABLE hold_end (
    case_id uuid PRIMARY KEY,
    until timestamptz NOT NULL
);
CREATE INDEX hold_end_until ON hold_end (until);
