-- The shipping service's own database.

-- One row an order, mirroring the order's status and version.
CREATE TABLE shipments (
    order_id   text PRIMARY KEY,
    product_id text NOT NULL,
    quantity   integer NOT NULL,
    status     text NOT NULL,
    version    integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A ledger of effects, append-only. No uniqueness on event_id: an effect applied twice must show.
CREATE TABLE shipment_changes (
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

-- What a carrier may refuse. A product that is not listed weighs little.
CREATE TABLE weights (
    product_id text PRIMARY KEY,
    kilograms  integer NOT NULL CHECK (kilograms > 0)
);

INSERT INTO weights (product_id, kilograms) VALUES ('anvil', 25), ('hoist', 80);
