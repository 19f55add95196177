"""Login, the token's two ways, and everything that ends a session."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from heliograph.dialects.huawei import DIALECT
from heliograph.dialects.huawei.auth import SESSION_MS
from heliograph.dialects.huawei.wire import LoginQuery, LogoutQuery
from heliograph.model.access import Secret
from tests.dialects.huawei.client import Client, code, whole

if TYPE_CHECKING:
    from tests.dialects.huawei.fake_hub import FakeHub

RELOGIN = {
    "success": False,
    "data": None,
    "failCode": 305,
    "params": {"currentTime": 1_751_371_200_000},
    "message": "USER_MUST_RELOGIN",
    "immediately": True,
}


async def test_a_login_answers_the_token_in_header_and_cookie(hub: FakeHub) -> None:
    reply = await Client(hub).reply("login", {"userName": "admin4", "systemCode": "Admin@1234", "spare": 1})
    token = reply.headers["xsrf-token"]
    assert re.fullmatch(r"x-[a-z0-9-]{90,}", token)
    assert reply.headers["set-cookie"] == f"XSRF-TOKEN={token};Path=/;Secure"
    assert json.loads(await whole(reply)) == {
        "success": True,
        "data": None,
        "failCode": 0,
        "params": None,
        "message": None,
    }
    assert hub.audited == ["11 login huawei admin4"]


@pytest.mark.parametrize(
    ("user", "password", "code", "message"),
    [
        ("admin4", "wrong", 20400, "user.login.user_or_value_invalid"),
        ("admin4", None, 20400, "user.login.user_or_value_invalid"),
        ("admin4", 7, 20400, "user.login.user_or_value_invalid"),
        ("nobody", "Admin@1234", 20001, "no third-party system has this name"),
        ("", "", 20001, "no third-party system has this name"),
        (None, None, 20001, "no third-party system has this name"),
    ],
)
async def test_an_unknown_name_and_a_wrong_password_have_codes_of_their_own(
    hub: FakeHub, user: str | None, password: str | int | None, code: int, message: str
) -> None:
    reply = await Client(hub).reply("login", {"userName": user, "systemCode": password})
    answer = json.loads(await whole(reply))
    assert (answer["success"], answer["failCode"], answer["message"]) == (False, code, message)
    assert answer["params"] is None
    assert "xsrf-token" not in reply.headers
    assert not hub.audited


@pytest.mark.parametrize(("name", "code"), [("admin4", 20400), ("nobody", 20001)])
async def test_after_too_many_failures_not_even_the_right_password_opens(hub: FakeHub, name: str, code: int) -> None:
    client = Client(hub)
    for _ in range(5):
        answer = await client.call("login", {"userName": name, "systemCode": "guess"})
        assert answer["failCode"] == code
    reply = await client.reply("login", {"userName": name, "systemCode": "Admin@1234"})
    answer = json.loads(await whole(reply))
    assert (answer["failCode"], answer["data"]) == (407, "ACCESS_FREQUENCY_IS_TOO_HIGH")
    assert reply.headers == {"retry-after": "300"}
    hub.wall_clock.at_ms += 300_000
    answer = await client.call("login", {"userName": "admin4", "systemCode": "Admin@1234"})
    assert answer["success"]


async def test_guesses_from_elsewhere_or_for_other_names_lock_nobody_out(hub: FakeHub) -> None:
    hub.add_credential("second")
    client = Client(hub)
    client.peer = "192.0.2.66"
    for _ in range(5):
        await client.call("login", {"userName": "admin4", "systemCode": "guess"})
    assert (await client.call("login", {"userName": "second", "systemCode": "Admin@1234"}))["success"]
    assert (await client.call("login", {"userName": "admin4", "systemCode": "Admin@1234"}))["failCode"] == 407
    client.peer = "192.0.2.7"
    assert (await client.call("login", {"userName": "admin4", "systemCode": "Admin@1234"}))["success"]


async def test_a_right_password_forgives_the_wrong_ones_before_it(hub: FakeHub) -> None:
    client = Client(hub)
    for password in ["x"] * 4 + ["Admin@1234"] + ["x"] * 4 + ["Admin@1234"]:
        answer = await client.call("login", {"userName": "admin4", "systemCode": password})
        assert answer["success"] is (password != "x")


async def test_name_and_password_may_be_numbers(hub: FakeHub) -> None:
    hub.add_credential("2020", "1234")
    assert (await Client(hub).call("login", {"userName": 2020, "systemCode": 1234}))["success"]


@pytest.mark.parametrize(("change", "expected"), [({"disabled": True}, 20002), ({"expires_at_ms": 1}, 20003)])
async def test_only_who_knows_the_password_learns_why_it_is_refused(
    hub: FakeHub, change: dict[str, object], expected: int
) -> None:
    hub.change_credential("admin4", **change)
    client = Client(hub)
    assert (await client.call("login", {"userName": "admin4", "systemCode": "Admin@1234"}))["failCode"] == expected
    assert (await client.call("login", {"userName": "admin4", "systemCode": "x"}))["failCode"] == 20400


async def test_without_a_session_the_answer_is_305(hub: FakeHub) -> None:
    hub.add_plant()
    client = Client(hub)
    assert await client.call("getStationList") == RELOGIN
    client.headers = {"xsrf-token": "x-none", "cookie": "XSRF-TOKEN"}
    assert await client.call("getStationList") == RELOGIN


async def test_the_cookie_alone_is_enough(hub: FakeHub) -> None:
    hub.add_plant()
    client = Client(hub)
    token = await client.login()
    client.headers = {"cookie": f'other=1; xsrf-token="{token}"'}
    assert (await client.call("getStationList"))["success"]


async def test_a_session_ends_thirty_minutes_after_the_login(hub: FakeHub, client: Client) -> None:
    hub.add_plant()
    hub.wall_clock.at_ms += SESSION_MS - 1
    assert (await client.call("getStationList"))["success"]
    hub.wall_clock.at_ms += 1
    assert (await client.call("getStationList"))["failCode"] == 305


async def test_a_new_login_ends_the_older_session_of_its_user_only(hub: FakeHub, client: Client) -> None:
    hub.add_plant()
    hub.add_credential("second")
    other = Client(hub)
    other.facade, other.handlers = client.facade, client.handlers
    await other.login("second")
    assert (await client.call("getStationList"))["success"]
    old = dict(client.headers)
    await client.login()
    assert (await client.call("getStationList"))["success"]
    assert (await other.call("getStationList"))["success"]
    client.headers = old
    assert (await client.call("getStationList"))["failCode"] == 305


async def test_sessions_that_ran_out_are_forgotten_at_the_next_login(hub: FakeHub, client: Client) -> None:
    hub.add_credential("second")
    hub.wall_clock.at_ms += SESSION_MS
    other = Client(hub)
    other.facade, other.handlers = client.facade, client.handlers
    await other.login("second")
    assert (await client.call("logout"))["failCode"] == 305


async def test_two_facades_share_no_sessions(hub: FakeHub, client: Client) -> None:
    hub.add_plant()
    other = Client(hub)
    other.headers = client.headers
    assert (await other.call("getStationList"))["failCode"] == 305


async def test_changing_the_credential_ends_its_session(hub: FakeHub) -> None:
    hub.add_plant()
    for change in ({"disabled": True}, {"expires_at_ms": 5}, {"secret": Secret("another")}):
        client = Client(hub)
        await client.login()
        kept = hub.credentials["admin4"]
        hub.change_credential("admin4", **change)
        assert (await client.call("getStationList"))["failCode"] == 305
        hub.credentials["admin4"] = kept
        assert (await client.call("getStationList"))["failCode"] == 305
    client = Client(hub)
    await client.login()
    del hub.credentials["admin4"]
    assert (await client.call("getStationList"))["failCode"] == 305


async def test_a_logout_ends_the_session_of_the_token_in_body_or_header(hub: FakeHub, client: Client) -> None:
    token = client.headers["xsrf-token"]
    client.headers = {}
    assert await client.call("logout", {"xsrfToken": token}) == {
        "success": True,
        "data": None,
        "failCode": 0,
        "params": None,
        "message": None,
    }
    assert (await client.call("logout", {"xsrfToken": token}))["failCode"] == 305
    await client.login()
    assert (await client.call("logout"))["success"]
    assert (await client.call("getStationList"))["failCode"] == 305


async def test_a_credential_without_the_scope_or_the_operation_gets_401(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    hub.change_credential("admin4", operations=("getStationList",))
    assert (await client.call("getStationList"))["success"]
    answer = await client.call("getDevList", {"stationCodes": code(plant)})
    assert answer["failCode"] == 401
    assert answer["message"] == "Invalid access to current interface!"
    assert answer["data"] is None
    hub.change_credential("admin4", operations=None, scopes=("write",))
    assert (await client.call("getStationList"))["failCode"] == 401


async def test_commands_need_the_scope_control(hub: FakeHub, client: Client) -> None:
    asked = {"devIds": 5, "devTypeId": 1, "controlType": 1}
    for name in ("devUpgrade", "getDevUpgradeInfo", "devOnOff"):
        assert (await client.call(name, asked))["failCode"] == 20008
    hub.change_credential("admin4", scopes=("read", "write"))
    for name in ("devUpgrade", "getDevUpgradeInfo", "devOnOff"):
        assert (await client.call(name, asked))["failCode"] == 401


async def test_upgrades_are_shown_only_to_who_may_start_them(hub: FakeHub, client: Client) -> None:
    asked = {"devIds": 5, "devTypeId": 1}
    hub.change_credential("admin4", operations=("getDevUpgradeInfo",))
    assert (await client.call("getDevUpgradeInfo", asked))["failCode"] == 401
    hub.change_credential("admin4", operations=("devUpgrade",))
    assert (await client.call("getDevUpgradeInfo", asked))["failCode"] == 401
    assert (await client.call("devUpgrade", asked))["failCode"] == 20008
    hub.change_credential("admin4", operations=("getDevUpgradeInfo", "devUpgrade"))
    assert (await client.call("getDevUpgradeInfo", asked))["failCode"] == 20008


async def test_a_credential_sees_its_plants_only(hub: FakeHub, client: Client) -> None:
    mine, other = hub.add_plant(), hub.add_plant()
    hub.change_credential("admin4", plants=(mine.id,))
    assert len((await client.call("getStationList"))["data"]) == 1
    assert (await client.call("getDevList", {"stationCodes": code(other)}))["failCode"] == 20007


def test_secrets_do_not_show_in_a_representation() -> None:
    assert "Admin@1234" not in repr(LoginQuery("admin4", "Admin@1234"))
    assert "x-secret" not in repr(LogoutQuery("x-secret"))


def test_a_new_credential_is_shown_in_the_words_of_the_login() -> None:
    assert DIALECT.present("admin4", Secret("Admin@1234")) == {"userName": "admin4", "systemCode": "Admin@1234"}
