"""Whatever a client asks of a device, it gets a code, and only what the device takes reaches it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.foxess.codes import CODES
from heliograph.dialects.foxess.operations import OPERATIONS
from heliograph.model import settings as s
from heliograph.model.devices import DeviceKind
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

INVERTER, METER = "60KE00000000001", "60KE00000000002"
KNOWN = {0, *CODES.by_value} - {50000}
WRITES = [operation.name for operation in OPERATIONS if operation.scope == "control"]
MODES = ["SelfUse", "Feedin", "Backup", "ForceCharge", "ForceDischarge", "PeakShaving", "Invalid", "Normal", "G100"]
KEYS = ["ExportLimit", "MinSoc", "MinSocOnGrid", "MaxSoc", "GridCode", "WorkMode"]
LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 120), st.integers(), st.floats(), st.text(max_size=6),
    st.sampled_from([*MODES, *KEYS, "1", "0", "true", "9e999", "-0", "30.05", "\uff12"]),
)  # fmt: skip
SMALL = st.integers(0, 100)
TIME = st.fixed_dictionaries({}, optional={"hour": st.one_of(st.integers(-1, 24), LEAF), "minute": LEAF})
GROUP = st.fixed_dictionaries(
    {"enable": st.sampled_from([0, 1, "1", True]), "workMode": st.sampled_from(MODES)},
    optional={
        **{name: st.one_of(st.integers(0, 60), LEAF) for name in ("startHour", "startMinute", "endHour", "endMinute")},
        **{name: st.one_of(SMALL, LEAF) for name in ("minSocOnGrid", "fdSoc", "fdPwr", "maxSoc")},
    },
)
BODY = st.fixed_dictionaries(
    {"sn": st.sampled_from([INVERTER, METER])},
    optional={
        "groups": st.one_of(LEAF, st.lists(st.one_of(GROUP, LEAF), max_size=10)),
        "mode": LEAF,
        "key": st.one_of(st.sampled_from(KEYS), LEAF),
        **{f"{end}Time{place}": st.one_of(TIME, LEAF) for end in ("start", "end") for place in (1, 2)},
        **{
            name: st.one_of(SMALL, LEAF)
            for name in (
                "enable", "enable1", "enable2", "value", "minSoc", "minSocOnGrid", "importLimit", "soc", "feedinPower",
                "outputMaxCurrent", "overVoltageMaxValue", "year", "month", "day", "hour", "minute", "second",
            )
        },
    },
)  # fmt: skip


def furnished() -> FakeHub:
    """A hub with an inverter and a meter; what they are sent is checked by them."""
    hub = FakeHub()
    hub.add_credential(scopes=("read", "control"))
    plant = hub.add_plant()
    hub.add_device(plant)
    hub.add_device(plant, DeviceKind.METER)
    return hub


@pytest.mark.parametrize("name", WRITES)
@given(body=BODY)
async def test_any_body_gets_a_code_and_devices_only_what_they_take(name: str, body: dict[str, Any]) -> None:
    hub = furnished()
    raw = json.dumps(body).encode()
    assert await Client(hub).errno(name, raw=raw) in KNOWN
    assert len(hub.commands.given) <= 1


@given(groups=st.lists(GROUP, max_size=8))
async def test_segments_that_were_taken_keep_the_rules_and_come_back(groups: list[dict[str, Any]]) -> None:
    hub = furnished()
    client = Client(hub)
    body = {"deviceSN": INVERTER, "groups": groups}
    code = await client.errno("device/scheduler/enable.v1", raw=json.dumps(body).encode())
    assert code in (0, 40257, 42023)
    held = s.parse_segments(str(hub.commands.value(1, s.SCHEDULE)))
    assert s.overlapping(held) is None
    for segment in held:
        assert not segment.window.enabled or segment.discharge_soc >= 11
        assert not segment.window.enabled or segment.min_soc_on_grid <= segment.discharge_soc
    told = (await client.result("device/scheduler/get.v1", {"deviceSN": INVERTER}))["groups"]
    assert len(told) == 8
    if code == 0:
        again = {"deviceSN": INVERTER, "groups": told}
        assert await client.errno("device/scheduler/enable.v1", again) == 0
        assert (await client.result("device/scheduler/get.v1", {"deviceSN": INVERTER}))["groups"] == told
