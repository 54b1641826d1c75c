-- The order service's own database: what was ordered, and what the others are to be told.

CREATE TABLE orders (
    order_id   text PRIMARY KEY,
    product_id text NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    -- Under sagas an order is pending until its saga has ended.
    status     text NOT NULL CHECK (status IN (
        'placed', 'cancelled', 'pending', 'undoing', 'cancelling', 'completed', 'rejected'
    )),
    version    integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Empty under dual-write. The columns are those which Debezium's EventRouter expects.
CREATE TABLE outbox (
    id            uuid PRIMARY KEY,
    seq           bigserial NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid   text NOT NULL,
    type          text NOT NULL,
    version       integer NOT NULL,
    payload       jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    sent_at       timestamptz
);

-- Of table-polling: up to where the poller has told of `orders`.
CREATE TABLE poller_cursor (
    updated_at timestamptz NOT NULL
);
INSERT INTO poller_cursor (updated_at) VALUES ('epoch');

CREATE INDEX outbox_unsent ON outbox (seq) WHERE sent_at IS NULL;
CREATE INDEX outbox_unsent_of_order ON outbox (aggregateid, version) WHERE sent_at IS NULL;

-- Made with the table, not by the connector: nothing written before the connector's first start
-- may fall outside it.
CREATE PUBLICATION order_outbox FOR TABLE outbox WITH (publish = 'insert');

-- Of table-cdc: the table itself. A deleted row must be told whole, not by its key alone, so that
-- whoever reads of it knows which of its versions it was.
ALTER TABLE orders REPLICA IDENTITY FULL;
CREATE PUBLICATION order_table FOR TABLE orders;
