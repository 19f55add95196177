"""Counted calls, limits and a dialect's settings in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dialects.fake_figures import NOW_MS
from tests.dialects.fake_hub import FakeHub

if TYPE_CHECKING:
    from collections.abc import Mapping


class FakeTallies:
    """Implements `protocol.hub.Tallies`."""

    def __init__(self) -> None:
        self.counted: dict[tuple[str, int, str], int] = {}

    def used(self, dialect: str, account_id: int, period: str) -> int:
        """See the contract."""
        return self.counted.get((dialect, account_id, period), 0)

    def take(self, dialect: str, account_id: int, period: str, most: int) -> bool:
        """See the contract."""
        used = self.used(dialect, account_id, period)
        if used < most:
            self.counted[dialect, account_id, period] = used + 1
        return used < most

    def give_back(self, dialect: str, account_id: int, period: str) -> None:
        """See the contract."""
        self.counted[dialect, account_id, period] -= 1


class TalliedHub(FakeHub):
    """A hub that counts calls, with limits and settings that the test may change."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__(now_ms)
        self.tallied = FakeTallies()
        self.held_to_limits = True
        self.settings: dict[str, Mapping[str, object]] = {}

    @property
    def tallies(self) -> FakeTallies:
        """See the contract."""
        return self.tallied

    @property
    def limited(self) -> bool:
        """See the contract."""
        return self.held_to_limits

    @property
    def dialect_settings(self) -> Mapping[str, Mapping[str, object]]:
        """See the contract."""
        return self.settings
