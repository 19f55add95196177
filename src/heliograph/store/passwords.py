"""Passwords of people: kept as argon2id hashes, made and checked beside the loop."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from heliograph.errors import BadRequestError
from heliograph.model.people import PasswordHash

SHORTEST, LONGEST = 8, 1000
"""How many characters a password has."""


def check_password(password: str) -> None:
    """Raise BadRequestError for a password that is too short or too long."""
    if not SHORTEST <= len(_plain(password)) <= LONGEST:
        raise BadRequestError(f"a password has {SHORTEST} to {LONGEST} characters", field="password")


def _plain(password: str) -> str:
    """A password in the one form of those that look the same, whichever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Makes hashes and checks passwords against them, one at a time: each takes its share of memory on purpose.

    Without `hasher` the costs are those of RFC 9106's second choice.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._thread: ThreadPoolExecutor | None = None
        self._nobody: PasswordHash | None = None

    def hash(self, password: str) -> PasswordHash:
        """What to keep of a password. Takes a while. Raises BadRequestError for one that is too short or too long."""
        check_password(password)
        return PasswordHash(self._hasher.hash(_plain(password)))

    async def matches(self, held: PasswordHash | None, password: str) -> bool:
        """Whether it is this password. Where nothing is held the answer is no, after the same work."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "heliograph-passwords")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._matches, held, password)

    def _matches(self, held: PasswordHash | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = PasswordHash(self._hasher.hash(secrets.token_hex()))
        try:
            self._hasher.verify((held or self._nobody).text, _plain(password[: LONGEST + 1]))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return held is not None

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
