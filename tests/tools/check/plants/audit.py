"""Violations of rule 8: the audit log was changed behind its chain."""

from typing import Final

from tests.tools.check.plants.plant import plant

_NEWEST: Final = "(SELECT audit_id FROM audit_chain ORDER BY number DESC LIMIT 1)"
_LINK: Final = "Every link of the audit log's chain"
_BEGINNING: Final = "If the audit log's chain does not begin"
_INSERTED: Final = "No entry of the audit log was inserted"

PLANTS: Final = (
    plant("8", "an entry names somebody else", f"UPDATE audit_events SET actor = 'x' WHERE id = {_NEWEST}", _LINK),
    plant("8", "an entry came later", f"UPDATE audit_events SET at = at + interval '1 s' WHERE id = {_NEWEST}", _LINK),
    plant(
        "8", "an entry is gone", f"DELETE FROM audit_addresses; DELETE FROM audit_events WHERE id = {_NEWEST}", _LINK
    ),
    plant(
        "8",
        "an entry is gone with its link",
        "DELETE FROM audit_events WHERE action = 'AccountCreated';"
        " DELETE FROM audit_chain WHERE audit_id NOT IN (SELECT id FROM audit_events)"
        " AND number > (SELECT min(number) FROM audit_chain)",
        _LINK,
    ),
    plant("8", "a digest was rewritten", "UPDATE audit_chain SET digest = sha256(digest)", _LINK, _BEGINNING),
    plant(
        "8",
        "a removal of early entries was not recorded",
        "DELETE FROM audit_chain WHERE number = (SELECT min(number) FROM audit_chain)",
        _BEGINNING,
    ),
    plant(
        "8",
        "an entry inserted among sealed ones",
        "INSERT INTO audit_events (id, at, actor, principal, action, subject, transaction)"
        " SELECT gen_random_uuid(), at, actor, principal, action, subject, transaction - 1 FROM audit_events"
        f" WHERE id = {_NEWEST}",
        _INSERTED,
    ),
    plant("8", "an address was rewritten", "UPDATE audit_addresses SET address = '192.0.2.1'", _INSERTED),
)
