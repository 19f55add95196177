"""Tallies: calls counted over a day or month, in memory, and written behind so that a restart does not begin anew."""

from __future__ import annotations

from heliograph.store.base import Rows
from heliograph.store.sqlite import Database

PREFIX = "tally:"


class Tallies:
    """Counts calls; see the contract. What the last seconds before a crash counted is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[tuple[str, int, str], int] = {}
        self._changed: set[tuple[str, int, str]] = set()

    def used(self, dialect: str, account_id: int, period: str) -> int:
        """See the contract."""
        key = (dialect, account_id, period)
        if key not in self._used:
            self._used[key] = self._stored(key)
        return self._used[key]

    def take(self, dialect: str, account_id: int, period: str, most: int) -> bool:
        """See the contract."""
        used = self.used(dialect, account_id, period)
        if used >= most:
            return False
        self._count((dialect, account_id, period), used + 1)
        return True

    def give_back(self, dialect: str, account_id: int, period: str) -> None:
        """See the contract."""
        self._count((dialect, account_id, period), max(self.used(dialect, account_id, period) - 1, 0))

    def _count(self, key: tuple[str, int, str], used: int) -> None:
        self._used[key] = used
        self._changed.add(key)

    def _stored(self, key: tuple[str, int, str]) -> int:
        found = self._database.query("SELECT value FROM meta WHERE key = ?", (_name(key),))
        return int(found[0][0]) if found else 0

    @property
    def changed(self) -> bool:
        """Whether anything is counted that is not written down."""
        return bool(self._changed)

    def flush(self, rows: Rows) -> None:
        """Write down what was counted, inside a transaction; earlier periods of the same account are forgotten."""
        for key in sorted(self._changed):
            dialect, account_id, period = key
            rows.execute(
                "DELETE FROM meta WHERE key >= ? AND key < ?", (f"{PREFIX}{dialect}:{account_id}:", _name(key))
            )
            rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_name(key), str(self._used[key])))
            old = [one for one in self._used if one[:2] == key[:2] and one[2] < period]
            for one in old:
                del self._used[one]
        self._changed.clear()


def _name(key: tuple[str, int, str]) -> str:
    return f"{PREFIX}{key[0]}:{key[1]}:{key[2]}"
