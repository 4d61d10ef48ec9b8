"""Which statements the parser recognizes as routed by a key, and which it must not."""

import pytest

from tests.system.shards.routing import routed

KEYS = {"orders": "id", "lines": "order_id", "work": "subject_id", "customers": "reference"}
COLUMNS = {
    "orders": ["id", "customer_id", "status"],
    "lines": ["order_id", "sku"],
    "work": ["subject_id", "queue"],
    "customers": ["id", "reference"],
}

ROUTED = [
    "SELECT * FROM orders WHERE id = $1",
    "SELECT * FROM orders o WHERE o.id = ANY(CAST($1 AS uuid[])) AND o.status = 'NEW' FOR UPDATE",
    "SELECT * FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.id = $1",
    "SELECT * FROM lines l, orders o WHERE (l.order_id, l.sku) = (o.id, 'x') AND o.id = $1",
    "SELECT * FROM unnest($1::uuid[], $2::text[]) AS k(order_id, sku) JOIN lines USING (order_id, sku)",
    "SELECT * FROM unnest($1::uuid[]) AS k(o) CROSS JOIN LATERAL (SELECT * FROM lines l WHERE l.order_id = k.o) l",
    "SELECT *, ARRAY(SELECT l.sku FROM lines l WHERE l.order_id = o.id) FROM orders o WHERE id = $1",
    "WITH mine AS (SELECT * FROM orders WHERE id = $1) SELECT * FROM mine JOIN lines l ON l.order_id = mine.id",
    (
        "WITH new AS (INSERT INTO orders (id) SELECT t.id FROM unnest($1::uuid[]) AS t(id) RETURNING id) "
        "INSERT INTO lines (order_id, sku) SELECT id, $2 FROM new"
    ),
    "INSERT INTO orders (status, id) VALUES ($1, $2), ($3, $4)",
    "INSERT INTO orders (id, status) SELECT * FROM unnest($1::uuid[], $2::text[])",
    (
        "WITH free AS (INSERT INTO orders (status, id) SELECT * FROM unnest($1::text[], $2::uuid[]) RETURNING id)"
        " INSERT INTO lines (order_id, sku) SELECT l.* FROM unnest($3::uuid[], $4::text[]) AS l(o, s)"
        " JOIN free ON free.id = l.o"
    ),
    (
        "WITH locked AS MATERIALIZED (SELECT id, status FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE)"
        " SELECT id, (SELECT count(*) FROM lines l WHERE l.order_id = locked.id) FROM locked"
    ),
    "UPDATE work SET queue = $2 FROM unnest($1::uuid[]) AS t(id) WHERE work.subject_id = t.id",
    (
        "DELETE FROM work USING (SELECT id FROM orders WHERE id = $1 UNION ALL SELECT id FROM orders WHERE id = $2) o "
        "WHERE work.subject_id = o.id"
    ),
]
NOT_ROUTED = [
    "SELECT * FROM orders WHERE status = $1",
    "SELECT * FROM orders WHERE id = $1 OR status = $2",
    "SELECT * FROM orders WHERE id > $1",
    "SELECT * FROM orders WHERE id <> $1",
    "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $1",
    "SELECT * FROM orders o JOIN lines l ON l.sku = $2 WHERE o.id = $1",
    "SELECT * FROM orders o LEFT JOIN lines l ON l.order_id = o.id OR l.sku = $2 WHERE o.id = $1",
    "UPDATE work SET subject_id = $1 WHERE queue = $2",
    (
        "UPDATE work SET queue = $1 FROM (SELECT subject_id FROM work WHERE queue = $2 LIMIT 5) due "
        "WHERE work.subject_id = due.subject_id"
    ),
    "INSERT INTO orders (id) SELECT customer_id FROM orders WHERE id = $1",
    "INSERT INTO orders (id) SELECT o.customer_id FROM unnest($1::uuid[]) AS k(id) JOIN orders o ON o.id = k.id",
    (
        "WITH locked AS (SELECT * FROM orders WHERE id = $1)"
        " SELECT (SELECT c.reference FROM customers c WHERE c.id = locked.customer_id) FROM locked"
    ),
    "SELECT * FROM orders WHERE EXISTS (SELECT FROM lines WHERE order_id = $1)",
    "SELECT * FROM orders WHERE NOT id = $1",
]


@pytest.mark.parametrize("sql", ROUTED)
def test_every_table_is_routed_by_its_key(sql: str) -> None:
    found = routed(sql, KEYS, COLUMNS)
    assert found
    assert all(place.by for place in found)


@pytest.mark.parametrize("sql", NOT_ROUTED)
def test_some_table_is_routed_by_no_key(sql: str) -> None:
    assert any(not place.by for place in routed(sql, KEYS, COLUMNS))
