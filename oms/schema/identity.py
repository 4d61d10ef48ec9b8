"""People's own accounts: their sessions and their password."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Self

import strawberry
from graphql import GraphQLError

from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands
from oms.domain.identity.sessions import Session as OwnSession
from oms.domain.identity.signing_in import hashing
from oms.domain.vocabulary import ids
from oms.domain.vocabulary.errors import Refused
from oms.domain.vocabulary.wording import said
from oms.platform.db import Tx
from oms.platform.locale.language import Language, gettext
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import described
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, mutation, object_type
from oms.schema.runtime.scalars import Instant

described(
    Language,
    "Language",
    "A language that pages and messages exist in.",
    {Language.ENGLISH: "The language of the texts in the code.", Language.GERMAN: "Translated from English."},
)


@object_type(needs=NOTHING_MORE)
class Session:
    """A signed-in browser. Its owner may end it from anywhere."""

    id: strawberry.ID = attribute("For endSession.")
    begun_at: Instant = attribute("When somebody signed in.")
    last_seen_at: Instant = attribute("When it was last in use, to the minute.")
    expires_at: Instant = attribute("When it ends at the latest.")
    is_this_one: bool = attribute("Whether this request belongs to it.")

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
    """The viewer's, newest first. Machines have none."""
    found = await session_commands.of_viewer(context.db, context.viewer, context.session_rules)
    return [Session.of(session, context) for session in found]


@object_type(needs=NOTHING_MORE)
class AccountPayload:
    """The viewer's sessions now, or why nothing was done."""

    sessions: list[Session] = attribute("Where the viewer is signed in now, newest first.")
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")


async def _end_sessions(info: Info, act: Callable[[Tx], Awaitable[None]]) -> AccountPayload:
    _, errors = await run_command(info, act)
    return AccountPayload(sessions=await own_sessions(info.context), user_errors=errors)


@strawberry.type
class Mutations:
    """Commands of people on their own accounts; tokens have none."""

    @mutation(
        "Changes the viewer's password; all their other sessions end. An Idempotency-Key is ignored, because the result"
        " would have to be stored with something of the passwords: a repeated request is refused.",
        needs=NOTHING_MORE,
    )
    async def change_password(
        self,
        info: Info,
        present_password: Annotated[str, argument("The one that is valid until now.")],
        new_password: Annotated[str, argument("From 12 to 128 characters, and none that is known from a data breach.")],
    ) -> AccountPayload:
        context = info.context
        await context.before_password(context.viewer)
        try:
            with hashing.KNOWN.place():
                await accounts.change_password(
                    context.db, context.viewer, current=present_password, new=new_password, breached=context.breached
                )
        except hashing.LaneFull as full:
            raise GraphQLError(said(full.message, gettext), extensions={"code": "UNAVAILABLE"}) from full
        except Refused as refusal:
            context.on_refusal(context.viewer, refusal)
            return AccountPayload(sessions=[], user_errors=user_errors(refusal))
        return AccountPayload(sessions=await own_sessions(context), user_errors=[])

    @mutation(
        "Sets the language of texts for the viewer, and the time zone of their pages. Null: as the browser asks.",
        needs=NOTHING_MORE,
    )
    async def set_preferences(
        self,
        info: Info,
        language: Annotated[Language | None, argument("Null: as the browser asks.")] = None,
        time_zone: Annotated[
            str | None, argument("An IANA name such as Europe/Berlin; null: as the browser says.")
        ] = None,
    ) -> AccountPayload:
        viewer = info.context.viewer
        _, errors = await run_command(info, lambda tx: accounts.set_preferences(tx, viewer, language, time_zone))
        return AccountPayload(sessions=await own_sessions(info.context), user_errors=errors)

    @mutation("Ends one of the viewer's sessions; its open connections close within seconds.", needs=NOTHING_MORE)
    async def end_session(
        self, info: Info, session_id: Annotated[strawberry.ID, argument("Of one of the viewer's sessions.")]
    ) -> AccountPayload:
        key = ids.parse_session(session_id) or ids.NO_ID
        return await _end_sessions(info, lambda tx: session_commands.end_one(tx, info.context.viewer, key))

    @mutation("Ends all sessions of the viewer but this one.", needs=NOTHING_MORE)
    async def end_other_sessions(self, info: Info) -> AccountPayload:
        return await _end_sessions(info, lambda tx: session_commands.end_others(tx, info.context.viewer))
