"""The provider of OpenID Connect at which people sign in: where to send them, and who they are when they come back.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE), RFC 9207 (`iss` in the answer) and RFC 9700 (what
can go wrong). Keys change at the provider's will: a signature that none of the known ones made has them fetched anew.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from oms.platform.settings import is_private_way

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""What an ID token may be signed with: by a key of the provider's only, never `none` and never a shared secret."""

PATIENCE_S: Final = 5.0
LEEWAY_S: Final = 60
"""By how much the provider's clock may differ from ours."""

_DESCRIBED_FOR_S: Final = 3600.0
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})


class SignInFailed(Exception):
    """Nobody is signed in. The message is for who tried it, the reason for the log: neither holds a secret."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at the provider. The address is None where the provider has not made sure that it is theirs."""

    issuer: str
    subject: str
    verified_email: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Flow:
    """One way to the provider and back. The browser keeps its only secret; what goes to the provider is made of it.

    So nothing is stored here, and an answer counts in the browser only that was sent to fetch it.
    """

    secret: str

    @classmethod
    def begin(cls) -> "Flow":
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        return self._made_for(b"state")

    @property
    def nonce(self) -> str:
        return self._made_for(b"nonce")

    @property
    def code_verifier(self) -> str:
        return self._made_for(b"code verifier")

    def _made_for(self, purpose: bytes) -> str:
        """43 characters, as PKCE wants them at least."""
        made = hmac.digest(self.secret.encode("utf-8", "surrogatepass"), purpose, hashlib.sha256)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class _Description:
    """What the provider says about itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool
    secret_in_body: bool


class IdentityProvider:
    """One provider, as a client registered there sees it. `demo`: it may be spoken to without TLS."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str | None,
        name: str,
        demo: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._demo = demo
        self._clock = clock
        self._http = httpx.AsyncClient(timeout=PATIENCE_S, headers={"Accept": "application/json"})
        self._description: _Description | None = None
        self._described_until_s = 0.0
        self._key_set: KeySet | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def address(self, flow: Flow, return_to: str) -> str:
        """Where the browser is sent to sign in. Raises SignInFailed where the provider is away."""
        described = await self._describe()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": return_to,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": create_s256_code_challenge(flow.code_verifier),
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in described.authorization_endpoint else "?"
        return f"{described.authorization_endpoint}{separator}{urlencode(query)}"

    async def identity(self, flow: Flow, answer: Mapping[str, str], return_to: str) -> Identity:
        """Who came back, from the parameters of the address that the provider sent the browser to.

        Raises SignInFailed.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise SignInFailed(BEGIN_ANEW, "the state is not of this browser")
        described = await self._describe()
        named = answer.get("iss")
        if named != self._issuer and (named is not None or described.names_itself):
            raise self._distrusted("the answer names another issuer")
        if "error" in answer:
            raise self._refused(answer["error"])
        token = await self._id_token(described, flow, answer.get("code", ""), return_to)
        claims = await self._verified(token, flow.nonce)
        verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        return Identity(self._issuer, claims["sub"], claims["email"] if verified else None)

    async def _id_token(self, described: _Description, flow: Flow, code: str, return_to: str) -> str:
        """Fetched for the code, which is good once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_to,
            "client_id": self._client_id,
            "code_verifier": flow.code_verifier,
        }
        proof = None
        if self._client_secret and described.secret_in_body:
            form["client_secret"] = self._client_secret
        elif self._client_secret:  # RFC 6749, 2.3.1: encoded like a form's fields
            proof = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
        told = await self._asked("POST", described.token_endpoint, data=form, auth=proof)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise self._distrusted("there is no ID token in its answer")
        return token

    async def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that the provider signed, for us, for this flow, and not long ago."""
        try:
            try:
                token = _decoded(id_token, await self._keys())
            except (InvalidKeyIdError, BadSignatureError):
                token = _decoded(id_token, await self._keys(anew=True))
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "values": [self._issuer]},
                    "aud": {"essential": True, "values": [self._client_id]},
                    "sub": {"essential": True},
                },
                {"nonce": nonce, "client_id": self._client_id},
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError) as problem:
            raise self._distrusted(f"its ID token is not good: {type(problem).__name__}") from problem
        return dict(claims)

    async def _describe(self) -> _Description:
        if self._description is None or self._described_until_s <= self._clock():
            told = await self._asked("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            self._description, self._key_set = self._understood(told), None  # a key it withdrew counts no longer
            self._described_until_s = self._clock() + _DESCRIBED_FOR_S
        return self._description

    def _understood(self, told: Mapping[str, Any]) -> _Description:
        if told.get("issuer") != self._issuer:
            raise self._distrusted("it calls itself by another name than OMS_OPENID_ISSUER")
        methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return _Description(
            authorization_endpoint=self._endpoint(told, "authorization_endpoint"),
            token_endpoint=self._endpoint(told, "token_endpoint"),
            jwks_uri=self._endpoint(told, "jwks_uri"),
            names_itself=told.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body="client_secret_basic" not in methods,
        )

    def _endpoint(self, told: Mapping[str, Any], name: str) -> str:
        address = told.get(name)
        if not isinstance(address, str) or not is_private_way(address, demo=self._demo):
            raise self._distrusted(f"its {name} is missing or not https")
        return address

    async def _keys(self, *, anew: bool = False) -> KeySet:
        if self._key_set is None or anew:
            told = await self._asked("GET", (await self._describe()).jwks_uri)
            usable = [
                key
                for key in map(dict, told["keys"])
                if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
            ]
            self._key_set = KeySet.import_key_set({"keys": usable})
        return self._key_set

    async def _asked(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """The JSON object that it answers. Redirects are not followed: nobody is to take a secret elsewhere."""
        try:
            response = await self._http.request(method, url, **options)
        except httpx.HTTPError as problem:
            raise self._away(type(problem).__name__) from problem
        if response.status_code >= 500:
            raise self._away(f"status {response.status_code}")
        try:
            told = response.json() if response.status_code == 200 else None
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise self._distrusted(f"it answered {method} with status {response.status_code} and nothing of use")
        return told

    def _refused(self, error: str) -> SignInFailed:
        """By the provider, in the words of OAuth; a text that comes with it is nobody's to show."""
        if error == "access_denied":
            return SignInFailed(f"You were not let in, or did not agree, at {self.name}.", "access_denied")
        if error in ("server_error", "temporarily_unavailable"):
            return self._away(error)
        reason = error if error.replace("_", "").isalpha() and len(error) <= 40 else "an error of no known form"
        return SignInFailed(f"{self.name} did not sign you in. Try again.", reason)

    def _away(self, reason: str) -> SignInFailed:
        return SignInFailed(f"{self.name} can't be reached just now. Try again in a moment.", reason)

    def _distrusted(self, reason: str) -> SignInFailed:
        message = f"{self.name} gave an answer that can't be trusted, so you are not signed in. Try again."
        return SignInFailed(message, reason)


BEGIN_ANEW: Final = "This was begun too long ago, or in another browser. Begin anew."


def _decoded(id_token: str, keys: KeySet) -> jwt.Token:
    # Headers that nobody knows are no reason to refuse; only `crit` says that they have to be understood.
    return jwt.decode(id_token, keys, registry=JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False))
