-- What a service tells the others, written in the transaction of its change; empty but under sagas.

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

CREATE INDEX outbox_unsent ON outbox (seq) WHERE sent_at IS NULL;
