"""Access tokens describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.tokens.policy import TokenAction, TokenReason
from oms.domain.tokens.tables import access_tokens

TOKENS: Final = Concept(name="tokens", tables=(access_tokens,), reasons=(TokenReason,), audit_actions=(TokenAction,))
