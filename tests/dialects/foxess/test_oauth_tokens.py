"""Tokens: for a code once, for a refresh token once, ended at once, and always what people want at present."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace

from heliograph.app import make_app
from heliograph.clock import DAY_MS, MINUTE_MS
from heliograph.dialects.foxess.codes import messages
from heliograph.dialects.foxess.oauth_tokens import REFRESH_MS
from heliograph.errors import StoreFullError
from heliograph.hub import LocalHub
from heliograph.model.access import Secret
from tests.dialects.foxess.oauth_house import CALLBACK, CHEAP, CLIENT, SECRET, House, open_house, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
BASIC = {"authorization": "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A hub with an application and Ada."""
    async with open_house(tmp_path) as made:
        yield made


def refused(answer: httpx.Response, status: int = 400) -> str:
    """Why a call for tokens was refused; the dialect's own words stand beside."""
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found.keys() == {"error", "error_description", "errno", "msg", "result"}
    assert found["errno"] in messages()
    assert found["error_description"] in found["msg"]
    error: str = found["error"]
    return error


# Codes


async def test_a_code_becomes_tokens_in_both_forms(house: House) -> None:
    answer = await house.exchange(await house.code())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    found = answer.json()
    own = {name: found[name] for name in ("access_token", "token_type", "expires_in", "refresh_token", "scope")}
    assert (own["token_type"], own["expires_in"], own["scope"]) == ("Bearer", 86_400, "read")
    assert found == {**own, "errno": 0, "msg": "success", "result": own}
    assert await house.errno(own["access_token"]) == 0
    assert await house.errno(own["refresh_token"]) == 41808


async def test_parameters_come_in_the_query_a_form_json_or_a_header(house: House) -> None:
    given = {"grant_type": "authorization_code", "client_id": CLIENT, "client_secret": SECRET}
    post, path = house.http.post, "/oauth2/token"
    assert (await post(path, params={**given, "code": await house.code()})).status_code == 200
    assert (await post(path, data={**given, "code": await house.code()})).status_code == 200
    assert (await post(path, json={**given, "code": await house.code(), "more": None})).status_code == 200
    assert (await post(path, params={**given, "code": (code := await house.code())}, data={"code": code})).is_success
    proven = {"grant_type": "authorization_code"}
    assert (await post(path, headers=BASIC, data={**proven, "code": await house.code()})).status_code == 200
    both = {**proven, "client_id": CLIENT, "code": await house.code()}
    assert (await post(path, headers=BASIC, data=both)).status_code == 200


async def test_the_document_s_call_for_tokens_is_a_post(house: House) -> None:
    answer = await house.http.get("/oauth2/token")
    assert (answer.status_code, answer.json()["errno"]) == (200, 50404)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("code=a&code=b", {}),
        ("code=a", {"code": "b"}),
        ("", {"grant_type": ""}),
        ("", {"code": ""}),
        ("client_secret=other", {}),
    ],
)
async def test_what_is_missing_or_said_twice_is_an_invalid_request(
    house: House, query: str, body: dict[str, str]
) -> None:
    given = {"grant_type": "authorization_code", "client_id": CLIENT, "client_secret": SECRET, **body}
    assert refused(await house.http.post(f"/oauth2/token?{query}", data=given)) == "invalid_request"


@pytest.mark.parametrize("body", [b"{", b'{"code": []}', b'{"code": "a", "code": "b"}', b"a=1&" * 60, b"{\xff}"])
async def test_a_body_that_cannot_be_read_is_an_invalid_request(house: House, body: bytes) -> None:
    assert refused(await house.http.post("/oauth2/token", content=body)) == "invalid_request"


async def test_other_grants_are_not_supported(house: House) -> None:
    assert refused(await house.token(grant_type="password", username="a")) == "unsupported_grant_type"
    answer = await house.token("/oauth2/refresh", grant_type="authorization_code", refresh_token="a")
    assert refused(answer) == "unsupported_grant_type"


@pytest.mark.parametrize(
    "client", [{}, {"client_id": CLIENT}, {"client_id": CLIENT, "client_secret": "x"}, {"client_secret": SECRET}]
)
@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/refresh", "/oauth2/revoke"])
async def test_a_client_that_does_not_prove_itself_gets_nothing(
    house: House, path: str, client: dict[str, str]
) -> None:
    answer = await house.http.post(path, data={**client, "grant_type": "refresh_token", "refresh_token": "a"})
    assert refused(answer, 401) == "invalid_client"
    assert answer.json()["errno"] == 41808
    assert "www-authenticate" not in answer.headers


async def test_a_client_that_fails_in_the_header_is_told_how(house: House) -> None:
    for shown in (base64.b64encode(f"{CLIENT}:wrong".encode()).decode(), "!", "/w=="):
        answer = await house.http.post("/oauth2/token", headers={"authorization": f"Basic {shown}"})
        assert refused(answer, 401) == "invalid_client"
        assert answer.headers["www-authenticate"] == 'Basic realm="oauth2"'
    for data in ({"client_secret": SECRET}, {"client_id": "another"}):
        assert refused(await house.http.post("/oauth2/token", headers=BASIC, data=data)) == "invalid_request"


async def test_a_client_that_guesses_is_held_back(house: House) -> None:
    for _ in range(5):
        refused(await house.http.post("/oauth2/token", data={"client_id": CLIENT, "client_secret": "guess"}), 401)
    held = await house.token(grant_type="authorization_code", code="a")
    assert refused(held, 429) == "temporarily_unavailable"
    assert held.headers["retry-after"] == "300"


async def test_a_code_lasts_five_minutes(house: House) -> None:
    first, second = await house.code(), await house.code()
    house.wall.at_ms += 5 * MINUTE_MS - 1
    assert (await house.exchange(first)).status_code == 200
    house.wall.at_ms += 1
    assert refused(await house.exchange(second)) == "invalid_grant"


async def test_a_code_that_comes_twice_ends_all_that_was_made_from_it(house: House) -> None:
    code, other = await house.code(), await house.tokens()
    found = (await house.exchange(code)).json()
    newer = (await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])).json()
    assert await house.errno(newer["access_token"]) == 0
    assert refused(await house.exchange(code)) == "invalid_grant"
    for access in (found["access_token"], newer["access_token"]):
        assert await house.errno(access) == 41808
    assert refused(await house.token("/oauth2/refresh", refresh_token=newer["refresh_token"])) == "invalid_grant"
    assert await house.errno(other["access_token"]) == 0
    assert house.trail()[-1] == "token.reused"


async def test_of_two_calls_at_once_with_one_code_none_keeps_its_tokens(house: House) -> None:
    code = await house.code()
    answers = await asyncio.gather(house.exchange(code), house.exchange(code))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    (good,) = [answer.json() for answer in answers if answer.is_success]
    assert await house.errno(good["access_token"]) == 41808


async def test_a_code_belongs_to_its_client_and_address(house: House) -> None:
    await house.save_application(id=0, client_id="other", secret=Secret("other-secret"))
    code = await house.code()
    given = {"grant_type": "authorization_code", "code": code, "client_id": "other", "client_secret": "other-secret"}
    assert refused(await house.http.post("/oauth2/token", data=given)) == "invalid_grant"
    assert refused(await house.exchange(code, redirect_uri=f"{CALLBACK}/")) == "invalid_grant"
    assert (await house.exchange(code, redirect_uri=CALLBACK)).status_code == 200
    assert refused(await house.exchange("never")) == "invalid_grant"


@pytest.mark.parametrize(
    ("asked", "verifier", "good"),
    [
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, VERIFIER, True),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, VERIFIER, True),
        ({"code_challenge": VERIFIER}, VERIFIER, True),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, CHALLENGE, False),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, "", False),
        ({"code_challenge": CHALLENGE}, VERIFIER, False),
        ({}, VERIFIER, False),
    ],
)
async def test_a_code_with_a_challenge_needs_its_verifier(
    house: House, asked: dict[str, str], verifier: str, good: bool
) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    assert digest == CHALLENGE
    answer = await house.exchange(await house.code(**asked), code_verifier=verifier)
    assert answer.is_success is good
    assert good or refused(answer) == "invalid_grant"


# Refreshing


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refresh_token_becomes_new_tokens_by_the_document_s_address(house: House, method: str) -> None:
    found = await house.tokens()
    query = {"grant_type": "refresh_token", "client_id": CLIENT, "client_secret": SECRET}
    answer = await house.http.request(
        method, "/oauth2/refresh", params={**query, "refresh_token": found["refresh_token"]}
    )
    newer = answer.json()
    assert newer["access_token"] != found["access_token"]
    assert newer["refresh_token"] != found["refresh_token"]
    for access in (found["access_token"], newer["access_token"]):
        assert await house.errno(access) == 0


async def test_the_call_for_tokens_refreshes_too_and_the_grant_may_go_unnamed_where_it_is_plain(house: House) -> None:
    found = await house.tokens()
    newer = await house.token(grant_type="refresh_token", refresh_token=found["refresh_token"])
    again = await house.token("/oauth2/refresh", refresh_token=newer.json()["refresh_token"])
    assert again.is_success
    assert refused(await house.token("/oauth2/refresh")) == "invalid_request"


async def test_a_refresh_token_that_comes_twice_ends_its_family(house: House) -> None:
    found = await house.tokens()
    newer = (await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])).json()
    assert refused(await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])) == "invalid_grant"
    for access in (found["access_token"], newer["access_token"]):
        assert await house.errno(access) == 41808
    assert refused(await house.token("/oauth2/refresh", refresh_token=newer["refresh_token"])) == "invalid_grant"


async def test_access_lasts_a_day_and_refreshing_sixty(house: House) -> None:
    first, second = await house.tokens(), await house.tokens()
    house.wall.at_ms += DAY_MS - 2000
    assert await house.errno(first["access_token"]) == 0
    house.wall.at_ms += 1000
    assert await house.errno(first["access_token"]) == 41809
    house.wall.at_ms += REFRESH_MS - DAY_MS - 1001
    assert (await house.token("/oauth2/refresh", refresh_token=first["refresh_token"])).is_success
    house.wall.at_ms += 1
    assert refused(await house.token("/oauth2/refresh", refresh_token=second["refresh_token"])) == "invalid_grant"


async def test_refreshing_asks_for_no_more_than_was_granted(house: House) -> None:
    found = await house.tokens()
    more = {"refresh_token": found["refresh_token"], "scope": "read control"}
    assert refused(await house.token("/oauth2/refresh", **more)) == "invalid_scope"
    same = await house.token("/oauth2/refresh", refresh_token=found["refresh_token"], scope="read")
    assert same.json()["scope"] == "read"


# Ending


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("access_token", "access_token"),
        ("refresh_token", "refresh_token"),
        ("token", "access_token"),
        ("token", "refresh_token"),
    ],
)
async def test_a_revoked_token_is_over_at_once_with_all_of_its_consent(
    house: House, method: str, name: str, which: str
) -> None:
    found, other = await house.tokens(), await house.tokens()
    query = {"client_id": CLIENT, "client_secret": SECRET, name: found[which], "token_type_hint": "whatever"}
    answer = await house.http.request(method, "/oauth2/revoke", params=query)
    assert (answer.status_code, answer.json()) == (200, {"errno": 0, "msg": "success", "result": None})
    assert await house.errno(found["access_token"]) == 41808
    assert refused(await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])) == "invalid_grant"
    assert await house.errno(other["access_token"]) == 0
    assert house.trail()[-1] == "token.revoked"


async def test_an_unknown_token_is_over_already_and_another_s_is_not_touched(house: House) -> None:
    assert (await house.token("/oauth2/revoke", access_token="never")).status_code == 200
    assert refused(await house.token("/oauth2/revoke")) == "invalid_request"
    await house.save_application(id=0, client_id="other", secret=Secret("other-secret"))
    found = await house.tokens()
    given = {"client_id": "other", "client_secret": "other-secret", "access_token": found["access_token"]}
    assert refused(await house.http.post("/oauth2/revoke", data=given)) == "invalid_grant"
    assert await house.errno(found["access_token"]) == 0


async def test_a_token_whose_credential_is_gone_opens_nothing_and_can_be_revoked(house: House) -> None:
    found = await house.tokens()
    del house.hub.registry.credentials["foxess", house.credential().name]
    assert await house.errno(found["access_token"]) == 41808
    assert refused(await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])) == "invalid_grant"
    assert (await house.token("/oauth2/revoke", access_token=found["access_token"])).is_success
    assert await house.hub.tokens.find("foxess", "access", found["access_token"]) is None


# What was granted


async def test_granting_again_sets_the_scopes_anew_for_older_tokens_too(house: House) -> None:
    found = await house.tokens(scope="read")
    number = house.credential().id
    wider = await house.tokens(scope="control read")
    assert wider["scope"] == "control read"
    assert (house.credential().id, house.credential().scopes) == (number, ("control", "read"))
    assert await house.errno(found["access_token"]) == 0
    await house.tokens(scope="control")
    assert await house.errno(found["access_token"]) == 41811


async def test_it_opens_the_person_s_plants_as_they_are(house: House) -> None:
    await house.tokens()
    name = house.credential().name

    async def opened() -> Any:  # any: a tuple of plants, or None
        found = await house.hub.credential("foxess", name)
        return found and found.plants

    assert await opened() == (1,)
    await house.save_person(id=1, plants=(2,))
    assert await opened() == (2,)
    await house.save_person(id=1, plants=None)
    assert await opened() is None


async def test_disabling_person_or_application_shuts_at_once_and_enabling_opens_again(house: House) -> None:
    found = await house.tokens()
    for change in (house.save_person, house.save_application):
        number = {"id": 1} if change == house.save_person else {}
        await change(**number, disabled=True)
        assert await house.errno(found["access_token"]) == 41807
        await change(**number, disabled=False)
        assert await house.errno(found["access_token"]) == 0
    await house.save_person(id=1, disabled=True)
    assert refused(await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])) == "invalid_grant"


async def test_a_grant_that_was_shut_by_hand_cannot_be_given_again(house: House) -> None:
    await house.tokens()
    shut = replace(house.credential(), disabled=True)
    await house.hub.database.write(lambda rows: house.hub.registry.put_credential(rows, shut))
    assert told(await house.choose(await house.sign_in(), "allow"))["error"] == "access_denied"


async def test_tokens_outlive_a_restart(house: House, tmp_path: Path) -> None:
    found, code = await house.tokens(), await house.code()
    await house.hub.stop()
    house.hub = LocalHub(tmp_path, house.hub.config, clock=house.hub.clock, wall=house.wall)
    house.hub.grants.passwords = CHEAP
    await house.hub.start()
    transport = httpx.ASGITransport(make_app(house.hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as house.http:
        assert await house.errno(found["access_token"]) == 0
        assert (await house.exchange(code)).is_success
        assert refused(await house.exchange(code)) == "invalid_grant"


async def test_a_full_disk_gives_no_tokens_and_is_told_in_the_same_form(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await house.code()

    async def full(*_: object) -> bool:
        raise StoreFullError("no room")

    monkeypatch.setattr(house.hub.tokens, "exchange", full)
    assert refused(await house.exchange(code), 503) == "temporarily_unavailable"
    monkeypatch.undo()
    assert (await house.exchange(code)).is_success
    monkeypatch.setattr(house.hub.tokens, "keep", full)
    page = await house.choose(await house.sign_in(), "allow")
    assert page.status_code == 503
    assert "Try again later." in page.text


async def test_calls_for_tokens_are_not_calls_of_the_day(house: House) -> None:
    found = await house.tokens()
    for _ in range(3):
        found = (await house.token("/oauth2/refresh", refresh_token=found["refresh_token"])).json()
    assert await house.call("GET", "/op/v0/user/getAccessCount", found["access_token"]) == {
        "errno": 0, "msg": "success", "result": {"total": "1440", "remaining": "1439"},
    }  # fmt: skip
