-- The receipt service's own database: what customers were told of their payments.

-- Append-only. No uniqueness on event_id: a receipt that was written twice must show.
CREATE TABLE receipts (
    event_id   uuid NOT NULL,
    order_id   text NOT NULL,
    type       text NOT NULL,
    version    integer NOT NULL,
    cents      bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Events seen, written in the transaction of their effect.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
