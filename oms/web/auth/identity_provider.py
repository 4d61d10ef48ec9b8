"""A client of an OpenID Connect provider: the address for signing in, and the identity that comes back.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE), RFC 9207 (`iss` in the response) and RFC 9700
(security). Providers rotate keys: a signature by an unknown key makes us fetch the keys again.
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

from oms.domain.vocabulary.wording import wording
from oms.platform.locale.language import gettext
from oms.platform.settings import is_secure_url

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""Allowed for ID tokens: the provider's asymmetric keys, never `none` and never a shared secret."""

TIMEOUT_S: Final = 5.0
LEEWAY_S: Final = 60
"""The allowed difference between the provider's clock and ours."""

_METADATA_CACHE_S: Final = 3600.0
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})


class SignInFailed(Exception):
    """The message is for the person, the reason for the log; neither contains a secret."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """A person's identity at the provider. The address is None unless the provider has verified it."""

    issuer: str
    subject: str
    verified_email: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Flow:
    """One sign-in. The browser keeps its secret in a cookie; state, nonce and code verifier are derived from it.

    So the server stores nothing, and the response works only in the browser that started the sign-in.
    """

    secret: str

    @classmethod
    def start(cls) -> "Flow":
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        return self._derived(b"state")

    @property
    def nonce(self) -> str:
        return self._derived(b"nonce")

    @property
    def code_verifier(self) -> str:
        return self._derived(b"code verifier")

    def _derived(self, purpose: bytes) -> str:
        """43 characters, the minimum of PKCE."""
        derived = hmac.digest(self.secret.encode("utf-8", "surrogatepass"), purpose, hashlib.sha256)
        return base64.urlsafe_b64encode(derived).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The provider's metadata, as far as needed."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    sends_issuer: bool
    secret_in_body: bool


class IdentityProvider:
    """One provider, and our registration there. `demo` allows plain HTTP."""

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
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, headers={"Accept": "application/json"})
        self._metadata: _Metadata | None = None
        self._metadata_until_s = 0.0
        self._key_set: KeySet | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def address(self, flow: Flow, return_to: str) -> str:
        """Where to send the browser. Raises SignInFailed if the provider is unavailable."""
        metadata = await self._load_metadata()
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
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{separator}{urlencode(query)}"

    async def identity(self, flow: Flow, response: Mapping[str, str], return_to: str) -> Identity:
        """From the parameters with which the provider sent the browser back.

        Raises SignInFailed.
        """
        if not hmac.compare_digest(response.get("state", "").encode(), flow.state.encode()):
            raise SignInFailed(RESTART, "the state is not of this browser")
        metadata = await self._load_metadata()
        issuer = response.get("iss")
        if issuer != self._issuer and (issuer is not None or metadata.sends_issuer):
            raise self._invalid("the response names another issuer")
        if "error" in response:
            raise self._refused(response["error"])
        token = await self._id_token(metadata, flow, response.get("code", ""), return_to)
        claims = await self._verified(token, flow.nonce)
        verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        return Identity(self._issuer, claims["sub"], claims["email"] if verified else None)

    async def _id_token(self, metadata: _Metadata, flow: Flow, code: str, return_to: str) -> str:
        """Exchanges the code, which works once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_to,
            "client_id": self._client_id,
            "code_verifier": flow.code_verifier,
        }
        auth = None
        if self._client_secret and metadata.secret_in_body:
            form["client_secret"] = self._client_secret
        elif self._client_secret:  # RFC 6749, 2.3.1: encoded like a form's fields
            auth = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
        content = await self._request("POST", metadata.token_endpoint, data=form, auth=auth)
        token = content.get("id_token")
        if not isinstance(token, str):
            raise self._invalid("its response has no ID token")
        return token

    async def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token, whose signature, audience, nonce and age are verified."""
        try:
            try:
                token = _decoded(id_token, await self._keys())
            except (InvalidKeyIdError, BadSignatureError):
                token = _decoded(id_token, await self._keys(refresh=True))
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
            raise self._invalid(f"its ID token is invalid: {type(problem).__name__}") from problem
        return dict(claims)

    async def _load_metadata(self) -> _Metadata:
        if self._metadata is None or self._metadata_until_s <= self._clock():
            content = await self._request("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            self._metadata, self._key_set = self._parse(content), None  # drops withdrawn keys
            self._metadata_until_s = self._clock() + _METADATA_CACHE_S
        return self._metadata

    def _parse(self, content: Mapping[str, Any]) -> _Metadata:
        if content.get("issuer") != self._issuer:
            raise self._invalid("its issuer is not OMS_OPENID_ISSUER")
        methods = content.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return _Metadata(
            authorization_endpoint=self._endpoint(content, "authorization_endpoint"),
            token_endpoint=self._endpoint(content, "token_endpoint"),
            jwks_uri=self._endpoint(content, "jwks_uri"),
            sends_issuer=content.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body="client_secret_basic" not in methods,
        )

    def _endpoint(self, content: Mapping[str, Any], name: str) -> str:
        address = content.get(name)
        if not isinstance(address, str) or not is_secure_url(address, demo=self._demo):
            raise self._invalid(f"its {name} is missing or not https")
        return address

    async def _keys(self, *, refresh: bool = False) -> KeySet:
        if self._key_set is None or refresh:
            content = await self._request("GET", (await self._load_metadata()).jwks_uri)
            usable = [
                key
                for key in map(dict, content["keys"])
                if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
            ]
            self._key_set = KeySet.import_key_set({"keys": usable})
        return self._key_set

    async def _request(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """The JSON object of the response. Does not follow redirects, which could take a secret elsewhere."""
        try:
            response = await self._http.request(method, url, **options)
        except httpx.HTTPError as problem:
            raise self._unavailable(type(problem).__name__) from problem
        if response.status_code >= 500:
            raise self._unavailable(f"status {response.status_code}")
        try:
            content = response.json() if response.status_code == 200 else None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self._invalid(f"its response to {method} has status {response.status_code} and is not usable")
        return content

    def _refused(self, error: str) -> SignInFailed:
        """An OAuth error code from the provider; its description is not shown, because anybody could have set it."""
        if error == "access_denied":
            return SignInFailed(
                gettext("{name} denied access, or you did not consent.").format(name=self.name), "access_denied"
            )
        if error in ("server_error", "temporarily_unavailable"):
            return self._unavailable(error)
        reason = error if error.replace("_", "").isalpha() and len(error) <= 40 else "an error code of unknown form"
        return SignInFailed(gettext("{name} did not sign you in. Try again.").format(name=self.name), reason)

    def _unavailable(self, reason: str) -> SignInFailed:
        return SignInFailed(gettext("{name} is unavailable. Try again in a moment.").format(name=self.name), reason)

    def _invalid(self, reason: str) -> SignInFailed:
        message = gettext("The response of {name} is not valid, so you are not signed in. Try again.")
        return SignInFailed(message.format(name=self.name), reason)


RESTART: Final = wording("This sign-in was started too long ago, or in another browser. Start again.")


def _decoded(id_token: str, keys: KeySet) -> jwt.Token:
    # Unknown headers are allowed; those in `crit` must be understood.
    return jwt.decode(id_token, keys, registry=JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False))
