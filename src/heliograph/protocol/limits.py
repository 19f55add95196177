"""Limits: how often a call may come. The server half refuses exactly where the client half would wait."""

from __future__ import annotations

from collections import deque

from heliograph.clock import Clock
from heliograph.errors import TooFrequentError
from heliograph.protocol.operations import Limit

Key = tuple[int, str]


class Limiter:
    """Counts calls in a sliding window by key, on the wall clock. `enabled=False` lets everything pass."""

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
        while seen and seen[0] <= now_ms - span_ms:
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
