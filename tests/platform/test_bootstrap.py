"""The first seconds on a fresh machine, before anything is installed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oms.platform.settings import PROJECT_DIR
from oms.tools import bootstrap
from oms.tools.bootstrap import CannotPrepare, prepare, require_python


def test_an_old_python_is_refused_with_what_to_do() -> None:
    with pytest.raises(CannotPrepare, match=r"Python 3\.11 or newer is needed, this is 3\.9.*\n.*make PYTHON="):
        require_python((3, 9), ensurepip_present=True)


def test_a_python_without_ensurepip_names_the_package_to_install(tmp_path: Path) -> None:
    """As Debian ships it: the real script, run by an interpreter that finds no ensurepip."""
    (tmp_path / "oms/tools").mkdir(parents=True)
    shutil.copy(PROJECT_DIR / "oms/tools/bootstrap.py", tmp_path / "oms/tools")
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['ensurepip'] = None")
    ended = subprocess.run(
        [sys.executable, tmp_path / "oms/tools/bootstrap.py", "requirements.lock"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt-get install python{version}-venv" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_is_installed_when_the_lock_file_has_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_file = tmp_path / "requirements.lock"
    lock_file.write_text("one==1\n")
    venv = tmp_path / ".venv"
    venv.mkdir()
    installed: list[Path] = []
    monkeypatch.setattr(bootstrap, "make_environment", lambda venv: venv / "bin/python")
    monkeypatch.setattr(bootstrap, "install", lambda _, lock_file: installed.append(lock_file))
    prepare(lock_file, venv)
    prepare(lock_file, venv)
    assert installed == [lock_file]
    lock_file.write_text("one==2\n")
    prepare(lock_file, venv)
    assert installed == [lock_file, lock_file]


def test_an_interrupted_installation_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock_file = tmp_path / "requirements.lock"
    lock_file.touch()
    venv = tmp_path / ".venv"
    venv.mkdir()
    monkeypatch.setattr(bootstrap, "make_environment", lambda venv: venv / "bin/python")

    def fail(*_: Path) -> None:
        raise CannotPrepare("the network went away")

    monkeypatch.setattr(bootstrap, "install", fail)
    for _ in range(2):
        with pytest.raises(CannotPrepare, match="the network went away"):
            prepare(lock_file, venv)


def pins(lock_file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.\[\]-]+)==(\S+)", (PROJECT_DIR / lock_file).read_text(), re.MULTILINE))


def test_both_lock_files_pin_the_same_versions() -> None:
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert runtime.items() <= development.items()
    assert len(development) > len(runtime)


@pytest.mark.parametrize("lock_file", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_name_no_index_and_no_machine(lock_file: str) -> None:
    text = (PROJECT_DIR / lock_file).read_text()
    assert not re.search(r"https?:|--(extra-)?index|--find-links|file:", text)
    assert "--hash=sha256:" in text


def test_every_dependency_says_why_it_is_there() -> None:
    text = (PROJECT_DIR / "pyproject.toml").read_text()
    lines = re.findall(r'^    "[\w\[\]-]+[>=<].*$', text, re.MULTILINE)
    assert len(lines) > 20
    assert [line for line in lines if "#" not in line] == []
