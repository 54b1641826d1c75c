-- What a participant of sagas keeps: how far its step of each saga is, and what it tells the others.

-- One row a saga. `fenced`: it was to be undone before it was done, and so must never be done.
CREATE TABLE saga_steps (
    order_id   text PRIMARY KEY,
    state      text NOT NULL CHECK (state IN ('done', 'refused', 'undone', 'fenced')),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A ledger of effects, append-only. No uniqueness: a step done or undone twice must show.
CREATE TABLE saga_changes (
    event_id   uuid NOT NULL,
    order_id   text NOT NULL,
    step       text NOT NULL,
    change     text NOT NULL,
    reason     text,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
