-- What the n-th of the orders of long ago looks like. Everything follows from n, so each table is written by itself.
-- Filled in by fill.py: {start_us} when the first was placed, {step_us} from one to the next, {customers} how many.
-- The layout of stock is that of benchmarks/load/catalogue.py.
DROP SCHEMA IF EXISTS filling CASCADE;
CREATE SCHEMA filling;

CREATE FUNCTION filling.instant(micros bigint) RETURNS timestamptz STABLE LANGUAGE sql
RETURN timestamptz 'epoch' + micros * interval '1 microsecond';

-- As oms/domain/ids.py makes them, but that the random bits are a number.
CREATE FUNCTION filling.time_ordered(micros bigint, number bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN CAST(lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0')
            || '8' || lpad(to_hex(number), 15, '0') AS uuid);

CREATE FUNCTION filling.placed_us(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql RETURN {start_us} + n * {step_us};
CREATE FUNCTION filling.order_id(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN filling.time_ordered(filling.placed_us(n), n);

CREATE FUNCTION filling.customer(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql RETURN 1 + n * 7919 % {customers};
CREATE FUNCTION filling.customer_id(customer bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN filling.time_ordered({start_us}, customer);

CREATE FUNCTION filling.customer_reference(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN 'C-' || lpad(CAST(customer AS text), 7, '0');
CREATE FUNCTION filling.reference(n bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN 'FILLED-' || lpad(CAST(n AS text), 10, '0');

-- Customers differ as those of a shop do: a first name is shared by a thousandth of them, a family name by fewer, a
-- quarter live in one town. No name is the beginning of another, and no word may contain what is folded in terms: ae, oe or ue.
CREATE FUNCTION filling.given(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN 'Given' || lpad(CAST(customer * 7 % 1009 AS text), 4, '0');
CREATE FUNCTION filling.family(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN 'Family' || lpad(CAST(customer * 31 % 20011 AS text), 5, '0');
CREATE FUNCTION filling.email(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN filling.given(customer) || '.' || filling.family(customer) || '.' || CAST(customer AS text) || '@example.com';
CREATE FUNCTION filling.phone(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN '+1555' || lpad(CAST(customer AS text), 7, '0');
CREATE FUNCTION filling.postal_code(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN lpad(CAST(customer * 13 % 50021 AS text), 5, '0');
CREATE FUNCTION filling.city(customer bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN CASE WHEN customer % 4 = 0 THEN 'Exampletown' ELSE 'Town-' || lpad(CAST(customer % 1013 AS text), 4, '0') END;

CREATE FUNCTION filling.sku(number bigint) RETURNS text IMMUTABLE LANGUAGE sql
RETURN 'SKU-' || lpad(CAST(number AS text), 4, '0');
CREATE FUNCTION filling.tax_minor(net_minor bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN (net_minor * 4000 + 10000) / 20000;

-- Two lines; `split`: the second stands in the other warehouse.
CREATE FUNCTION filling.orders(lowest bigint, highest bigint)
RETURNS TABLE (n bigint, id uuid, placed_us bigint, a bigint, b bigint, units_a int, units_b int, split boolean)
STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT g, filling.order_id(g), filling.placed_us(g), 1 + g * 31 % 500, 501 + g * 37 % 500,
           CAST(1 + g % 3 AS int), CAST(1 + g % 2 AS int), 501 + g * 37 % 500 > 850
    FROM generate_series(lowest, highest) AS g;
END;

CREATE FUNCTION filling.parcels(lowest bigint, highest bigint)
RETURNS TABLE (n bigint, id uuid, number int, placed_us bigint, split boolean, warehouse text, units int,
               subtotal bigint, tax bigint, shipping bigint)
STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT o.n, o.id, p.number, o.placed_us, o.split, p.warehouse, p.units, p.subtotal, p.tax, 500 + 50 * p.units
    FROM filling.orders(lowest, highest) AS o CROSS JOIN LATERAL (
        SELECT 1 AS number, 'NEAR' AS warehouse,
               CASE WHEN o.split THEN o.units_a ELSE o.units_a + o.units_b END AS units,
               o.units_a * (1000 + o.a) + CASE WHEN o.split THEN 0 ELSE o.units_b * (1000 + o.b) END AS subtotal,
               filling.tax_minor(o.units_a * (1000 + o.a))
                   + CASE WHEN o.split THEN 0 ELSE filling.tax_minor(o.units_b * (1000 + o.b)) END AS tax
        UNION ALL
        SELECT 2, 'FAR', o.units_b, o.units_b * (1000 + o.b), filling.tax_minor(o.units_b * (1000 + o.b))
        WHERE o.split
    ) AS p;
END;
