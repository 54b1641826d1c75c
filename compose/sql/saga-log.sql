-- The orchestrator's log: how far each saga is, and how it came there.

CREATE TABLE sagas (
    order_id   text PRIMARY KEY,
    product_id text NOT NULL,
    quantity   integer NOT NULL,
    state      text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Append-only: one row for each message that moved a saga on.
CREATE TABLE saga_history (
    order_id   text NOT NULL,
    state      text NOT NULL,
    message    text NOT NULL,
    next_state text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Messages seen, written in the transaction of what came of them.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
