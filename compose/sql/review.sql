-- The review service's own database: which customers are asked what they think of their order.

-- One row an order, mirroring the order's version.
CREATE TABLE review_requests (
    order_id   text PRIMARY KEY,
    status     text NOT NULL CHECK (status IN ('requested', 'withdrawn')),
    version    integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A ledger of effects, append-only. No uniqueness on event_id: an effect applied twice must show.
CREATE TABLE review_changes (
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
