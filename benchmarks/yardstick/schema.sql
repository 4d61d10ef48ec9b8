-- The least that an order management system keeps of an order, to be written by order.sql.
DROP TABLE IF EXISTS job, order_event, order_line, orders, stock CASCADE;
CREATE TABLE stock (
    sku_id int PRIMARY KEY,
    on_hand int NOT NULL,
    reserved int NOT NULL DEFAULT 0,
    version int NOT NULL DEFAULT 0
);
INSERT INTO stock SELECT g, 1000000000 FROM generate_series(1, 1000) AS g;
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    number bigserial NOT NULL UNIQUE,
    customer_id int NOT NULL,
    state text NOT NULL,
    currency char(3) NOT NULL,
    total numeric(14, 2) NOT NULL,
    idempotency_key text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON orders (created_at DESC);
CREATE INDEX ON orders (customer_id);
CREATE TABLE order_line (
    id bigserial PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders,
    sku_id int NOT NULL REFERENCES stock,
    qty int NOT NULL,
    unit_price numeric(14, 2) NOT NULL
);
CREATE INDEX ON order_line (order_id);
CREATE TABLE order_event (
    id bigserial PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders,
    type text NOT NULL,
    payload jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON order_event (order_id);
CREATE TABLE job (
    id bigserial PRIMARY KEY,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz
);
CREATE INDEX ON job (run_at) WHERE done_at IS NULL;
