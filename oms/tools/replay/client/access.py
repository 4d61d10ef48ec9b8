"""The address of the running system, and the tokens of the cart and the courier."""

import asyncio
import sys

from oms.platform.settings import Settings

TOKEN_TIMEOUT_S = 60


class NoToken(Exception):
    """The token command failed; the message is its own."""


def address_of(settings: Settings) -> str:
    """The HTTP address of the instance with these settings."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared with, not listened on
    return f"http://{host}:{settings.port}"


async def token(role: str, name: str) -> str:
    """A token from `python -m oms token`, which reads the same environment. Raises: NoToken."""
    arguments = ("-m", "oms", "token", "--role", role, "--name", name)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), TOKEN_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NoToken(f"`python -m oms token --role {role}` returned no token within {TOKEN_TIMEOUT_S} s.") from None
    if process.returncode != 0:
        message = errors.decode(errors="replace").strip()
        raise NoToken(f"`python -m oms token --role {role}` failed: {message or process.returncode}")
    return output.decode().strip()
