"""Tokens on disk, by their digests."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from heliograph.clock import Clock
from heliograph.model.access import Token
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database


class Tokens:
    """Reads and writes tokens; see the contract."""

    def __init__(self, database: Database, wall: Clock) -> None:
        self._database, self._wall = database, wall

    async def keep(self, token: Token) -> None:
        """See the contract."""
        await self._database.write(lambda rows: _put(rows, token))

    async def exchange(self, token: Token, made: Sequence[Token]) -> bool:
        """See the contract."""

        def job(rows: Rows) -> bool:
            held = rows.execute("SELECT body FROM token WHERE digest = ?", (token.digest,)).fetchone()
            if held is None or msgspec.msgpack.decode(held[0], type=Token).used:
                return False
            for one in (msgspec.structs.replace(token, used=True), *made):
                _put(rows, one)
            return True

        return await self._database.write(job)

    async def find(self, dialect: str, kind: str, secret: str) -> Token | None:
        """See the contract."""
        found = self._database.query(
            "SELECT body FROM token WHERE digest = ? AND dialect = ? AND kind = ?",
            (Token.digest_of(secret), dialect, kind),
        )
        return msgspec.msgpack.decode(found[0][0], type=Token) if found else None

    async def drop(self, dialect: str, credential_id: int, kind: str = "", *, family: str = "") -> int:
        """See the contract."""

        def job(rows: Rows) -> int:
            return rows.execute(
                "DELETE FROM token WHERE dialect = ? AND credential = ? AND ? IN ('', kind) AND ? IN ('', family)",
                (dialect, credential_id, kind, family),
            ).rowcount

        return await self._database.write(job)

    def forget(self, rows: Rows, grace_s: int = 86_400) -> None:
        """Drop tokens that ended long ago, inside a transaction; until then a caller is told that they ended."""
        rows.execute("DELETE FROM token WHERE expires < ?", (self._wall.now_ms() - grace_s * 1000,))


def _put(rows: Rows, token: Token) -> None:
    rows.execute(
        "INSERT OR REPLACE INTO token (digest, dialect, kind, credential, family, expires, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            token.digest, token.dialect, token.kind, token.credential_id, token.family, token.expires_at_ms,
            msgspec.msgpack.encode(token),
        ),
    )  # fmt: skip
