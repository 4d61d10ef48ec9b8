"""Rule 2: per shipment at most one successful charge not refunded; money taken = invoices charged − refunds."""

from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.sql import (
    ENDED_SHIPMENT,
    MONEY_TAKEN,
    TOTAL_MINOR,
    event_id,
    shipment_id,
    shipment_subject,
    subject_id,
)

_SHIPMENT: Final = shipment_id("s.order_id", "s.number")

CHECKS: Final = (
    Check(
        "2",
        "A shipment is charged at most once, and refunded only what was charged",
        "charges and refunds",
        "order_events WHERE type IN ('ShipmentCharged', 'ShipmentRefunded')",
        f"""
        SELECT {subject_id("order_id", "subject")}, format('%s charges, %s refunds', charges, refunds)
        FROM (SELECT order_id, subject, count(*) FILTER (WHERE type = 'ShipmentCharged') AS charges,
                     count(*) FILTER (WHERE type = 'ShipmentRefunded') AS refunds
              FROM order_events WHERE type IN ('ShipmentCharged', 'ShipmentRefunded')
              GROUP BY order_id, subject) AS counted
        WHERE charges > 1 OR refunds > charges
        """,
    ),
    Check(
        "2",
        "The amount charged is the invoice's total, or 0 if no charge succeeded",
        "shipments",
        "shipments",
        f"""
        SELECT {_SHIPMENT}, format('payment %s, charged %s at %s, invoice total %s', s.payment_status,
                                   s.charged_minor, coalesce(s.charged_at::text, 'no instant'), {TOTAL_MINOR})
        FROM shipments s
        WHERE (s.payment_status IN {MONEY_TAKEN}) <> (s.charged_at IS NOT NULL)
           OR s.charged_minor IS DISTINCT FROM CASE WHEN s.payment_status IN {MONEY_TAKEN} THEN {TOTAL_MINOR} ELSE 0 END
        """,
    ),
    Check(
        "2",
        "A refund pays back the charge, and nothing is paid back unless the payment is refunded",
        "shipments",
        "shipments",
        f"""
        SELECT {_SHIPMENT}, format('payment %s, charged %s, refunded %s', s.payment_status, s.charged_minor,
                                   s.refunded_minor)
        FROM shipments s
        WHERE NOT CASE s.payment_status
            WHEN 'REFUNDED' THEN s.refunded_minor = s.charged_minor
            WHEN 'PARTIALLY_REFUNDED' THEN s.refunded_minor > 0 AND s.refunded_minor < s.charged_minor
            ELSE s.refunded_minor = 0 END
        """,
    ),
    Check(
        "2",
        "Events have the amounts of their shipment",
        "invoices, charges and refunds",
        "order_events WHERE type IN ('ShipmentInvoiced', 'ChargeStarted', 'ShipmentCharged', 'ShipmentRefunded')",
        f"""
        SELECT {event_id("e")}, format('%s %s, the shipment has invoice %s of %s, refunded %s', e.type,
                                       e.data - 'from' - 'to', s.invoice_number, {TOTAL_MINOR}, s.refunded_minor)
        FROM order_events e JOIN shipments s ON (s.order_id, {shipment_subject("s")}) = (e.order_id, e.subject)
        WHERE CASE
            WHEN e.type = 'ShipmentInvoiced' THEN (e.data->>'total', e.data->>'number')
                IS DISTINCT FROM ({TOTAL_MINOR}::text, s.invoice_number)
            WHEN e.type IN ('ChargeStarted', 'ShipmentCharged')
                THEN e.data->>'amount' IS DISTINCT FROM {TOTAL_MINOR}::text
            WHEN e.type = 'ShipmentRefunded' THEN e.data->>'amount' IS DISTINCT FROM s.refunded_minor::text END
        """,
    ),
    Check(
        "2",
        "In each currency, money taken = invoices charged − refunds, in shipments as in events",
        "currencies",
        "(SELECT DISTINCT currency FROM orders) AS currencies",
        f"""
        WITH stored AS (
            SELECT o.currency, sum(s.charged_minor - s.refunded_minor) AS taken,
                   coalesce(sum({TOTAL_MINOR}) FILTER (WHERE s.payment_status IN {MONEY_TAKEN}), 0)
                       - sum(s.refunded_minor) AS due
            FROM shipments s JOIN orders o ON o.id = s.order_id GROUP BY o.currency),
        summed AS (
            SELECT o.currency,
                   sum((e.data->>'amount')::numeric * CASE e.type WHEN 'ShipmentCharged' THEN 1 ELSE -1 END) AS taken
            FROM order_events e JOIN orders o ON o.id = e.order_id
            WHERE e.type IN ('ShipmentCharged', 'ShipmentRefunded') GROUP BY o.currency)
        SELECT currency, format('taken %s, invoices charged − refunds %s, by the events %s', s.taken, s.due,
                                coalesce(e.taken, 0))
        FROM stored s LEFT JOIN summed e USING (currency)
        WHERE s.taken <> s.due OR s.taken <> coalesce(e.taken, 0)
        """,
    ),
    Check(
        "2",
        "An invoice is complete, no amount in it is negative, its subtotal is Σ quantity × unit price",
        "shipments",
        "shipments",
        f"""
        WITH goods AS (
            SELECT order_id, shipment, sum(quantity::numeric * unit_price_minor) AS minor
            FROM allocations GROUP BY order_id, shipment)
        SELECT {_SHIPMENT}, format('invoice %s issued at %s: %s − %s + %s + %s, its items cost %s', s.invoice_number,
            s.issued_at, s.subtotal_minor, s.discount_minor, s.tax_minor, s.shipping_minor, g.minor)
        FROM shipments s LEFT JOIN goods g ON (g.order_id, g.shipment) = (s.order_id, s.number)
        WHERE num_nonnulls(s.invoice_number, s.issued_at, s.subtotal_minor, s.discount_minor, s.tax_minor,
                           s.shipping_minor) NOT IN (0, 6)
           OR least(s.subtotal_minor, s.discount_minor, s.tax_minor, s.shipping_minor, {TOTAL_MINOR}) < 0
           OR s.subtotal_minor <> coalesce(g.minor, 0)
        """,
    ),
    Check(
        "2",
        "An invoice number belongs to one shipment",
        "invoices",
        "shipments WHERE invoice_number IS NOT NULL",
        f"""
        SELECT min({_SHIPMENT}), format('%s belongs to %s shipments', s.invoice_number, count(*))
        FROM shipments s WHERE s.invoice_number IS NOT NULL GROUP BY s.invoice_number HAVING count(*) > 1
        """,
    ),
    Check(
        "2",
        "Nothing is invoiced or charged before the order is allocated, or accepted if it was amended",
        "invoices and charges",
        "order_events WHERE type IN ('ShipmentInvoiced', 'ChargeStarted', 'ShipmentCharged', 'ChargeDeclined')",
        f"""
        WITH agreed AS (
            SELECT order_id, min(seq) AS seq FROM order_events
            WHERE type IN ('ItemsAllocated', 'AmendmentAccepted') GROUP BY order_id)
        SELECT {event_id("e")}, format('%s before the order was allocated or accepted', e.type)
        FROM order_events e LEFT JOIN agreed a USING (order_id)
        WHERE e.type IN ('ShipmentInvoiced', 'ChargeStarted', 'ShipmentCharged', 'ChargeDeclined')
          AND (a.seq IS NULL OR e.seq < a.seq)
        """,
    ),
    Check(
        "2",
        "A shipment that ended with a charge in flight or not refunded has work to settle it",
        "ended shipments with a charge to settle or refund",
        f"shipments WHERE status IN {ENDED_SHIPMENT} AND payment_status IN ('CHARGING', 'SUCCEEDED')",
        f"""
        SELECT {_SHIPMENT}, format('%s, payment %s, no work in the queue billing', s.status, s.payment_status)
        FROM shipments s
        WHERE s.status IN {ENDED_SHIPMENT} AND s.payment_status IN ('CHARGING', 'SUCCEEDED') AND NOT EXISTS (
            SELECT FROM work w WHERE (w.subject_id, w.part, w.queue) = (s.order_id, s.number, 'billing'))
        """,
    ),
)
