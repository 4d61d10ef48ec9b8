"""What is done when a second person confirms a request, as the one who made it."""

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.model import Act, Request
from oms.domain.cancellation import commands as cancellation
from oms.domain.fulfilment import commands as fulfilment
from oms.domain.parked import commands as parked
from oms.domain.personal_data import commands as personal_data
from oms.domain.vocabulary import ids
from oms.domain.work.model import WorkKey
from oms.platform.db import Tx


async def carry_out(tx: Tx, viewer: Viewer, request: Request) -> None:
    """Raises Refused as the act does."""
    subject, reason = request.subject, request.reason or ""
    match request.act:
        case Act.CANCEL_ORDER:
            await cancellation.cancel(tx, viewer, ids.parse_order(subject) or ids.NO_ID, request.reason)
        case Act.FAIL_SHIPMENT:
            await fulfilment.fail(tx, viewer, ids.parse_shipment(subject) or (ids.NO_ID, 0), reason)
        case Act.GIVE_UP_WORK:
            await parked.give_up(tx, viewer, WorkKey(*(ids.parse_work(subject) or (ids.NO_ID, 0, ""))), reason)
        case Act.ERASE_CUSTOMER:
            await personal_data.erase_by_id(tx, viewer, ids.parse_customer(subject) or ids.NO_ID, reason)
