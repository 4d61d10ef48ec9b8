"""Checks the messages of the commits since the rule began: `python tests/commits.py`, as continuous integration does.

A subject is imperative ("Add partial refunds"), has at most 72 characters and no full stop; a body says why. A program
cannot know verbs, so it refuses what cannot be an imperative: an article, a word with a colon, an -ed or -ing form.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SINCE: Final = "2026-11-29T12:00:00Z"
"""Commits before this were written without the rule."""

MAX_SUBJECT: Final = 72

_PROJECT_DIR: Final = Path(__file__).resolve().parent.parent
_FORMAT: Final = "%h%x00%s%x00%b%x01"
_WORD: Final = re.compile(r"[A-Z][a-z]+(-[a-z]+)?(?= )")
_NO_VERB: Final = re.compile(
    "A|All|An|Another|Any|Both|But|Each|Every|Few|For|From|He|Her|His|How|If|In|Into|It|Its|Many|More|Most|My|No|Nobody|"
    "Nothing|Now|Of|On|One|Only|Or|Our|She|So|Some|Such|That|The|Their|There|These|They|This|Those|Two|We|What|When|"
    r"Where|Which|Who|Whoever|Whose|Why|With|Without|You|Your|(?!Emb).+[^e]ed|.{3,}ing|.{2,}[^su]s"
)


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit's message."""

    id: str
    subject: str
    body: str


def complaints(commit: Commit) -> Iterator[str]:
    """What is wrong with the message, each in a few words."""
    first = _WORD.match(commit.subject)
    if first is None or _NO_VERB.fullmatch(first[0]):
        yield 'the subject does not begin with an imperative ("Add …", "Replace …")'
    if len(commit.subject) > MAX_SUBJECT:
        yield f"the subject has {len(commit.subject)} characters, more than {MAX_SUBJECT}"
    if commit.subject.endswith("."):
        yield "the subject ends with a full stop"
    if not commit.body.strip():
        yield "there is no body that says why"


def commits_since(start: str) -> list[Commit]:
    """The commits of HEAD, without merges. Raises: subprocess.CalledProcessError where there is no history."""
    another_users = ["-c", "safe.directory=*"]  # the clone may belong to another user than the one who checks it
    command = ["git", *another_users, "log", "--no-merges", f"--since={start}", f"--format={_FORMAT}"]
    output = subprocess.run(command, cwd=_PROJECT_DIR, capture_output=True, text=True, check=True).stdout
    return [Commit(*entry.strip().split("\x00")) for entry in output.split("\x01") if entry.strip()]


def main() -> int:
    commits = commits_since(SINCE)
    wrong = [f"{commit.id} {commit.subject}\n  {complaint}" for commit in commits for complaint in complaints(commit)]
    print(*wrong, f"{len(commits)} commits since {SINCE}, {len(wrong)} complaints", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
