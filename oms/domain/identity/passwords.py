"""Passwords: stored as slow hashes, and refused if they are easy to guess.

Source: OWASP ASVS 5.0, V6.2. Their length is checked and no other property of their form; common and breached
passwords are refused, and those made of words about the owner.
"""

import re
import secrets
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.identity.policy import IdentityReason
from oms.domain.identity.signing_in.breached import is_breached
from oms.domain.identity.signing_in.hashing import KNOWN, STRANGERS, Lane
from oms.domain.vocabulary.errors import Problem
from oms.domain.vocabulary.texts.checks import check_text
from oms.domain.vocabulary.wording import Wording, joined, wording

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 128

MIN_SCORE: Final = 3
"""Of zxcvbn's scores, 0 to 4. Score 3 means more than 10^8 guesses."""

_MAX_SCORED: Final = 72
"""Characters that zxcvbn accepts; a longer password is at least as strong as its beginning."""

_OUR_WORDS: Final = frozenset({"oms", "order", "orders", "management"})
_MIN_WORD_LENGTH: Final = 3
_MIN_OTHER_CHARACTERS: Final = 8
"""Letters and digits besides the words that somebody who knows the owner tries first."""

_hasher: Final = PasswordHasher()

_zxcvbn_lock: Final = Lock()
"""zxcvbn stores the words it is given in a dictionary shared by the whole process."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password matches the hash, and whether the hash has outdated parameters."""

    matches: bool
    outdated: bool = False


async def problems_of(password: str, owner: Account | NewAccount, breached: Path | None) -> list[Problem]:
    """Why it can't be the owner's password: its length, or that it is easy to guess.

    `breached`: a file as oms.domain.identity.signing_in.breached reads it; without one, only common passwords are
    refused.
    """
    words = {*_OUR_WORDS, *re.split(r"[\W_]+", f"{owner.login} {owner.name}".casefold())}
    return await KNOWN.run(lambda: list(_problems(password, words, breached)))


def _problems(password: str, words: Set[str], breached: Path | None) -> Iterator[Problem]:
    if len(password) < MIN_LENGTH:
        yield _problem(
            wording(
                "A password has at least {least} characters; a few words in a row are a good one.", least=MIN_LENGTH
            )
        )
    elif len(password) > MAX_LENGTH:
        yield _problem(
            wording(
                "A password has at most {most} characters; this one has {number}.",
                most=MAX_LENGTH,
                number=len(password),
            )
        )
    elif unstorable := list(check_text(password, "password", max_length=MAX_LENGTH)):
        yield from (replace(problem, path=()) for problem in unstorable)
    elif breached and is_breached(password, breached):
        yield _problem(
            wording("This password is known from a breach of another system; choose one that you use nowhere else.")
        )
    elif len(_without_words(password, words)) < _MIN_OTHER_CHARACTERS:
        yield _problem(
            wording(
                "Apart from your name, your login and words such as “order”, there is too little in it; "
                "add other words."
            )
        )
    elif (advice := _advice(password, words)) is not None:
        yield _problem(wording("This password would be guessed soon. {advice}", advice=advice))


def _without_words(password: str, words: Set[str]) -> str:
    """The letters and digits that remain when the words are removed, longest first."""
    rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _MIN_WORD_LENGTH:
            rest = rest.replace(word, " ")
    return re.sub(r"[\W_]+", "", rest)


def _advice(password: str, words: Set[str]) -> Wording | None:
    """How to improve a password that is easy to guess; None if it is strong enough."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its dictionary takes 13 MB: only processes that check a new password load it

    with _zxcvbn_lock:
        verdict = zxcvbn(password[:_MAX_SCORED], sorted(words))
    if verdict["score"] >= MIN_SCORE:
        return None
    feedback = verdict["feedback"]
    sentences = [sentence.rstrip(".") for sentence in (feedback["warning"], *feedback["suggestions"]) if sentence]
    return joined(wording(f"{sentence}.") for sentence in sentences or ["Add one or two uncommon words"])


def _problem(message: Wording) -> Problem:
    return Problem(IdentityReason.WEAK_PASSWORD, message)


async def hashed(password: str, lane: Lane = KNOWN) -> str:
    """The argon2id hash with its parameters and salt. Takes about 50 ms of CPU time, in the lane's thread."""
    return await lane.run(_hasher.hash, _bytes(password))


async def verify(known: str | None, password: str, lane: Lane = STRANGERS) -> Verdict:
    """Compares the password with the hash. Without a hash, the same work is done and nothing matches."""
    return await lane.run(_verify, known, password)


def _verify(known: str | None, password: str) -> Verdict:
    random_hash = _random_hash()
    try:
        _hasher.verify(known or random_hash, _bytes(password))
    except VerifyMismatchError:
        return Verdict(matches=False)
    return Verdict(matches=known is not None, outdated=_hasher.check_needs_rehash(known or random_hash))


@cache
def _random_hash() -> str:
    """The hash of an unknown password, to verify against if there is no account."""
    return _hasher.hash(secrets.token_bytes(32))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
