"""A small OpenID Connect provider, a real server on loopback. It is honest unless a test makes it misbehave."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import orjson
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from oms.platform.listening import listen, port_of

CLIENT_ID = "oms"
CLIENT_SECRET = "a secret: with signs/in it"

Key = RSAKey | ECKey
Change = Callable[[dict[str, Any]], None]


@dataclass
class Provider:
    """Signs in the user `present`. The `change_…` functions alter its answers."""

    issuer: str = ""
    present: dict[str, Any] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    published: list[Key] = field(default_factory=list)
    grants: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    change_claims: Change | None = None
    change_description: Change | None = None
    change_answer: Change | None = None
    sign: Callable[[dict[str, Any]], str] | None = None
    fails_with: int | None = None
    secret_in_body: bool = False

    def rotate(self) -> None:
        """Signs with a new key from now on, and publishes it instead of the old one."""
        self.keys = self.published = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})]

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.describe),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/jwks", self.jwks),
        ]

    async def describe(self, _request: Request) -> Response:
        self.requests.append("description")
        if self.fails_with:
            return Response("broken", self.fails_with)
        description: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint_auth_methods_supported": (
                ["client_secret_post"] if self.secret_in_body else ["client_secret_basic"]
            ),
            "authorization_response_iss_parameter_supported": True,
        }
        if self.change_description:
            self.change_description(description)
        return JSONResponse(description)

    async def authorize(self, request: Request) -> Response:
        """Signs the user in at once."""
        parameters = dict(request.query_params)
        assert parameters["response_type"] == "code"
        assert parameters["client_id"] == CLIENT_ID
        assert parameters["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(parameters["scope"].split())
        code = secrets.token_urlsafe(16)
        self.grants[code] = parameters
        answer = {"code": code, "state": parameters["state"], "iss": self.issuer}
        if self.change_answer:
            self.change_answer(answer)
        return RedirectResponse(f"{parameters['redirect_uri']}?{urlencode(answer)}", 302)

    async def token(self, request: Request) -> Response:
        self.requests.append("token")
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
        granted = self.grants.pop(form.get("code", ""), None)
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        if granted is None or form["redirect_uri"] != granted["redirect_uri"] or not _fits(form, granted):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": granted["nonce"],
            **self.present,
        }
        if self.change_claims:
            self.change_claims(claims)
        id_token = self.sign(claims) if self.sign else self.signed(claims)
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token})

    async def jwks(self, _request: Request) -> Response:
        self.requests.append("keys")
        encryption = RSAKey.generate_key(2048, {"kid": "for encryption", "use": "enc"})
        return JSONResponse({"keys": [key.as_dict(private=False) for key in (encryption, *self.published)]})

    def signed(self, claims: dict[str, Any], *, kid: bool = True) -> str:
        key = self.keys[0]
        algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
        header = {"alg": algorithm} | ({"kid": key.kid} if kid and key.kid else {})
        return jwt.encode(header, claims, key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        """With alg none: a header, claims, and no signature."""
        return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."

    def signed_with_the_secret(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), ["HS256"])

    def signed_with_the_public_key(self, claims: dict[str, Any]) -> str:
        """HS256 with the public key as the secret; written out, because no library does it."""
        head = _encoded({"alg": "HS256", "kid": self.keys[0].kid})
        proof = hmac.digest(self.keys[0].as_pem(private=False), f"{head}.{_encoded(claims)}".encode(), hashlib.sha256)
        return f"{head}.{_encoded(claims)}.{_base64(proof)}"

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if self.secret_in_body:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        _, _, shown = request.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(shown).decode().partition(":")
        return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)


def _fits(form: dict[str, str], granted: dict[str, str]) -> bool:
    """PKCE: whether the verifier matches the challenge."""
    challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return _base64(challenge) == granted["code_challenge"]


def _encoded(value: dict[str, Any]) -> str:
    return _base64(orjson.dumps(value))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that listens, until the block ends."""
    provider = Provider()
    provider.rotate()
    listening = listen("127.0.0.1", 0, variable="OMS_PORT")
    provider.issuer = f"http://127.0.0.1:{port_of(listening)}"
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=provider.routes()), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive(), "the provider did not start"
        yield provider
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()
