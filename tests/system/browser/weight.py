"""A page's size over the wire, measured by the browser."""

from collections import Counter
from typing import Any, Final

from playwright.async_api import Page

HEAVIEST_KB: Final = 60
"""The most that a page may weigh the first time."""


class Weight:
    """Bytes received for a page, heads included, compressed."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()

    @classmethod
    async def of(cls, page: Page) -> "Weight":
        weight = cls()
        session = await page.context.new_cdp_session(page)
        session.on("Network.responseReceived", weight._head)
        session.on("Network.dataReceived", weight._data)
        session.on("Network.loadingFinished", weight._finished)
        await session.send("Network.enable")
        return weight

    @property
    def total_kb(self) -> float:
        """In kilobytes of 1,000 bytes."""
        return self._bytes.total() / 1000

    def _head(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = int(event["response"]["encodedDataLength"])

    def _data(self, event: dict[str, Any]) -> None:
        """The bytes of streams, which never finish."""
        self._bytes[event["requestId"]] += int(event["encodedDataLength"])

    def _finished(self, event: dict[str, Any]) -> None:
        """The size of a finished response, with its head."""
        self._bytes[event["requestId"]] = int(event["encodedDataLength"])
