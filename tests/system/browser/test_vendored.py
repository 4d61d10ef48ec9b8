"""The vendored files of the browser tests match their README."""

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parent / "vendor"


def test_every_vendored_file_has_its_checksum_in_the_readme() -> None:
    readme = (VENDOR / "README.md").read_text()
    listed = dict(re.findall(r"^\| `(\S+)` \| [\d,]+ \| `([0-9a-f]{64})` \|$", readme, re.MULTILINE))
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path != VENDOR / "README.md"]
    assert listed == {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
