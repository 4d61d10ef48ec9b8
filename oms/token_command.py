"""`python -m oms token`: a bearer token for a person or a machine."""

from oms.db import Database
from oms.domain.access.handle import issue_token
from oms.domain.actor import Role
from oms.domain.refusal import Refused
from oms.settings import CannotStart


async def issue(database_url: str, *, role: Role, name: str, customer: str | None, days: int | None) -> str:
    """Raises: CannotStart with what is wrong with the request."""
    database = Database(database_url, pool_size=1, ring=lambda _: None)
    try:
        async with database.transaction() as tx:
            return await issue_token(tx, role=role, name=name, customer_reference=customer, days=days)
    except Refused as refusal:
        raise CannotStart("\n".join(problem.message for problem in refusal.problems)) from refusal
    finally:
        await database.close()
