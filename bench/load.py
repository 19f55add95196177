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


class _Tally:
    """What was answered, and what counts of it: all between the end of the warm-up and the end."""

    def __init__(self, warm_s: float, run_s: float, tick: Callable[[float], None]) -> None:
        self.begun = self._next_tick = time.perf_counter()
        self._counting_at, self.until = self.begun + warm_s, self.begun + warm_s + run_s
        self._tick = tick
        self.latencies: list[float] = []
        self.total = 0

    def note(self, sent_at: float, now: float) -> None:
        """Count an answer."""
        self.total += 1
        if self._counting_at <= now < self.until:
            self.latencies.append((now - sent_at) * 1e3)

    def show(self, now: float) -> None:
        """Tell how much is done, now and then."""
        if now >= self._next_tick:
            self._tick(min(1.0, (now - self.begun) / (self.until - self.begun)))
            self._next_tick = now + TICK_S


def _drive(
    lines: dict[int, _Line], make: Callable[[], bytes], warm_s: float, run_s: float, tick: Callable[[float], None]
) -> Load:
    poll = select.epoll()
    tally = _Tally(warm_s, run_s, tick)
    cpu_at = time.process_time()
    for number, line in lines.items():
        poll.register(number, select.EPOLLIN if line.ask(make()) else select.EPOLLOUT)
    open_ = len(lines)
    while open_:
        events = poll.poll(SILENCE_S)
        if not events:
            raise BenchError(f"nothing was answered for {SILENCE_S:.0f} s")
        for number, event in events:
            if not _step(poll, lines[number], event, make, tally):
                poll.unregister(number)
                open_ -= 1
        tally.show(time.perf_counter())
    poll.close()
    cpu_s = (time.process_time() - cpu_at) * run_s / (time.perf_counter() - tally.begun)
    return Load(len(tally.latencies), tally.total, run_s, tally.latencies, cpu_s)


def _step(poll: select.epoll, line: _Line, event: int, make: Callable[[], bytes], tally: _Tally) -> bool:
    """Go on with a connection; whether there is more to do on it."""
    if event & select.EPOLLOUT:
        if line.push():
            poll.modify(line.socket.fileno(), select.EPOLLIN)
        return True
    if line.answered():
        now = time.perf_counter()
        tally.note(line.sent_at, now)
        if now >= tally.until:
            return False
        if not line.ask(make()):
            poll.modify(line.socket.fileno(), select.EPOLLOUT)
    return True
