"""Asking a running shop so many questions, and what came of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import httpx
import orjson
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.system.fuzz.questions import Question, questions
from tests.system.fuzz.shop import Asked
from tests.system.fuzz.verdict import complaints

_MAX_REPORTED: Final = 20


@dataclass(slots=True)
class Report:
    """How many were asked, with which outcome, by whom and about what; and what was wrong with answers."""

    asked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    roots: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def note(self, question: Question, answer: httpx.Response) -> None:
        self.asked += 1
        self.roots[question.root] += 1
        self.outcomes[_outcome(answer)] += 1
        found = list(complaints(question, answer))
        if found and len(self.bad) < _MAX_REPORTED:
            self.bad.append(f"{', '.join(found)}\n  {question}\n  {answer.text[:400]}")

    def __str__(self) -> str:
        lines = [f"{self.asked} questions about {len(self.roots)} operations; {len(self.bad)} answers are wrong."]
        lines += [f"  {count:6}  {outcome}" for outcome, count in self.outcomes.most_common()]
        return "\n".join([*lines, *self.bad])


def ask(shop: Asked, *, cases: int, beginning: int) -> Report:
    """The same questions for the same `beginning`, as far as the shop has the same ids."""
    report = Report()
    with httpx.Client(base_url=shop.url, timeout=30) as http:

        @seed(beginning)
        @settings(
            max_examples=cases,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(questions(shop.known))
        def asking(question: Question) -> None:
            report.note(question, _sent(http, shop, question))

        asking()
    return report


def _sent(http: httpx.Client, shop: Asked, question: Question) -> httpx.Response:
    headers = {"Authorization": f"Bearer {shop.tokens[question.role]}", "Accept": "application/json"}
    if question.method == "GET":
        given_variables = question.body.get("variables")
        parameters = {"query": _storable(question.body["query"])}
        if given_variables:
            parameters["variables"] = _json(given_variables).decode()
        return http.get("/graphql", params=parameters, headers=headers)
    return http.post("/graphql", content=_json(question.body), headers=headers | {"Content-Type": "application/json"})


def _json(body: object) -> bytes:
    """Half a surrogate pair can be written as JSON's escape only."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        import json

        return json.dumps(body).encode()


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _outcome(answer: httpx.Response) -> str:
    """By status, and by the codes of errors or of userErrors."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code}, no JSON"
    if errors := body.get("errors"):
        codes = sorted({str(error.get("extensions", {}).get("code")) for error in errors})
        return f"{answer.status_code} {'partly ' if body.get('data') else ''}{', '.join(codes)}"
    return f"{answer.status_code} told"
