"""Limits: how often a call may come. The server half refuses exactly where the client half would wait."""

from __future__ import annotations

from collections import deque

from heliograph.clock import Clock
from heliograph.errors import TooFrequentError
from heliograph.protocol.operations import Limit

Key = tuple[int, str]


class Limiter:
    """Counts calls in a window by key, on the wall clock. `enabled=False` lets everything pass."""

    def __init__(self, wall: Clock, *, enabled: bool = True) -> None:
        self._wall = wall
        self._enabled = enabled
        self._seen: dict[Key, deque[int]] = {}
        self._sweep_at_ms = 0

    def take(self, limit: Limit, key: Key) -> None:
        """Count one call. Raises TooFrequentError, counting nothing, when the window is full."""
        if not self._enabled:
            return
        wait_s = self.wait_s(limit, key)
        if wait_s > 0:
            raise TooFrequentError("called too often", retry_after_s=wait_s)
        self._seen.setdefault(key, deque()).append(self._wall.now_ms())

    def wait_s(self, limit: Limit, key: Key) -> float:
        """How long until the next call of this key would pass; 0 for now. [s]"""
        now_ms = self._wall.now_ms()
        self._sweep(now_ms)
        seen = self._seen.get(key)
        if seen is None:
            return 0.0
        span_ms = int(limit.per_s * 1000)
        if limit.fixed and seen and not seen[0] <= now_ms < seen[0] + span_ms:
            seen.clear()
        while seen and not limit.fixed and seen[0] <= now_ms - span_ms:
            seen.popleft()
        return 0.0 if len(seen) < limit.calls else (seen[0] + span_ms - now_ms) / 1000

    def _sweep(self, now_ms: int) -> None:
        """Forget keys unused for a day, so that memory does not grow with the number of clients ever seen."""
        if now_ms < self._sweep_at_ms:
            return
        self._sweep_at_ms = now_ms + 3_600_000
        idle = [key for key, seen in self._seen.items() if not seen or seen[-1] < now_ms - 86_400_000]
        for key in idle:
            del self._seen[key]


class Guard:
    """Holds back whoever guesses a secret: counts failures by name, by address, and by both, on the wall clock.

    A success forgives the failures of its name from its address.
    """

    def __init__(self, wall: Clock, *, window_s: float = 300.0, both: int = 5, peer: int = 30, name: int = 100) -> None:
        self._wall, self._window_ms = wall, int(window_s * 1000)
        self._most = (both, peer, name)
        self._failures: dict[tuple[str, str], deque[int]] = {}
        self._sweep_at_ms = 0

    def check(self, name: str, peer: str) -> None:
        """Raise TooFrequentError while there were too many failures."""
        now_ms = self._wall.now_ms()
        self._sweep(now_ms)
        for key, most in zip(_keys(name, peer), self._most, strict=True):
            failures = self._failures.get(key)
            if failures is None:
                continue
            while failures and failures[0] <= now_ms - self._window_ms:
                failures.popleft()
            if len(failures) >= most:
                wait_s = (failures[-most] + self._window_ms - now_ms) / 1000
                raise TooFrequentError("too many failed attempts", retry_after_s=wait_s)

    def failed(self, name: str, peer: str) -> None:
        """Count a failure."""
        now_ms = self._wall.now_ms()
        for key, most in zip(_keys(name, peer), self._most, strict=True):
            self._failures.setdefault(key, deque(maxlen=most)).append(now_ms)

    def succeeded(self, name: str, peer: str) -> None:
        """Forgive the failures of a name from an address."""
        self._failures.pop(_keys(name, peer)[0], None)

    def _sweep(self, now_ms: int) -> None:
        """Forget failures that no longer count, so that memory does not grow with the names that were guessed."""
        if now_ms < self._sweep_at_ms:
            return
        self._sweep_at_ms = now_ms + self._window_ms
        old = [key for key, at_ms in self._failures.items() if not at_ms or at_ms[-1] <= now_ms - self._window_ms]
        for key in old:
            del self._failures[key]


def _keys(name: str, peer: str) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """Under which keys an attempt counts; a name is cut, so that long ones take no room."""
    return (f"{name[:100]}@", peer), ("", peer), (name[:100], "")
