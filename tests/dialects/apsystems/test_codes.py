"""Every code of Annex 1, each reached through the application, and which of them goes first."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from heliograph.clock import DAY_MS
from heliograph.dialects.apsystems import DIALECT
from heliograph.dialects.apsystems.codes import CODES
from heliograph.dialects.apsystems.operations import SERVER_LIMIT, SYSTEM_SUMMARY, TOO_MANY
from heliograph.errors import DeviceError, HubError, StoreBusyError, StoreError, UnreachableError
from heliograph.protocol.codes import VendorError
from heliograph.protocol.operations import Request
from tests.dialects.apsystems.client import MAX_BODY, Client, summary_path
from tests.dialects.apsystems.fake_hub import NOW_MS, FakeHub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATH = summary_path("1")


def token(**claims: object) -> dict[str, str]:
    """The header of a token of the former method."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return {"Authorization": f"Bearer eyJhbGciOiJIUzI1NiJ9.{body}.c2ln"}


async def _1000(client: Client, hub: FakeHub) -> int:
    hub.broken = StoreError("the database cannot be read")
    return await client.code("systems/summary", "1")


async def _1001(client: Client, hub: FakeHub) -> int:
    sid, _, (uid, *_) = await client.ids()
    return await client.code("inverter/summary", sid, uid)


async def _headers(client: Client, headers: dict[str, str]) -> int:
    code: int = (await client.send(PATH, headers=headers)).json()["code"]
    return code


async def _2000(client: Client, hub: FakeHub) -> int:
    return await _headers(client, {"X-CA-Nonce": "1"})


async def _2001(client: Client, hub: FakeHub) -> int:
    return await _headers(client, client.signed(PATH, "nobody"))


async def _2002(client: Client, hub: FakeHub) -> int:
    hub.change_credential("app", disabled=True)
    return await client.code("systems/summary", "1")


async def _2003(client: Client, hub: FakeHub) -> int:
    hub.change_credential("app", expires_at_ms=NOW_MS)
    return await client.code("systems/summary", "1")


async def _2004(client: Client, hub: FakeHub) -> int:
    hub.change_credential("app", operations=("systems/details",))
    return await client.code("systems/summary", "1")


async def _2005(client: Client, hub: FakeHub) -> int:
    hub.tallied.counted["apsystems", 1, "2025-07"] = 1000
    return await client.code("systems/summary", "1")


async def _3000(client: Client, hub: FakeHub) -> int:
    return await _headers(client, {"Authorization": "Bearer what"})


async def _3001(client: Client, hub: FakeHub) -> int:
    return await _headers(client, {})


async def _3002(client: Client, hub: FakeHub) -> int:
    return await _headers(client, token(sub="app", exp=NOW_MS / 1000 + 60))


async def _3003(client: Client, hub: FakeHub) -> int:
    return await _headers(client, token(sub="app", exp=NOW_MS // 1000))


async def _3004(client: Client, hub: FakeHub) -> int:
    return await _headers(client, token(sub="app", exp=1, type="refresh_token"))


async def _4000(client: Client, hub: FakeHub) -> int:
    return await _headers(client, client.signed(PATH, signature="wrong"))


async def _4001(client: Client, hub: FakeHub) -> int:
    return await client.code("systems/energy", "1", energy_level="weekly")


async def _5000(client: Client, hub: FakeHub) -> int:
    hub.broken = HubError("out of order")
    return await client.code("systems/summary", "1")


async def _6000(client: Client, hub: FakeHub) -> int:
    code: int = (await client.send(PATH, content=b"x" * (MAX_BODY + 1))).json()["code"]
    return code


async def _7000(client: Client, hub: FakeHub) -> int:
    for _ in range(5):
        assert await _4000(client, hub) == 4000
    return await client.code("systems/summary", "1")


async def _7001(client: Client, hub: FakeHub) -> int:
    for place in range(SERVER_LIMIT.calls):
        if place % TOO_MANY.calls == 0:
            hub.wall_clock.at_ms += 1000
        hub.tallied.counted.clear()
        assert await client.code("systems/summary", "1") == 0
    hub.wall_clock.at_ms += 1000
    answer = await client.reply("systems/summary", "1")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    found: int = answer.json()["code"]
    return found


async def _7002(client: Client, hub: FakeHub) -> int:
    for _ in range(TOO_MANY.calls):
        assert await client.code("systems/summary", "1") == 0
    answer = await client.reply("systems/summary", "1")
    assert answer.headers["retry-after"] == "1"
    found: int = answer.json()["code"]
    return found


async def _7003(client: Client, hub: FakeHub) -> int:
    hub.broken = StoreBusyError("another process holds the database")
    return await client.code("systems/summary", "1")


REACHED: dict[int, Callable[[Client, FakeHub], Awaitable[int]]] = {
    int(name[1:]): found for name, found in globals().items() if name[1:].isdigit()
}
PRINTED = (
    1000, 1001, 2000, 2001, 2002, 2003, 2004, 2005, 3000, 3001, 3002, 3003, 3004, 4000, 4001, 5000, 6000, 7000, 7001,
    7002, 7003,
)  # fmt: skip


def test_the_table_is_the_printed_one() -> None:
    assert tuple(sorted(CODES.by_value)) == PRINTED == tuple(sorted(REACHED))


@pytest.mark.parametrize("code", PRINTED)
async def test_a_code_is_reached(client: Client, hub: FakeHub, code: int) -> None:
    hub.add_device(hub.add_plant())
    assert await REACHED[code](client, hub) == code


async def test_a_code_is_the_same_error_on_the_other_side() -> None:
    for value in PRINTED:
        with pytest.raises(VendorError) as raised:
            DIALECT.envelope.open(SYSTEM_SUMMARY, 200, json.dumps({"code": value}).encode())
        request = Request("GET", PATH, "", {}, b"", b"")
        reply = DIALECT.envelope.failure(raised.value, None, request, 0)
        assert isinstance(reply.body, bytes)
        assert msgspec.json.decode(reply.body) == {"code": value}
    for body in (b"", b"[]", b'{"data": 1, "code": 0}', b'{"code": "x"}', b"\xff"):
        with pytest.raises(DeviceError):
            DIALECT.envelope.open(SYSTEM_SUMMARY, 502, body)


async def test_what_the_hub_cannot_do_is_no_fault_of_the_caller(client: Client, hub: FakeHub) -> None:
    hub.add_plant()
    hub.broken = UnreachableError("line\nbreaks and ümlauts stay out of headers")
    answer = await client.reply("systems/summary", "1")
    assert answer.json() == {"code": 6000}
    assert answer.headers["x-ca-error-message"] == "line breaks and ?mlauts stay out of headers"


async def test_tokens_of_the_former_method_are_judged_by_what_they_say(client: Client) -> None:
    for headers, code in (
        (token(exp=True), 3002), (token(), 3002), ({"Authorization": "a.b.c"}, 3000),
        ({"Authorization": "x.W10.y"}, 3000),
        ({"Authorization": "ü.ü.ü".encode().decode("latin-1")}, 3000), ({"Authorization": ""}, 3001),
    ):  # fmt: skip
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        assert (await client.http.get(PATH, headers=sent)).json() == {"code": code}
    # Whoever signs may carry a token as well.
    assert await _headers(client, {**client.signed(PATH), **token(exp=1)}) == 2004


async def test_a_path_without_a_call_is_4000(client: Client) -> None:
    for path, method in ((PATH, "POST"), ("/user/api/v2/systems/nothing", "GET"), ("/user/api/v2/systems/", "GET")):
        assert (await client.send(path, method=method)).json() == {"code": 4000}


async def test_the_earlier_check_wins(client: Client, hub: FakeHub) -> None:
    """The order in which the README lists the checks, from the last one up."""
    hub.add_device(hub.add_plant())
    ask: dict[str, str] = {"energy_level": "minutely", "date_range": "2031-01-01"}
    path = "/user/api/v2/systems/nothing/devices/ecu/energy/nobody"

    async def code(headers: dict[str, str] | None = None) -> int:
        found: int = (await client.send(path, ask, headers)).json()["code"]
        return found

    assert await client.code("ecu/energy", "1", "nobody", **ask) == 4001
    assert await code() == 2004
    ask["energy_level"] = "weekly"
    assert await code() == 4001
    hub.tallied.counted["apsystems", 1, "2025-07"] = 1000
    assert await code() == 2005
    hub.change_credential("app", scopes=())
    assert await code() == 2004
    hub.change_credential("app", expires_at_ms=0)
    assert await code() == 2003
    hub.change_credential("app", disabled=True)
    assert await code() == 2002
    assert await code(client.signed(path, signature="wrong")) == 4000
    assert await code(client.signed(path, "nobody", signature="wrong")) == 2001
    assert await code(client.signed(path, "nobody", timestamp="0")) == 4000
    assert await code({name: value for name, value in client.signed(path).items() if name != "X-CA-appid"}) == 2000
    assert await code({}) == 3001


async def test_refused_calls_do_not_count_and_a_new_month_begins_anew(client: Client, hub: FakeHub) -> None:
    hub.add_device(hub.add_plant())
    counted = hub.tallied.counted
    for _ in range(3):
        assert await client.code("systems/summary", "none") == 2004
    assert counted["apsystems", 1, "2025-07"] == 0
    assert await client.code("systems/summary", "1") == 0
    assert counted["apsystems", 1, "2025-07"] == 1
    counted["apsystems", 1, "2025-07"] = 1000
    assert await client.code("systems/summary", "1") == 2005
    hub.wall_clock.at_ms += 31 * DAY_MS
    assert await client.code("systems/summary", "1") == 0


@pytest.mark.parametrize("free", ["setting", "hub"])
async def test_without_a_limit_calls_are_counted_all_the_same(hub: FakeHub, free: str) -> None:
    hub.add_device(hub.add_plant())
    hub.tallied.counted["apsystems", 1, "2025-07"] = 5000
    if free == "setting":
        hub.settings = {"apsystems": {"monthly_calls": 0}}
    else:
        hub.held_to_limits = False
    assert await Client(hub).code("systems/summary", "1") == 0
    assert hub.tallied.counted["apsystems", 1, "2025-07"] == 5001
