-- The payment service's own database: who has how much, and why.

-- Money moves between these two; together they always have nothing.
CREATE TABLE balances (
    account     text PRIMARY KEY,
    cents       bigint NOT NULL DEFAULT 0,
    -- The most that one charge may take; null: anything.
    limit_cents bigint
);

CREATE TABLE prices (
    product_id text PRIMARY KEY,
    cents      bigint NOT NULL CHECK (cents > 0)
);

-- A ledger of effects, append-only. No uniqueness on event_id: an effect applied twice must show.
CREATE TABLE payment_movements (
    event_id   uuid NOT NULL,
    order_id   text NOT NULL,
    type       text NOT NULL,
    cents      bigint NOT NULL,
    version    integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Events seen, written in the transaction of their effect.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO balances (account, limit_cents) VALUES ('customers', 100000), ('shop', NULL);

INSERT INTO prices (product_id, cents) VALUES
    ('anvil', 12000),
    ('bellows', 4500),
    ('chisel', 1250),
    ('drill', 8900),
    ('easel', 3300),
    ('flywheel', 7400),
    ('gantry', 250000),
    ('hoist', 19900);
