"""Hosts as network namespaces, each with its own address, connected by a bridge, and removed after use."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAMESPACES: Final = Path("/var/run/netns")
_OURS: Final = Path("/proc/thread-self/ns/net")
_CLONE_NEWNET: Final = 0x40000000  # setns(2)


@dataclass(frozen=True, slots=True)
class Host:
    """`link`: the bridge's end of its cable."""

    name: str
    address: str
    link: str

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Within the block, this thread and the processes that it starts run on the host."""
        ours = os.open(_OURS, os.O_RDONLY)
        there = os.open(_NAMESPACES / self.name, os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(ours)
            os.close(there)
            os.close(ours)

    def cut_off(self) -> None:
        """Disconnects it: packets are lost without any error."""
        _ip("link", "set", self.link, "down")


class Network:
    """A bridge with this program and its hosts."""

    def __init__(self, stack: ExitStack) -> None:
        number = os.getpid() % 100_000
        self._stack = stack
        self._bridge = f"omsb{number}"
        self._name = f"oms{number}"
        self._subnet = f"10.77.{number % 250}"
        self._count = 0
        _ip("link", "add", self._bridge, "type", "bridge")
        stack.callback(_ip, "link", "delete", self._bridge)
        _ip("address", "add", f"{self._subnet}.1/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")

    @property
    def network(self) -> str:
        """The network's addresses."""
        return f"{self._subnet}.0/24"

    def plug_in(self, purpose: str) -> Host:
        """Adds a host."""
        self._count += 1
        host = Host(f"{self._name}-{purpose}", f"{self._subnet}.{self._count + 1}", f"{self._name}v{self._count}")
        inside = f"{host.link}i"
        _ip("netns", "add", host.name)
        self._stack.callback(_ip, "netns", "delete", host.name)
        _ip("link", "add", host.link, "type", "veth", "peer", "name", inside)
        self._stack.callback(_ip, "link", "delete", host.link)
        _ip("link", "set", host.link, "master", self._bridge, "up")
        _ip("link", "set", inside, "netns", host.name)
        for command in (
            ("address", "add", f"{host.address}/24", "dev", inside),
            ("link", "set", inside, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-netns", host.name, *command)
        return host


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
