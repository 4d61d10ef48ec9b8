"""Passwords: hashed so that trying them out is dear, and refused where they would be tried out first.

Source: OWASP ASVS 5.0, V6.2. Length is asked for and nothing else of their form; what is common, breached or made of
the owner's own words is refused.
"""

import asyncio
import re
import secrets
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.identity.breached import is_breached
from oms.domain.identity.policy import IdentityReason
from oms.domain.vocabulary.errors import Problem
from oms.domain.vocabulary.text import check_text

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 128

MIN_SCORE: Final = 3
"""Of zxcvbn's scores from 0 to 4: more than 10^8 guesses."""

_MAX_SCORED: Final = 72
"""Characters that zxcvbn takes; a longer password is at least as good as its beginning."""

_OUR_WORDS: Final = frozenset({"oms", "order", "orders", "management"})
_MIN_WORD_LENGTH: Final = 3
_MIN_OTHER_CHARACTERS: Final = 8
"""Letters and digits that a password has besides the words which somebody who knows the owner would begin with."""

_hasher: Final = PasswordHasher()
_hashing: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")
"""Each hash takes 64 MiB for a moment: more than two at once wait."""

_zxcvbn_lock: Final = Lock()
"""zxcvbn keeps the words it is given in a dictionary of the whole process."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it was the password, and whether its hash was made with parameters of the past."""

    matches: bool
    outdated: bool = False


async def problems_of(password: str, owner: Account | NewAccount, breached: Path | None) -> list[Problem]:
    """Why it can't be the owner's password: its length, or that it would be guessed, from login and name, too.

    `breached` is a file as oms.domain.identity.breached reads it; without one common passwords are known only.
    """
    words = {*_OUR_WORDS, *re.split(r"[\W_]+", f"{owner.login} {owner.name}".casefold())}
    return await asyncio.get_running_loop().run_in_executor(
        _hashing, lambda: list(_problems(password, words, breached))
    )


def _problems(password: str, words: Set[str], breached: Path | None) -> Iterator[Problem]:
    if len(password) < MIN_LENGTH:
        yield _problem(f"A password has at least {MIN_LENGTH} characters; a few words in a row are a good one.")
    elif len(password) > MAX_LENGTH:
        yield _problem(f"A password has at most {MAX_LENGTH} characters; this one has {len(password)}.")
    elif unstorable := list(check_text(password, "password", max_length=MAX_LENGTH)):
        yield from (replace(problem, path=()) for problem in unstorable)
    elif breached and is_breached(password, breached):
        yield _problem("This password is known from a breach of some other system; choose one you use nowhere else.")
    elif len(_without_words(password, words)) < _MIN_OTHER_CHARACTERS:
        yield _problem(
            "Besides your name, your login and our words there is too little in it; add words of another kind."
        )
    elif (advice := _advice(password, words)) is not None:
        yield _problem(f"This password would be guessed soon. {advice}")


def _without_words(password: str, words: Set[str]) -> str:
    """The letters and digits that stand in none of those words, the longest taken away first."""
    rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _MIN_WORD_LENGTH:
            rest = rest.replace(word, " ")
    return re.sub(r"[\W_]+", "", rest)


def _advice(password: str, words: Set[str]) -> str | None:
    """What to do about a password that is guessed too easily; None where it is good."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its words are 13 MB: only who is shown a new password carries them

    with _zxcvbn_lock:
        verdict = zxcvbn(password[:_MAX_SCORED], sorted(words))
    if verdict["score"] >= MIN_SCORE:
        return None
    feedback = verdict["feedback"]
    said = [sentence.rstrip(".") for sentence in (feedback["warning"], *feedback["suggestions"]) if sentence]
    return " ".join(f"{sentence}." for sentence in said or ["Add another word or two, uncommon ones"])


def _problem(message: str) -> Problem:
    return Problem(IdentityReason.WEAK_PASSWORD, message)


async def hashed(password: str) -> str:
    """The argon2id hash with its parameters and salt. Takes some 50 ms of a processor, in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, _bytes(password))


async def verify(known: str | None, password: str) -> Verdict:
    """Against that hash. Without one the same is computed in vain."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _verify, known, password)


def _verify(known: str | None, password: str) -> Verdict:
    random_hash = _random_hash()
    try:
        _hasher.verify(known or random_hash, _bytes(password))
    except VerifyMismatchError:
        return Verdict(matches=False)
    return Verdict(matches=known is not None, outdated=_hasher.check_needs_rehash(known or random_hash))


@cache
def _random_hash() -> str:
    """To verify against where there is no account: what it is of, nobody knows."""
    return _hasher.hash(secrets.token_bytes(32))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
