"""How answers are written to a connection: what is there as a whole goes out as a whole, from lines made before."""

from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

_DECIDES_THE_FORM: Final = frozenset({b"connection", b"transfer-encoding"})
_OF_ONE_ANSWER: Final = frozenset({b"content-length", b"set-cookie"})
_LONGEST_REMEMBERED: Final = 300


class PromptCycle(RequestResponseCycle):
    """uvicorn's way of one request and its answer, but for how an answer of known length is written.

    uvicorn writes head and body one after the other, by two calls of the system, and looks for forbidden characters in
    each header of each answer: 16 µs for those that we send. They are mostly the same ones, so here each is looked at
    once and remembered as the line that it makes; and the head waits for the body. All else is left to uvicorn.
    """

    _head: bytes | None = None

    async def send(self, message: Any) -> None:
        if self._head is None:
            self._head = None if self.response_started else self._plain_head(message)
            if self._head is None:
                await super().send(message)
            return
        head, self._head = self._head, None
        body = message.get("body", b"")
        is_whole = len(body) == self.expected_content_length and not message.get("more_body", False)
        if self.disconnected:
            return
        if is_whole and self.keep_alive and not self.flow.write_paused:
            self.transport.write(head + body)
            self.response_complete = True
            self.message_event.set()
            self.on_response()
        else:
            self.transport.write(head)
            await super().send(message)

    def _plain_head(self, message: Any) -> bytes | None:
        """The head of an answer of known length on a connection that stays open; None of any other."""
        if message["type"] != "http.response.start" or not self.keep_alive or self.scope["method"] == "HEAD":
            return None
        length = None
        lines = [STATUS_LINE[message["status"]]]
        for name, value in (*self.default_headers, *message["headers"]):
            if name in _DECIDES_THE_FORM:
                return None
            if name == b"content-length":
                length = int(value)
            lines.append(_line(name, value))
        if length is None:
            return None
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        return b"".join((*lines, b"\r\n"))


def _line(name: bytes, value: bytes) -> bytes:
    is_one_of_many = len(value) <= _LONGEST_REMEMBERED and name not in _OF_ONE_ANSWER
    return _remembered_line(name, value) if is_one_of_many else _made_line(name, value)


def _made_line(name: bytes, value: bytes) -> bytes:
    """Raises RuntimeError where it would not be one line, as uvicorn does."""
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError("A header of an answer holds forbidden characters.")
    return b"%b: %b\r\n" % (name.lower(), value)


_remembered_line: Final = lru_cache(maxsize=1024)(_made_line)
