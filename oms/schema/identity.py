"""What people do with their own account: see where they are signed in, sign out there, choose a new password."""

from collections.abc import Awaitable, Callable
from typing import Self

import strawberry

from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands
from oms.domain.identity.sessions import Session as OwnSession
from oms.domain.vocabulary import ids
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Tx
from oms.schema.runtime.commands import carry_out
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.fields import mutation
from oms.schema.runtime.scalars import Instant


@strawberry.type
class Session:
    """One signing in. Its owner may end it from anywhere."""

    id: strawberry.ID
    begun_at: Instant
    last_seen_at: Instant = strawberry.field(description="When it was last in use, to the minute.")
    expires_at: Instant = strawberry.field(description="When it ends at the latest.")
    is_this_one: bool = strawberry.field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, session: OwnSession, context: Context) -> Self:
        return cls(
            id=strawberry.ID(ids.session_id(session.id)),
            begun_at=Instant(session.created_at),
            last_seen_at=Instant(session.last_seen_at),
            expires_at=Instant(session.expires_at),
            is_this_one=session.id == context.viewer.session_id,
        )


async def own_sessions(context: Context) -> list[Session]:
    """The viewer's, begun last first; none of a machine."""
    found = await session_commands.of_viewer(context.db, context.viewer, context.session_rules)
    return [Session.of(session, context) for session in found]


@strawberry.type
class AccountPayload:
    """Where the viewer is signed in now, or why nothing was done."""

    sessions: list[Session]
    user_errors: list[UserError]


async def _ended(info: Info, act: Callable[[Tx], Awaitable[None]]) -> AccountPayload:
    _, errors = await carry_out(info, act)
    return AccountPayload(sessions=await own_sessions(info.context), user_errors=errors)


@strawberry.type
class AccountMutations:
    """What people do with their own account; a token has none."""

    @mutation(
        "Gives the viewer another password; all their other sessions end. An Idempotency-Key is not heeded, for that "
        "would mean to keep something of the passwords: repeated, it is refused."
    )
    async def change_password(self, info: Info, present_password: str, new_password: str) -> AccountPayload:
        context = info.context
        await context.before_password(context.viewer)
        try:
            await accounts.change_password(
                context.db, context.viewer, current=present_password, new=new_password, breached=context.breached
            )
        except Refused as refusal:
            context.on_refusal(context.viewer, refusal)
            return AccountPayload(sessions=[], user_errors=user_errors(refusal))
        return AccountPayload(sessions=await own_sessions(context), user_errors=[])

    @mutation("Signs the viewer out where that session is; what is open there ends within seconds.")
    async def end_session(self, info: Info, session_id: strawberry.ID) -> AccountPayload:
        wanted = ids.parse_session(session_id) or ids.NO_ID
        return await _ended(info, lambda tx: session_commands.end_one(tx, info.context.viewer, wanted))

    @mutation("Signs the viewer out everywhere but here.")
    async def end_other_sessions(self, info: Info) -> AccountPayload:
        return await _ended(info, lambda tx: session_commands.end_others(tx, info.context.viewer))
