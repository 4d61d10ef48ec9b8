"""Sends generated requests to a running shop and reports the outcomes."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import httpx
import orjson
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.system.fuzz.requests import Request, requests
from tests.system.fuzz.shop import RunningShop
from tests.system.fuzz.violations import violations

_MAX_REPORTED: Final = 20


@dataclass(slots=True)
class Report:
    """How many requests were sent, their outcomes and root fields, and which answers were wrong."""

    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    roots: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, request: Request, answer: httpx.Response) -> None:
        self.sent += 1
        self.roots[request.root] += 1
        self.outcomes[_outcome(answer)] += 1
        found = list(violations(request, answer))
        if found and len(self.wrong) < _MAX_REPORTED:
            self.wrong.append(f"{', '.join(found)}\n  {request}\n  {answer.text[:400]}")

    def __str__(self) -> str:
        lines = [f"{self.sent} requests for {len(self.roots)} operations; {len(self.wrong)} answers are wrong."]
        lines += [f"  {count:6}  {outcome}" for outcome, count in self.outcomes.most_common()]
        return "\n".join([*lines, *self.wrong])


def fuzz(shop: RunningShop, *, cases: int, first_seed: int) -> Report:
    """Sends the same requests for the same seed, as far as the shop has the same ids."""
    report = Report()
    with httpx.Client(base_url=shop.url, timeout=30) as http:

        @seed(first_seed)
        @settings(
            max_examples=cases,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(requests(shop.known))
        def send_each(request: Request) -> None:
            report.note(request, _send(http, shop, request))

        send_each()
    return report


def _send(http: httpx.Client, shop: RunningShop, request: Request) -> httpx.Response:
    headers = {"Authorization": f"Bearer {shop.tokens[request.role]}", "Accept": "application/json"}
    if request.method == "GET":
        parameters = {"query": _encodable(request.body["query"])}
        if variables := request.body.get("variables"):
            parameters["variables"] = _json(variables).decode()
        return http.get("/graphql", params=parameters, headers=headers)
    return http.post("/graphql", content=_json(request.body), headers=headers | {"Content-Type": "application/json"})


def _json(body: object) -> bytes:
    """Orjson does not encode half of a surrogate pair; json writes it as an escape."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body).encode()


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _outcome(answer: httpx.Response) -> str:
    """By status, and by the codes of errors."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code}, no JSON"
    if errors := body.get("errors"):
        codes = sorted({str(error.get("extensions", {}).get("code")) for error in errors})
        return f"{answer.status_code} {'partly ' if body.get('data') else ''}{', '.join(codes)}"
    return f"{answer.status_code} without errors"
