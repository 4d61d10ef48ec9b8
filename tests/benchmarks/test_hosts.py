"""The trial of several hosts with tiny numbers: that it runs, loses nothing, and leaves nothing behind."""

import os
import subprocess
import sys

import pytest

from oms.platform.settings import PROJECT_DIR


def made_here() -> bool:
    """Whether this machine lets us make hosts at all."""
    if os.geteuid() != 0:
        return False
    name = f"oms-test-{os.getpid()}"
    try:
        added = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    if added.returncode == 0:
        subprocess.run(["ip", "netns", "delete", name], check=True)
    return added.returncode == 0


@pytest.mark.trial
@pytest.mark.skipif("not made_here()", reason="hosts are network namespaces: they take root on Linux")
def test_a_host_is_added_and_lost_and_no_order_with_it() -> None:
    command = [sys.executable, "-m", "benchmarks.hosts", "--hosts", "2", "--share", "0.5", "--seconds", "5"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    done = subprocess.run(command, check=False, cwd=PROJECT_DIR, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| 2 |" in done.stdout
    assert "all are there" in done.stdout
    assert "every rule holds" in done.stdout
    links = subprocess.run(["ip", "-brief", "link"], check=True, capture_output=True, text=True).stdout
    assert "omsb" not in links
