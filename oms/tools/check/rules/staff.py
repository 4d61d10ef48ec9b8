"""Acts of staff that need a second person, and their notes."""

from typing import Final

from oms.tools.check.check import LINKS, Check
from oms.tools.check.sql import note_id, order_id

CHECKS: Final = (
    Check(
        "8",
        "Nobody confirmed what they requested themselves",
        "decided requests",
        "approvals WHERE decided_at IS NOT NULL",
        """
        SELECT 'request ' || id, 'confirmed by ' || decider FROM approvals
        WHERE outcome = 'CONFIRMED' AND decider = requester
        """,
    ),
    Check(
        LINKS,
        "Notes belong to an order and are numbered from 1 without gaps",
        "orders with notes",
        "(SELECT DISTINCT order_id FROM order_notes) AS noted",
        f"""
        SELECT {order_id("k.order_id")}, format('%s notes, numbered %s to %s', k.notes, k.lowest, k.highest)
        FROM (SELECT order_id, count(*) AS notes, min(number) AS lowest, max(number) AS highest
              FROM order_notes GROUP BY order_id) AS k
        WHERE (k.lowest, k.highest) <> (1, k.notes) OR NOT EXISTS (SELECT FROM orders o WHERE o.id = k.order_id)
        """,
    ),
    Check(
        "8",
        "A note is by a member of staff, and as far back as the audit log goes it names each note once, by its author",
        "notes",
        "order_notes",
        f"""
        SELECT {note_id("n")}, format('by %s (%s), named %s times', n.author, n.author_role, count(a.id))
        FROM order_notes n LEFT JOIN audit_events a
            ON a.action = 'NoteAdded' AND a.subject = {note_id("n")} AND a.order_id = n.order_id
            AND (a.actor, a.actor_role) = (n.author, n.author_role)
        GROUP BY n.order_id, n.number
        HAVING n.author_role NOT IN ('MANAGER', 'SUPPORT')
            OR count(a.id) <> 1 AND n.at >= (SELECT min(at) FROM audit_events)
        UNION ALL
        SELECT 'audit entry ' || a.id, 'there is no note ' || a.subject FROM audit_events a
        WHERE a.action = 'NoteAdded' AND NOT EXISTS (SELECT FROM order_notes n WHERE {note_id("n")} = a.subject)
        """,
    ),
    Check(
        "8",
        "A note says something, unless its customer was erased",
        "notes",
        "order_notes",
        f"""
        SELECT {note_id("n")}, 'of ' || o.customer_reference
        FROM order_notes n JOIN orders o ON o.id = n.order_id
        WHERE btrim(coalesce(n.text, '')) = ''
          AND (n.text IS NOT NULL OR o.customer_reference <> 'erased-' || replace(o.customer_id::text, '-', ''))
        """,
    ),
)
