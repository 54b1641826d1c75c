-- The inventory service's own database.

CREATE TABLE stock (
    product_id text PRIMARY KEY,
    on_hand    integer NOT NULL,
    initial    integer NOT NULL
);

-- A ledger of effects, append-only. No uniqueness on event_id: an effect applied twice must show.
CREATE TABLE stock_movements (
    event_id   uuid NOT NULL,
    order_id   text NOT NULL,
    product_id text NOT NULL,
    delta      integer NOT NULL,
    version    integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Events seen, written in the transaction of their effect.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO stock (product_id, on_hand, initial) VALUES
    ('anvil', 1000, 1000),
    ('bellows', 1000, 1000),
    ('chisel', 1000, 1000),
    ('drill', 1000, 1000),
    ('easel', 1000, 1000),
    ('flywheel', 4, 4),
    ('gantry', 1000, 1000),
    ('hoist', 1000, 1000);
