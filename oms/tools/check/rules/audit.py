"""Rule 8: who did what stays on record. The audit log's chain shows whether somebody changed it since."""

from typing import Final

from oms.tools.check.check import Check

_ENTRY: Final = """
    convert_to(jsonb_build_object(
        'id', a.id, 'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'actor', a.actor,
        'actorRole', a.actor_role, 'principal', a.principal, 'action', a.action, 'subject', a.subject,
        'before', a.before, 'after', a.after, 'reason', a.reason, 'orderId', a.order_id, 'seq', a.seq,
        'sessionId', a.session_id, 'addressDigest', encode(a.address_digest, 'hex'), 'transaction', a.transaction
    )::text, 'UTF8')
"""

CHECKS: Final = (
    Check(
        "8",
        "Every link of the audit log's chain follows the one before, and its entry is as it was sealed",
        "links",
        "audit_chain",
        f"""
        SELECT 'audit link ' || number, problem FROM (
            SELECT c.number, CASE
                WHEN c.number <> c.number_before + 1 THEN format('follows link %s', c.number_before)
                WHEN a.id IS NULL THEN 'its entry is gone'
                WHEN c.digest <> sha256(c.digest_before || {_ENTRY}) THEN 'its entry or its digest was changed'
                END AS problem
            FROM (SELECT number, audit_id, digest,
                         lag(number, 1, CASE WHEN number = 1 THEN 0::bigint END) OVER links AS number_before,
                         lag(digest, 1, decode(repeat('00', 32), 'hex')) OVER links AS digest_before
                  FROM audit_chain WINDOW links AS (ORDER BY number)) c
            LEFT JOIN audit_events a ON a.id = c.audit_id
            WHERE c.number_before IS NOT NULL
        ) links WHERE problem IS NOT NULL
        """,
    ),
    Check(
        "8",
        "If the audit log's chain does not begin with the first link, its newest removal names the link it begins with",
        "links",
        "audit_chain",
        """
        SELECT 'audit link ' || c.number, 'earlier entries are gone, and no removal of them was recorded'
        FROM (SELECT number, digest FROM audit_chain ORDER BY number LIMIT 1) c
        WHERE c.number > 1 AND NOT EXISTS (
            SELECT FROM audit_events a WHERE a.action = 'AuditEntriesRemoved'
            AND a.after ->> 'anchor' = c.number::text AND a.after ->> 'digest' = encode(c.digest, 'hex'))
        """,
    ),
    Check(
        "8",
        "No entry of the audit log was inserted among sealed ones, and each address is the one that was sealed",
        "entries",
        "audit_events",
        """
        SELECT 'audit entry ' || a.id, 'comes before the newest link, and has none'
        FROM audit_events a
        WHERE (a.transaction, a.id) <=
              (SELECT c.transaction, c.audit_id FROM audit_chain c ORDER BY number DESC LIMIT 1)
          AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
        UNION ALL
        SELECT 'audit entry ' || d.audit_id, 'its address was changed'
        FROM audit_addresses d LEFT JOIN audit_events a ON a.id = d.audit_id
        WHERE a.address_digest IS DISTINCT FROM sha256(d.salt || convert_to(d.address, 'UTF8'))
        """,
    ),
)
