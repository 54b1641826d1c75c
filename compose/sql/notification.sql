-- The notification service's own database: what was pushed to customers' phones.

-- Append-only, for a message that was sent can't be taken back. No uniqueness on event_id: one
-- that was sent twice must show.
CREATE TABLE pushes (
    event_id   uuid NOT NULL,
    order_id   text NOT NULL,
    type       text NOT NULL,
    version    integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Events seen, written in the transaction of their effect.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
