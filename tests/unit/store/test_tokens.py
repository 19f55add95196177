"""Tokens on disk: found by their text, kept as digests, forgotten when told or long after their end."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from heliograph.clock import FixedClock
from heliograph.model.access import Token
from heliograph.store.tokens import Tokens
from tests.unit.store.world import Store

SECRET = "kT7-a-token-nobody-guesses"


def token(secret: str = SECRET, **more: object) -> Token:
    """An access token of credential 3."""
    made = Token(
        dialect="redex", kind="access", digest=Token.digest_of(secret), credential_id=3, credential="c",
        expires_at_ms=5_000, family="f", data={"scope": "all"},
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


@pytest.fixture
def tokens(store: Store) -> Tokens:
    """No tokens yet, at the first second."""
    return Tokens(store.database, FixedClock(1_000))


async def test_a_token_is_found_by_its_text_dialect_and_kind(store: Store, tokens: Tokens) -> None:
    async with store.database.writing():
        await tokens.keep(token())
    assert await tokens.find("redex", "access", SECRET) == token()
    assert await tokens.find("redex", "refresh", SECRET) is None
    assert await tokens.find("huawei", "access", SECRET) is None
    assert await tokens.find("redex", "access", "another") is None


async def test_the_text_itself_is_nowhere_on_disk(store: Store, tokens: Tokens) -> None:
    async with store.database.writing():
        await tokens.keep(token())
    assert SECRET not in str(store.database.query("SELECT * FROM token"))


async def test_a_token_that_is_kept_again_takes_the_place_of_the_old(store: Store, tokens: Tokens) -> None:
    async with store.database.writing():
        await tokens.keep(token())
        await tokens.keep(token(expires_at_ms=9_000))
    found = await tokens.find("redex", "access", SECRET)
    assert found is not None
    assert found.expires_at_ms == 9_000


@pytest.mark.parametrize(
    ("kind", "family", "left"),
    [("", "", ["d"]), ("access", "", ["b", "d"]), ("", "f", ["c", "d"]), ("access", "f", ["b", "c", "d"])],
)
async def test_tokens_are_dropped_by_credential_kind_and_family(
    store: Store, tokens: Tokens, kind: str, family: str, left: list[str]
) -> None:
    held = {
        "a": token("a"),
        "b": token("b", kind="refresh"),
        "c": token("c", family="g"),
        "d": token("d", credential_id=4),
    }
    async with store.database.writing():
        for one in held.values():
            await tokens.keep(one)
        dropped = await tokens.drop("redex", 3, kind, family=family)
        assert await tokens.drop("huawei", 3) == 0
    found = [name for name, one in held.items() if await tokens.find("redex", one.kind, name)]
    assert (found, dropped) == (left, 4 - len(left))


async def test_a_token_is_told_to_have_ended_for_a_day(store: Store, tokens: Tokens) -> None:
    clock = FixedClock(5_000)
    later = Tokens(store.database, clock)
    async with store.database.writing():
        await tokens.keep(token())
        for at_ms, there in ((5_000, True), (5_000 + 86_400_000, True), (5_001 + 86_400_000, False)):
            clock.at_ms = at_ms
            await store.database.write(later.forget)
            assert (await tokens.find("redex", "access", SECRET) is not None) is there


async def test_a_token_is_exchanged_once_and_says_so_afterwards(store: Store, tokens: Tokens) -> None:
    async with store.database.writing():
        await tokens.keep(token())
        assert await tokens.exchange(token(), [token("b"), token("c", kind="refresh")])
        assert not await tokens.exchange(token(), [token("d")])
    assert await tokens.find("redex", "access", SECRET) == token(used=True)
    assert await tokens.find("redex", "access", "b") == token("b")
    assert await tokens.find("redex", "refresh", "c") is not None
    assert await tokens.find("redex", "access", "d") is None


async def test_of_two_exchanges_at_once_one_is_made(store: Store, tokens: Tokens) -> None:
    async with store.database.writing():
        await tokens.keep(token())
        done = await asyncio.gather(*(tokens.exchange(token(), [token(text)]) for text in ("b", "c")))
    assert done == [True, False]
    assert await tokens.find("redex", "access", "c") is None


async def test_what_was_dropped_is_not_exchanged(store: Store, tokens: Tokens) -> None:
    async with store.database.writing():
        await tokens.keep(token())
        assert await tokens.exchange(token(), [token("b")])
        assert await tokens.drop("redex", 3, family="f") == 2
        assert not await tokens.exchange(token(), [token("c")])
    assert await tokens.find("redex", "access", SECRET) is None
