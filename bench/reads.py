"""Timed reads: one connection that is kept, one question at a time, every body read whole."""

from __future__ import annotations

import http.client
import socket
import time
from typing import TYPE_CHECKING, Any

import msgspec

from bench.processes import HOST, BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

END_OF_CHUNKS = b"\r\n0\r\n\r\n"
WAIT_S = 120.0


class Ask(msgspec.Struct, frozen=True):
    """A question to a server."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # any: whatever the server says
        """The body as JSON."""
        return msgspec.json.decode(self.body)


def weighed(answer: Answer) -> str:
    """The size of an answer, in words."""
    size = len(answer.body)
    return f"{size / 1e6:.1f} MB of JSON" if size > 1e6 else f"{size / 1e3:.0f} kB of JSON"


def fetch(port: int, ask: Ask) -> Answer:
    """Ask once, over a connection of its own. Raises BenchError for a refusal."""
    connection = http.client.HTTPConnection(HOST, port, timeout=WAIT_S)
    try:
        connection.request(ask.method, ask.path, ask.body or None, dict(ask.headers))
        response = connection.getresponse()
        body = response.read()
        if response.status >= 300:
            raise BenchError(f"{ask.method} {ask.path[:80]}: {response.status} {body[:500].decode('latin-1')}")
        return Answer({name.lower(): value for name, value in response.getheaders()}, body)
    finally:
        connection.close()


def time_ms(port: int, ask: Ask, times: int, tick: Callable[[], None]) -> list[float]:
    """How long each of so many repetitions took, from the first byte sent to the last received. [ms]

    Bodies are read and dropped: what they hold is for the caller to check with `fetch`.
    """
    headers = {"host": f"{HOST}:{port}", "content-length": str(len(ask.body)), **ask.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"{ask.method} {ask.path} HTTP/1.1\r\n{lines}\r\n".encode() + ask.body
    buffer = memoryview(bytearray(1 << 20))
    took: list[float] = []
    with socket.create_connection((HOST, port), WAIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(times):
            begun = time.perf_counter()
            connection.sendall(request)
            _drain(connection, buffer)
            took.append((time.perf_counter() - begun) * 1e3)
            tick()
    return took


def _drain(connection: socket.socket, buffer: memoryview) -> None:
    """Receive one answer. Raises BenchError when it is a refusal or ends early."""
    got, head = 0, b""
    while b"\r\n\r\n" not in head:
        got = connection.recv_into(buffer)
        if not got:
            raise BenchError("the server closed the connection")
        head += bytes(buffer[:got])
    head, _, start = head.partition(b"\r\n\r\n")
    if head[9:10] != b"2":
        raise BenchError(f"refused: {head[:300].decode('latin-1')}")
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        tail = (b"\r\n" + start)[-len(END_OF_CHUNKS) :]
        while tail != END_OF_CHUNKS:
            got = connection.recv_into(buffer)
            if not got:
                raise BenchError("the answer ended early")
            tail = (tail + bytes(buffer[max(0, got - len(END_OF_CHUNKS)) : got]))[-len(END_OF_CHUNKS) :]
        return
    length = next(line for line in lowered.split(b"\r\n") if line.startswith(b"content-length:"))
    left = int(length.split(b":")[1]) - len(start)
    while left > 0:
        left -= (got := connection.recv_into(buffer))
        if not got:
            raise BenchError("the answer ended early")
