"""The load generator: plain sockets and epoll in one thread, so that little of the machine goes into asking."""

from __future__ import annotations

import gc
import re
import select
import socket
import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bench.processes import HOST, BenchError

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 0.25
SILENCE_S = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Load(msgspec.Struct, frozen=True):
    """What came of a load: requests answered with 2xx, over how long, how long each took, and what asking cost."""

    requests: int
    total: int
    """Answered in all, the warm-up and what was under way at the end included."""
    seconds: float
    latencies_ms: list[float]
    cpu_s: float
    """Processor time of the generator. [s]"""

    @property
    def per_second(self) -> float:
        """Requests a second. [1/s]"""
        return self.requests / self.seconds

    @property
    def cpu_share(self) -> float:
        """Of one core."""
        return self.cpu_s / self.seconds

    def quantile_ms(self, share: float) -> float:
        """The time within which this share of the requests was answered. [ms]"""
        return float(np.quantile(self.latencies_ms, share))


class _Line:
    """A connection that has one request under way."""

    __slots__ = ("rest", "sent_at", "socket", "tail")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), 10.0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.rest: bytes | memoryview = b""
        self.tail = b""
        self.sent_at = 0.0

    def ask(self, request: bytes) -> bool:
        """Send as much as goes; whether all of it went."""
        self.sent_at = time.perf_counter()
        self.rest = request
        return self.push()

    def push(self) -> bool:
        """Send more of the request; whether all of it went."""
        try:
            sent = self.socket.send(self.rest)
        except BlockingIOError:
            return False
        if sent < len(self.rest):
            self.rest = memoryview(self.rest)[sent:]
            return False
        self.rest = b""
        return True

    def answered(self) -> bool:
        """Read; whether the answer is whole. Raises BenchError when it is a refusal or the end."""
        got = self.socket.recv(65536)
        if not got:
            raise BenchError("the server closed a connection")
        answer = self.tail + got
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            self.tail = answer
            return False
        if answer[9:10] != b"2":
            raise BenchError(f"refused: {answer[:1000].decode('latin-1')}")
        found = _LENGTH.search(answer, 0, end + 2)
        if len(answer) < end + 4 + (int(found[1]) if found else 0):
            self.tail = answer
            return False
        self.tail = b""
        return True


def drive(
    port: int, connections: int, make: Callable[[], bytes], warm_s: float, run_s: float, tick: Callable[[float], None]
) -> Load:
    """Keep every connection busy, one request at a time each, and count what is answered after the warm-up.

    `make` gives the next request, `tick` hears how much of the time has passed, 0 to 1.
    Raises BenchError for a refusal, so that only successes are ever counted.
    """
    lines = [_Line(port) for _ in range(connections)]
    gc.collect()
    gc.disable()
    try:
        return _drive({line.socket.fileno(): line for line in lines}, make, warm_s, run_s, tick)
    finally:
        gc.enable()
        for line in lines:
            line.socket.close()


def _drive(
    lines: dict[int, _Line], make: Callable[[], bytes], warm_s: float, run_s: float, tick: Callable[[float], None]
) -> Load:
    clock, poll = time.perf_counter, select.epoll()
    begun = clock()
    counting_at, until = begun + warm_s, begun + warm_s + run_s
    latencies: list[float] = []
    total, open_ = 0, len(lines)
    cpu_at, next_tick = time.process_time(), begun
    for number, line in lines.items():
        poll.register(number, select.EPOLLIN if line.ask(make()) else select.EPOLLOUT)
    while open_:
        events = poll.poll(SILENCE_S)
        if not events:
            raise BenchError(f"nothing was answered for {SILENCE_S:.0f} s")
        now = clock()
        for number, event in events:
            line = lines[number]
            if event & select.EPOLLOUT:
                if line.push():
                    poll.modify(number, select.EPOLLIN)
                continue
            if not line.answered():
                continue
            total += 1
            now = clock()
            if counting_at <= now < until:
                latencies.append(now - line.sent_at)
            if now >= until:
                poll.unregister(number)
                open_ -= 1
            elif not line.ask(make()):
                poll.modify(number, select.EPOLLOUT)
        if now >= next_tick:
            tick(min(1.0, (now - begun) / (warm_s + run_s)))
            next_tick = now + TICK_S
    poll.close()
    cpu_s = (time.process_time() - cpu_at) * run_s / (clock() - begun)
    return Load(len(latencies), total, run_s, [each * 1e3 for each in latencies], cpu_s)
