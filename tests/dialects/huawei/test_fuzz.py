"""Whatever a client sends, the answer is an envelope with a code that the dialect knows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.huawei.codes import CODES
from heliograph.dialects.huawei.operations import OPERATIONS, SESSION_CALLS
from heliograph.model.alarms import Alarm
from heliograph.model.devices import DeviceKind
from tests.dialects.huawei.client import Client, code, number
from tests.dialects.huawei.fake_hub import NOW_MS, FakeHub

NAMES = (
    "stationCodes", "devIds", "devTypeId", "collectTime", "beginTime", "endTime", "language", "status", "levels",
    "types", "devTypes", "devName", "controlType", "SN", "userName", "key", "pageNo", "pageSize", "systemCode",
    "xsrfToken",
)  # fmt: skip
CALLS = [operation.name for operation in OPERATIONS if operation.name not in SESSION_CALLS]


class Prepared:
    """A hub with a plant, two devices, an alarm and a session."""

    def __init__(self) -> None:
        self.hub = FakeHub()
        self.hub.add_credential()
        plant = self.hub.add_plant()
        inverter, battery = self.hub.add_device(plant), self.hub.add_device(plant, DeviceKind.BATTERY)
        self.hub.all_alarms = [Alarm(device_id=inverter.id, code="2032", raised_at_ms=NOW_MS)]
        self.client = Client(self.hub)
        self.known: list[object] = [
            code(plant), number(inverter), str(number(battery)), [number(inverter), ""], 1, "39", 38, NOW_MS,
            str(NOW_MS), "en_US", "1, 2", 2, ",", "admin4", "Admin@1234",
        ]  # fmt: skip

    async def ask(self, name: str, raw: bytes) -> dict[str, Any]:
        """One call with a session of its own."""
        await self.client.login()
        return await self.client.call(name, raw=raw)


PREPARED = Prepared()
SCALARS: st.SearchStrategy[object] = st.one_of(
    st.sampled_from(PREPARED.known), st.none(), st.booleans(), st.text(max_size=20),
    st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**320), 10**320), st.just("9" * 5000),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
)


def check(answer: dict[str, Any]) -> None:
    """An envelope, whole."""
    assert {"success", "data", "failCode", "params", "message"} <= answer.keys()
    assert answer["success"] is (answer["failCode"] == 0)
    assert answer["failCode"] == 0 or answer["failCode"] in CODES.by_value
    assert answer["failCode"] != 20004
    assert answer["success"] or answer["message"]


@pytest.mark.parametrize("name", CALLS)
@given(data=st.data())
def test_any_parameters_give_an_envelope_with_a_code(name: str, data: st.DataObject) -> None:
    body = data.draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=12))
    check(asyncio.run(PREPARED.ask(name, json.dumps(body).encode())))


@pytest.mark.parametrize("name", ["getAlarmList", "getDevRealKpi", "snIsRegister", "stations"])
@given(raw=st.binary(max_size=40))
def test_any_bytes_give_an_envelope_with_a_code(name: str, raw: bytes) -> None:
    check(asyncio.run(PREPARED.ask(name, raw)))


@pytest.mark.parametrize("depth", [400, 900, 990, 5_000])
@pytest.mark.parametrize("parameter", ["stationCodes", "collectTime", "status", "spare"])
async def test_depth_is_no_way_out(depth: int, parameter: str) -> None:
    value = b"[" * depth + b"]" * depth
    for name in ("getStationRealKpi", "getAlarmList"):
        check(await PREPARED.ask(name, b'{"stationCodes":"A","%s":%s}' % (parameter.encode(), value)))
