"""Refusals and faults as clients see them: what the caller did wrong in full, a fault of ours by its number only."""

from typing import Any

from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from oms.domain.idempotency.keys import KeyInUse, KeyReused
from oms.domain.vocabulary.errors import Code, Problem, Refused
from oms.domain.vocabulary.wording import said
from oms.platform.faults.masking import cause_of, fault_of
from oms.platform.faults.outages import is_outage
from oms.platform.locale.language import gettext
from oms.platform.locale.money import money_text
from oms.schema.runtime.context import Context
from oms.schema.runtime.enums import described
from oms.schema.runtime.fields import NOTHING_MORE, attribute, object_type

described(
    Code,
    "ErrorCode",
    "The broad kind of an error; its reason is finer.",
    {
        Code.INVALID: "The input is malformed or out of bounds.",
        Code.NOT_FOUND: "It does not exist, or the viewer may not see it.",
        Code.FORBIDDEN: "The viewer's role does not allow it.",
        Code.CONFLICT: "The state does not allow it, e.g. delivering what was never dispatched.",
        Code.DUPLICATE: "The same reference was used before for a different order.",
    },
)


@object_type(needs=NOTHING_MORE)
class UserError:
    """What a person or a client did wrong, never a fault of the server."""

    code: Code = attribute("The broad kind of error.")
    reason: str = attribute(
        "A stable reason within the code, e.g. TOO_LATE_TO_CANCEL; docs/reference/errors.md lists them."
    )
    message: str = attribute("For a person: what is wrong, and how to put it right.")
    path: list[str] | None = attribute('The input field it is about, e.g. ["lines", "0", "quantity"].')


def user_errors(refusal: Refused) -> list[UserError]:
    return [
        UserError(
            code=p.code, reason=p.reason.name, message=said(p.message, gettext, money_text), path=list(p.path) or None
        )
        for p in refusal.problems
    ]


def masked(error: GraphQLError) -> GraphQLError:
    """The error as a client may see it, with its code; anything unexpected is logged in full and masked."""
    cause = cause_of(error)
    match cause:
        case Refused(problems=(Problem(reason, _, path), *_)):
            extensions = {"code": str(reason.code), "reason": reason.name} | ({"path": list(path)} if path else {})
            message = "; ".join(said(problem.message, gettext, money_text) for problem in cause.problems)
            return _rewritten(error, message, extensions)
        case KeyInUse():
            message = gettext("The first request with this Idempotency-Key is still running; try again in a moment.")
            return _rewritten(error, message, {"code": str(Code.CONFLICT)}, original=cause)
        case KeyReused():
            message = gettext("This Idempotency-Key was used with a different body; use a new key for a new request.")
            return _rewritten(error, message, {"code": str(Code.DUPLICATE)}, original=cause)
        case RecursionError():
            return _rewritten(error, gettext("The document is nested too deeply."), {"code": str(Code.INVALID)})
        case None if "code" in (error.extensions or {}):
            return error
        case None:
            return _rewritten(error, error.message, {"code": str(Code.INVALID)} | (error.extensions or {}))
    fault = fault_of(cause, path=error.path)
    return _rewritten(error, fault.message, dict(fault.extensions))


def _rewritten(
    error: GraphQLError, message: str, extensions: dict[str, Any], *, original: Exception | None = None
) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=original,
        extensions=extensions,
    )


def reported(context: Context, error: GraphQLError) -> GraphQLError:
    """The masked error; a refusal is passed to the context's `on_refusal`, and an outage is noted there."""
    cause = cause_of(error)
    if isinstance(cause, Refused):
        context.on_refusal(context.viewer, cause)
    elif cause is not None and is_outage(cause):
        context.was_interrupted = True
    return masked(error)


class MaskedErrors(MaskErrors):
    """Masks every error of a result."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return reported(self.execution_context.context, error)
