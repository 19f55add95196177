"""Tokens on disk, by their digests."""

from __future__ import annotations

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
        row = (token.digest, token.dialect, token.kind, token.credential_id, token.family, token.expires_at_ms)
        body = msgspec.msgpack.encode(token)
        await self._database.write(
            lambda rows: rows.execute(
                "INSERT OR REPLACE INTO token (digest, dialect, kind, credential, family, expires, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, body),
            )
        )

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
