-- The order service's part in sagas, beside its orders; empty under other patterns.

-- A ledger of what became of each order, append-only.
CREATE TABLE order_changes (
    order_id   text NOT NULL,
    status     text NOT NULL,
    version    integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- saga-choreography: which steps of a failing saga are known to be undone.
CREATE TABLE steps_undone (
    order_id text NOT NULL,
    step     text NOT NULL,
    PRIMARY KEY (order_id, step)
);

-- Events seen, written in the transaction of their effect.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
