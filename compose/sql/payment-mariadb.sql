-- The payment service's own database where it is written in JavaScript: who has how much, and why,
-- and what others are to be told of it.

-- Money moves between these two; together they always have nothing.
CREATE TABLE balances (
    account     varchar(20) PRIMARY KEY,
    cents       bigint NOT NULL DEFAULT 0,
    -- The most that one charge may take; null: anything.
    limit_cents bigint
);

CREATE TABLE prices (
    product_id varchar(40) PRIMARY KEY,
    cents      bigint NOT NULL CHECK (cents > 0)
);

-- A ledger of effects, append-only. No uniqueness on event_id: an effect applied twice must show.
CREATE TABLE payment_movements (
    event_id   char(36) NOT NULL,
    order_id   varchar(64) NOT NULL,
    type       varchar(20) NOT NULL,
    cents      bigint NOT NULL,
    version    int NOT NULL,
    applied_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
    KEY payment_movements_order (order_id)
);

-- Events seen, written in the transaction of their effect.
CREATE TABLE inbox (
    event_id    char(36) PRIMARY KEY,
    received_at timestamp(6) NOT NULL DEFAULT current_timestamp(6)
);

CREATE TABLE outbox (
    seq         bigint AUTO_INCREMENT PRIMARY KEY,
    id          char(36) NOT NULL,
    aggregateid varchar(64) NOT NULL,
    type        varchar(20) NOT NULL,
    version     int NOT NULL,
    payload     text NOT NULL,
    created_at  timestamp(6) NOT NULL DEFAULT current_timestamp(6),
    sent_at     timestamp(6) NULL,
    KEY outbox_unsent (sent_at, seq)
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
