\set a random(1, 500)
\set b random(501, 1000)
\set customer random(1, 10000)
\set key random(1, 9223372036854775806)
BEGIN;
SELECT sku_id, on_hand, reserved FROM stock WHERE sku_id IN (:a, :b) ORDER BY sku_id FOR UPDATE;
UPDATE stock SET reserved = reserved + 1, version = version + 1 WHERE sku_id IN (:a, :b);
INSERT INTO orders (id, customer_id, state, currency, total, idempotency_key) VALUES (gen_random_uuid(), :customer, 'placed', 'EUR', 199.90, 'k' || :key::text || :customer::text) RETURNING id AS order_id \gset
INSERT INTO order_line (order_id, sku_id, qty, unit_price) VALUES (:order_id::uuid, :a, 1, 99.95), (:order_id::uuid, :b, 1, 99.95);
INSERT INTO order_event (order_id, type, payload) VALUES (:order_id::uuid, 'OrderPlaced', '{"customer": 1, "lines": [{"sku": 1, "qty": 1}, {"sku": 2, "qty": 1}]}');
INSERT INTO job (kind, payload) VALUES ('process_order', '{"order": "x"}');
COMMIT;
