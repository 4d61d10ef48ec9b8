"""Acts that one person alone has done."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "8",
        "a request confirmed by its requester",
        """INSERT INTO approvals VALUES (gen_random_uuid(), 'CANCEL_ORDER', 'ord_1', NULL, 1, 'USD', now(), 'kim',
                                      'SUPPORT', 'account:1', now(), 'account:1', 'CONFIRMED')""",
        "Nobody confirmed",
    ),
)
