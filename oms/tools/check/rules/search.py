"""What orders and products are found by agrees with what they say, and nothing is left of what was erased."""

from typing import Final

from oms.tools.check.check import LINKS, Check
from oms.tools.check.sql import order_id

_LATIN: Final = "'^[A-Za-z0-9À-ž@._ -]*$'"
"""Of other texts, what counts as a letter is for PostgreSQL and for Python not quite the same."""

_TRACKING: Final = 2
_NAME: Final = 7
_CITY: Final = 9
_PHONE: Final = 6


def _small(text: str) -> str:
    """SQL: the text in lower case, without accents."""
    return f"""translate(casefold(normalize({text}, NFKD) COLLATE "pg_unicode_fast"), 'øłđæœıð', 'oldaoid')"""


def _without_umlauts(text: str) -> str:
    return f"(replace(replace(replace({text}, 'ae', 'a'), 'oe', 'o'), 'ue', 'u') COLLATE \"C\")"


def _term(text: str) -> str:
    """Letters and digits only."""
    letters = f"regexp_replace({_small(text)}, '[^[:alnum:]]', '', 'g')"
    return f"left({_without_umlauts(letters)}, 60)"


def _spaced(text: str) -> str:
    """The same with a space for everything else."""
    letters = f"regexp_replace({_small(text)}, '[^[:alnum:]]+', ' ', 'g')"
    return _without_umlauts(letters)


_STATED: Final = """
    SELECT id AS order_id, 1 AS field, reference AS text FROM orders
    UNION ALL SELECT id, 1, own_reference FROM orders WHERE own_reference IS NOT NULL
    UNION ALL SELECT order_id, 2, tracking_number FROM shipments WHERE tracking_number IS NOT NULL
    UNION ALL SELECT order_id, 3, invoice_number FROM shipments WHERE invoice_number IS NOT NULL
    UNION ALL SELECT id, 4, customer_reference FROM orders
              WHERE customer_reference <> 'erased-' || replace(customer_id::text, '-', '')
    UNION ALL SELECT id, 5, email FROM orders WHERE email IS NOT NULL
    UNION ALL SELECT id, 6, phone FROM orders WHERE phone IS NOT NULL
    UNION ALL SELECT o.id, a.field, o.shipping_address ->> a.name
              FROM orders o CROSS JOIN (VALUES (7, 'name'), (8, 'postalCode'), (9, 'city')) AS a(field, name)
              WHERE o.shipping_address ->> a.name <> ''
"""
"""Every text that an order is found by."""

_EXPECTED: Final = f"""
    SELECT order_id, field, CASE field WHEN {_PHONE} THEN '+' || reverse(regexp_replace(text, '\\D', '', 'g'))
                                       ELSE {_term("text")} END AS term
    FROM ({_STATED}) AS stated WHERE field NOT IN ({_NAME}, {_CITY}) AND text ~ {_LATIN} OR field = {_PHONE}
    UNION ALL
    SELECT order_id, field, {_term("word")}
    FROM ({_STATED}) AS stated
    CROSS JOIN LATERAL regexp_split_to_table(btrim(text), '\\s+') WITH ORDINALITY AS words(word, place)
    WHERE field IN ({_NAME}, {_CITY}) AND text ~ {_LATIN} AND place <= 10
"""

CHECKS: Final = (
    Check(
        LINKS,
        "An order is found by each of its references, addresses and numbers",
        "orders",
        "orders",
        f"""
        SELECT {order_id("e.order_id")}, format('not found by field %s, %s', e.field, e.term)
        FROM ({_EXPECTED}) AS e
        WHERE e.term <> '' AND NOT EXISTS (
            SELECT FROM order_terms t WHERE (t.order_id, t.term, t.field) = (e.order_id, e.term, e.field))
        """,
    ),
    # The term of a tracking number that was given back stays.
    Check(
        LINKS,
        "No order is found by what it does not say, or says no more",
        "search terms",
        "order_terms",
        f"""
        SELECT {order_id("t.order_id")}, format('found by field %s, %s', t.field, t.term)
        FROM order_terms t
        WHERE t.field <> {_TRACKING} AND NOT EXISTS (
            SELECT FROM ({_STATED}) AS s
            WHERE s.order_id = t.order_id AND s.field = t.field AND (
                s.text !~ {_LATIN} AND s.field <> {_PHONE}
                OR s.field = {_PHONE} AND t.term = '+' || reverse(regexp_replace(s.text, '\\D', '', 'g'))
                OR strpos(({_spaced("s.text")}) || ' ' || ({_term("s.text")}), t.term) > 0))
           OR t.field = {_TRACKING} AND NOT EXISTS (SELECT FROM orders o WHERE o.id = t.order_id)
        """,
    ),
    Check(
        LINKS,
        "A product is found by its SKU, and no other is",
        "products",
        "products",
        f"""
        SELECT 'product ' || p.sku, 'not found by its SKU' FROM products p
        WHERE p.sku ~ {_LATIN} AND {_term("p.sku")} <> ''
          AND NOT EXISTS (SELECT FROM product_terms t WHERE (t.sku, t.term) = (p.sku, {_term("p.sku")}))
        UNION ALL
        SELECT 'product ' || t.sku, 'found by ' || t.term FROM product_terms t
        WHERE NOT EXISTS (SELECT FROM products p WHERE p.sku = t.sku)
        """,
    ),
)
