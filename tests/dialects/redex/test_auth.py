"""Tokens: what opens, for how long, and what ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import anyio
import msgspec
import pytest

from heliograph.dialects.redex import DIALECT
from heliograph.dialects.redex.auth import keys
from heliograph.errors import BadRequestError
from heliograph.model.access import Secret
from tests.dialects.redex import sender as of
from tests.dialects.redex.sender import PRINTED, told

if TYPE_CHECKING:
    from heliograph.clock import FixedClock
    from heliograph.hub import LocalHub
    from tests.dialects.redex.sender import Sender

DAY_MS = 86_400_000


async def test_a_key_gives_a_pair_of_opaque_tokens(stranger: Sender) -> None:
    answer = await stranger.ask()
    assert answer.json() | {"Data": None} == {
        "Data": None, "Errors": None, "Meta": None, "StatusCode": 200, "Message": "Success",
    }  # fmt: skip
    data = answer.json()["Data"]
    assert list(data) == ["AccessToken", "RefreshToken", "ExpiresIn", "TokenType", "Scope"]
    assert (data["ExpiresIn"], data["TokenType"]) == ("3600", "Bearer")
    assert data["Scope"] == "REConnect_api REDEX_api REHash_api"
    assert all(len(value) <= 36 for value in data.values())
    assert UUID(data["AccessToken"]) != UUID(data["RefreshToken"])
    assert "login" in stranger.audited()
    stored = str(stranger.rows("SELECT * FROM token"))
    assert data["AccessToken"] not in stored
    assert data["RefreshToken"] not in stored


async def test_names_of_a_token_call_may_be_camel_case(stranger: Sender) -> None:
    body = {"grantType": "api_key", "apiKey": of.API_KEY, "clientId": of.CLIENT_ID, "clientSecret": of.CLIENT_SECRET}
    assert (await stranger.http.post(of.CONNECT, json=body)).status_code == 200


@pytest.mark.parametrize(
    ("odd", "wrong"),
    [
        ({"GrantType": "password"}, {"GrantType": "GrantType must be api_key"}),
        ({"GrantType": None, "ApiKey": None}, {"GrantType": "GrantType is missing", "ApiKey": "ApiKey is missing"}),
        ({"ApiKey": "x" * 37}, {"ApiKey": "ApiKey is longer than 36 characters"}),
        ({"ClientId": ""}, {"ClientId": "ClientId is empty"}),
        ({"ClientSecret": ["x"]}, {"ClientSecret": "ClientSecret must be a text or a number"}),
    ],
)
async def test_a_token_call_that_cannot_be_read_names_what_is_wrong(
    stranger: Sender, odd: dict[str, object], wrong: dict[str, str]
) -> None:
    assert told(await stranger.ask(**odd), 400) == wrong


async def test_a_refresh_call_that_cannot_be_read_names_what_is_wrong(sender: Sender) -> None:
    wrong = told(await sender.renew(GrantType="api_key", RefreshToken="x" * 37), 400)
    assert wrong.keys() == {"GrantType", "RefreshToken"}


@pytest.mark.parametrize(
    "odd", [{"ClientId": "nobody"}, {"ApiKey": "wrong"}, {"ClientSecret": "wrong"}, {"ClientSecret": "\u00e4"}]
)
async def test_an_unknown_client_and_a_wrong_key_look_the_same(stranger: Sender, odd: dict[str, object]) -> None:
    wrong = told(await stranger.ask(**odd), 401)
    assert wrong == {"ClientId": "ClientId, ClientSecret or ApiKey is not right"}


async def test_who_guesses_is_held_back_even_with_the_right_key(stranger: Sender, wall: FixedClock) -> None:
    for _ in range(5):
        assert (await stranger.ask(ApiKey="guess")).status_code == 401
    answer = await stranger.ask()
    assert told(answer, 429) == {}
    assert 0 < int(answer.headers["retry-after"]) <= 300
    wall.at_ms += int(answer.headers["retry-after"]) * 1000
    assert (await stranger.ask()).status_code == 200


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (None, "send a header"),
        ("", "send a header"),
        ("Bearer", "send a header"),
        ("Bearer ", "send a header"),
        ("Basic {}", "send a header"),
        ("{}", "send a header"),
        ("Bearer x{}", "The token is invalid"),
        ("Bearer \u00e4", "The token is invalid"),
    ],
)
async def test_a_call_without_a_token_that_opens_is_refused(sender: Sender, header: str | None, why: str) -> None:
    headers = [] if header is None else [(b"authorization", header.format(sender.access).encode("latin-1"))]
    answer = await sender.http.post(of.SEND, json=PRINTED, headers=headers)
    assert told(answer, 401)["Authorization"].startswith(why)
    assert sender.statements() == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
async def test_the_scheme_may_come_in_any_case(sender: Sender, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {sender.access}"}
    assert (await sender.http.post(of.SEND, json=PRINTED, headers=headers)).status_code == 200


async def test_a_refresh_token_opens_nothing_but_the_refresh_call(sender: Sender) -> None:
    sender.access, sender.refresh = sender.refresh, sender.access
    assert told(await sender.post(PRINTED), 401) == {"Authorization": "The token is invalid"}
    assert told(await sender.renew(), 401) == {"RefreshToken": "The token is invalid"}


async def test_an_access_token_opens_for_an_hour_to_the_millisecond(sender: Sender, wall: FixedClock) -> None:
    wall.at_ms += 3_600_000 - 1
    assert (await sender.post(PRINTED)).status_code == 200
    wall.at_ms += 1
    assert told(await sender.post(PRINTED), 401) == {"Authorization": "The token has expired"}
    sender.hold(await sender.renew())
    assert (await sender.post(PRINTED)).status_code == 200


async def test_a_refresh_token_renews_for_thirty_days_to_the_millisecond(sender: Sender, wall: FixedClock) -> None:
    wall.at_ms += 30 * DAY_MS - 1
    sender.hold(await sender.renew())
    wall.at_ms += 30 * DAY_MS
    assert told(await sender.renew(), 401) == {"RefreshToken": "The token has expired"}


async def test_a_refresh_leaves_the_older_access_token_to_its_end(sender: Sender) -> None:
    older = sender.access
    sender.hold(await sender.renew())
    assert sender.access != older
    sender.access = older
    assert (await sender.post(PRINTED)).status_code == 200


async def test_a_refresh_token_that_comes_twice_ends_all_that_was_made_from_it(sender: Sender) -> None:
    stolen = sender.refresh
    sender.hold(await sender.renew())
    newer, access = sender.refresh, sender.access
    await sender.login()
    assert told(await sender.renew(RefreshToken=stolen), 401) == {"RefreshToken": "The token is invalid"}
    assert "token.reused" in sender.audited()
    assert told(await sender.renew(RefreshToken=newer), 401) == {"RefreshToken": "The token is invalid"}
    independent, sender.access = sender.access, access
    assert (await sender.post(PRINTED)).status_code == 401
    sender.access = independent
    assert (await sender.post(PRINTED)).status_code == 200


async def test_two_refreshes_at_once_do_not_both_count(sender: Sender) -> None:
    statuses: list[int] = []

    async def renew() -> None:
        statuses.append((await sender.renew()).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(renew)
    assert sorted(statuses) == [200, 401, 401, 401]


async def test_a_refresh_needs_the_secret_and_the_client_that_the_token_was_made_for(sender: Sender) -> None:
    assert told(await sender.renew(ClientSecret="wrong"), 401).keys() == {"ClientId"}
    other = await sender.renew(ClientId=of.OTHER_ID, ClientSecret=of.OTHER_SECRET)
    assert told(other, 401) == {"RefreshToken": "The token is invalid"}
    assert told(await sender.renew(RefreshToken="unknown"), 401) == {"RefreshToken": "The token is invalid"}
    assert (await sender.renew()).status_code == 200


async def test_a_client_with_an_old_refresh_token_is_not_held_back(sender: Sender) -> None:
    for _ in range(10):
        assert (await sender.renew(RefreshToken="unknown")).status_code == 401
    await sender.login()


@pytest.mark.parametrize("change", [{"disabled": True}, {"expires_at_ms": 1}])
async def test_tokens_end_with_their_credential(sender: Sender, hub: LocalHub, change: dict[str, object]) -> None:
    held = hub.registry.credentials["redex", of.CLIENT_ID]
    changed = msgspec.structs.replace(held, **change)
    await hub.database.write(lambda rows: hub.registry.put_credential(rows, changed))
    why = f"the credential {'is disabled' if 'disabled' in change else 'has expired'}"
    assert told(await sender.post(PRINTED), 401) == {"Authorization": why}
    assert told(await sender.renew(), 401) == {"Authorization": why}
    assert told(await sender.ask(), 401) == {"Authorization": why}
    assert (await sender.ask(ApiKey="wrong")).json()["Errors"][0]["Key"] == "ClientId"
    await hub.database.write(lambda rows: hub.registry.put_credential(rows, held))
    assert (await sender.post(PRINTED)).status_code == 200


async def test_tokens_end_with_another_secret(sender: Sender, hub: LocalHub) -> None:
    held = hub.registry.credentials["redex", of.CLIENT_ID]
    changed = msgspec.structs.replace(held, secret=Secret("new-key:new-secret"))
    await hub.database.write(lambda rows: hub.registry.put_credential(rows, changed))
    assert (await sender.post(PRINTED)).status_code == 401
    assert (await sender.renew(ClientSecret="new-secret")).status_code == 401
    await sender.login(ApiKey="new-key", ClientSecret="new-secret")


async def test_two_accounts_are_kept_apart(sender: Sender) -> None:
    await sender.post(PRINTED)
    await sender.login(ClientId=of.OTHER_ID, ApiKey=of.OTHER_KEY, ClientSecret=of.OTHER_SECRET)
    assert told(await sender.post(PRINTED), 403).keys() == {"RemoteInvId"}
    await sender.accepted(of.day("2023-05-01", "1"), device=of.OTHERS)
    assert [author for _, author, _ in sender.statements()] == ["first/client-1", "second/client-2"]


def test_both_keys_come_from_one_secret_and_tell_nothing_of_each_other() -> None:
    shown = DIALECT.present("me", Secret("the one secret"))
    assert list(shown) == ["ClientId", "ClientSecret", "ApiKey"]
    assert shown["ClientId"] == "me"
    assert UUID(shown["ApiKey"]) != UUID(shown["ClientSecret"])
    assert shown == DIALECT.present("me", Secret("the one secret"))
    assert shown["ApiKey"] != DIALECT.present("me", Secret("the one secreu"))["ApiKey"]


@pytest.mark.parametrize("text", ["key:", ":secret", f"{'k' * 37}:s", f"k:{'s' * 37}", "plain"])
def test_a_secret_that_is_no_pair_is_not_taken_apart(text: str) -> None:
    assert [str(UUID(part)) for part in keys(Secret(text))] == list(keys(Secret(text)))


def test_a_pair_is_taken_as_it_stands() -> None:
    assert keys(Secret("k:s")) == ("k", "s")
    assert keys(Secret(f"{'k' * 36}:a:b")) == ("k" * 36, "a:b")


def test_a_name_that_no_token_call_could_carry_is_refused() -> None:
    assert DIALECT.present("n" * 36, Secret("s"))["ClientId"] == "n" * 36
    with pytest.raises(BadRequestError, match="at most 36"):
        DIALECT.present("n" * 37, Secret("s"))


async def test_keys_that_were_derived_open(stranger: Sender, hub: LocalHub) -> None:
    secret = Secret("plain secret without a colon")
    held = hub.registry.credentials["redex", of.CLIENT_ID]
    derived = msgspec.structs.replace(held, id=0, name="derived", secret=secret)
    await hub.database.write(lambda rows: hub.registry.put_credential(rows, derived))
    shown = DIALECT.present("derived", secret)
    await stranger.login(**shown)
    assert (await stranger.post(PRINTED)).status_code == 200
