"""Tokens, signatures, times: which header is wrong is told by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.dialects.foxess import DIALECT
from heliograph.dialects.foxess.auth import WINDOW_MS, present, sign
from heliograph.dialects.foxess.codes import messages
from heliograph.errors import BadRequestError
from heliograph.model.access import Secret, Token
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import NOW_MS, SECRET, FakeHub

if TYPE_CHECKING:
    from heliograph.model.access import Credential

PATH = "/op/v0/plant/list"


def signed(text: str, timestamp: str, **headers: str) -> dict[str, str]:
    """Headers with a signature that is right."""
    return {"timestamp": timestamp, "signature": sign(PATH, text, timestamp), "lang": "en", **headers}


def test_the_separator_is_four_literal_characters() -> None:
    assert sign("/op/v0/device/list", "abcdefghij012345689", "1705809089") == "68a007c2450d6697fbe2990f92000269"


def test_a_credential_is_presented_as_one_token() -> None:
    assert present("my-home", Secret("abc")) == {"token": "my-home-abc"}
    assert DIALECT.present is present


@pytest.mark.parametrize(("name", "secret"), [("home", "a-b"), ("home", ""), ("", "a"), ("a b", "c"), ("é", "c")])
def test_what_no_header_carries_is_no_credential(name: str, secret: str) -> None:
    with pytest.raises(BadRequestError, match=r"token"):
        present(name, Secret(secret))


async def test_a_name_with_hyphens_is_told_from_its_secret(hub: FakeHub) -> None:
    hub.add_credential("my-own-home")
    assert await Client(hub, "my-own-home").errno("plant/list") == 0


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "token is missing"),
        ({"token": "home-x", "authorization": "Bearer y"}, "token and Authorization cannot stand together"),
        ({"authorization": "Basic eA=="}, "Authorization is no Bearer token"),
        ({"authorization": "Bearer "}, "Authorization is no Bearer token"),
        ({"token": "home-x"}, "timestamp is missing"),
        ({"token": "home-x", "timestamp": "soon"}, "timestamp is neither milliseconds nor seconds since 1970"),
        ({"token": "home-x", "timestamp": "175137120000"}, "timestamp is neither milliseconds nor seconds since 1970"),
        ({"token": "home-x", "timestamp": str(NOW_MS + WINDOW_MS + 1)}, "timestamp is more than five minutes off"),
        ({"token": "home-x", "timestamp": str(NOW_MS - WINDOW_MS - 1)}, "timestamp is more than five minutes off"),
        ({"token": "home-x", "timestamp": str(NOW_MS)}, "signature is missing"),
        ({"token": "home-x", "timestamp": str(NOW_MS), "signature": "0" * 32}, "signature does not match"),
    ],
)
async def test_40256_says_which_header_is_wrong(client: Client, headers: dict[str, str], told: str) -> None:
    answer = await client.call("plant/list", headers=headers)
    assert answer == {"errno": 40256, "msg": f"{messages()[40256]['en']}: {told}", "result": None}


async def test_real_line_breaks_in_the_signature_are_refused(client: Client) -> None:
    import hashlib

    headers = client.headers(PATH)
    text = f"{PATH}\r\n{headers['token']}\r\n{headers['timestamp']}"
    headers["signature"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert (await client.call("plant/list", headers=headers))["errno"] == 40256


async def test_seconds_and_the_edges_of_the_window_are_taken(client: Client) -> None:
    for timestamp in (str(NOW_MS // 1000), str(NOW_MS + WINDOW_MS), str(NOW_MS - WINDOW_MS)):
        headers = signed(client.token, timestamp, token=client.token)
        assert (await client.call("plant/list", headers=headers))["errno"] == 0


async def test_a_missing_language_and_a_repeated_request_are_taken(client: Client) -> None:
    headers = client.headers(PATH)
    del headers["lang"]
    assert (await client.call("plant/list", headers=headers))["errno"] == 0
    assert (await client.call("plant/list", headers=headers))["errno"] == 0


@pytest.mark.parametrize("token", ["home-wrong", "other-" + SECRET, "home", SECRET, f"home{SECRET}"])
async def test_an_unknown_or_altered_token_is_invalid(client: Client, token: str) -> None:
    headers = signed(token, str(NOW_MS), token=token)
    assert (await client.call("plant/list", headers=headers))["errno"] == 41808


async def test_a_disabled_and_an_expired_token_say_so(hub: FakeHub, client: Client) -> None:
    hub.change_credential("home", disabled=True)
    assert await client.errno("plant/list") == 41807
    hub.change_credential("home", disabled=False, expires_at_ms=NOW_MS)
    assert await client.errno("plant/list") == 41809


def granted(credential: Credential, text: str, expires_at_ms: int = NOW_MS + 1) -> Token:
    """An access token."""
    return Token(
        dialect="foxess",
        kind="access",
        digest=Token.digest_of(text),
        credential_id=credential.id,
        credential=credential.name,
        expires_at_ms=expires_at_ms,
    )


async def test_an_access_token_stands_in_the_token_s_place(hub: FakeHub, client: Client) -> None:
    await hub.tokens.keep(granted(hub.credentials["home"], "opened"))
    for spelling in ("Bearer opened", "bearer  opened "):
        headers = signed("opened", str(NOW_MS), authorization=spelling)
        assert (await client.call("plant/list", headers=headers))["errno"] == 0
    unsigned = {"authorization": "Bearer opened", "timestamp": str(NOW_MS), "signature": sign(PATH, "", str(NOW_MS))}
    assert (await client.call("plant/list", headers=unsigned))["errno"] == 40256


async def test_an_access_token_that_is_unknown_over_or_of_a_credential_that_is_gone(
    hub: FakeHub, client: Client
) -> None:
    async def code(text: str) -> int:
        answer = await client.call("plant/list", headers=signed(text, str(NOW_MS), authorization=f"Bearer {text}"))
        number: int = answer["errno"]
        return number

    mine = hub.credentials["home"]
    assert await code("never") == 41808
    await hub.tokens.keep(granted(mine, "over", NOW_MS))
    assert await code("over") == 41809
    await hub.tokens.keep(granted(mine, "mine"))
    hub.change_credential("home", disabled=True)
    assert await code("mine") == 41807
    hub.change_credential("home", disabled=False, id=99)
    assert await code("mine") == 41808
    del hub.credentials["home"]
    assert await code("mine") == 41808
