-- What the writer commits; the same for every stack.

CREATE TABLE orders (
    order_id   text PRIMARY KEY,
    product_id text NOT NULL,
    quantity   integer NOT NULL
);

CREATE TABLE order_lines (
    order_id   text NOT NULL REFERENCES orders,
    line       integer NOT NULL,
    product_id text NOT NULL,
    PRIMARY KEY (order_id, line)
);
