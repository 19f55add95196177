"""The past: every sample of every variable at its own time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heliograph.clock import DAY_MS, MINUTE_MS
from heliograph.model.devices import Device, DeviceKind
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import NOW_MS, FakeHub

STEP_MS = 5 * MINUTE_MS
NAN = float("nan")


@pytest.fixture
def inverter(hub: FakeHub) -> Device:
    """A hybrid inverter in London."""
    return hub.add_device(hub.add_plant())


async def courses(client: Client, device: Device, **query: object) -> dict[str, dict[str, Any]]:
    """The variables of a device by name."""
    (entry,) = await client.result("device/history/query", {"sn": device.serial, **query})
    assert list(entry) == ["deviceSN", "datas"]
    return {course["variable"]: course for course in entry["datas"]}


async def test_each_variable_has_its_samples_and_no_others(hub: FakeHub, client: Client, inverter: Device) -> None:
    at = [NOW_MS - 2 * STEP_MS, NOW_MS - STEP_MS, NOW_MS]
    hub.measure(inverter, at, pv__power=[1000, NAN, 3000], ac__power=[NAN] * 3, inverter__state=[512, 512, NAN])
    found = await courses(client, inverter)
    assert found == {
        "pvPower": {
            "variable": "pvPower", "name": "PVPower", "unit": "kW",
            "data": [
                {"time": "2025-07-01 12:50:00 BST+0100", "value": 1.0},
                {"time": "2025-07-01 13:00:00 BST+0100", "value": 3.0},
            ],
        },
        "runningState": {
            "variable": "runningState", "name": "Running State",
            "data": [
                {"time": "2025-07-01 12:50:00 BST+0100", "value": "163"},
                {"time": "2025-07-01 12:55:00 BST+0100", "value": "163"},
            ],
        },
    }  # fmt: skip


async def test_what_was_asked_for_by_name_is_found_in_its_place(hub: FakeHub, client: Client, inverter: Device) -> None:
    hub.measure(inverter, [NOW_MS], pv__power=[1000])
    found = await courses(client, inverter, variables=["meterPower2", "pvPower", "nothing", "SoC"])
    assert list(found) == ["meterPower2", "pvPower", "SoC"]
    assert [len(course["data"]) for course in found.values()] == [0, 1, 0]


async def test_what_is_wired_to_it_is_told_at_its_own_times(hub: FakeHub, client: Client, inverter: Device) -> None:
    plant = hub.all_plants[1]
    battery, meter = hub.add_device(plant, DeviceKind.BATTERY), hub.add_device(plant, DeviceKind.METER)
    hub.measure(inverter, [NOW_MS - STEP_MS, NOW_MS], ac__power=[2000, 2500])
    hub.measure(
        battery, [NOW_MS - STEP_MS, NOW_MS - 1000, NOW_MS], battery__soc=[50, 51, 52], battery__power=[-5, 0, 5]
    )
    hub.measure(meter, [NOW_MS], meter__power=[-500])
    found = await courses(client, inverter)

    def values(name: str) -> list[tuple[str, float | str]]:
        return [(moment["time"][11:19], moment["value"]) for moment in found[name]["data"]]

    assert values("SoC") == [("12:55:00", 50.0), ("12:59:59", 51.0), ("13:00:00", 52.0)]
    assert values("batStatusV2") == [("12:55:00", "Charge"), ("12:59:59", "Normal"), ("13:00:00", "Discharge")]
    assert values("feedinPower") == [("13:00:00", 0.5)]
    # Only where both are known does it follow.
    assert values("loadsPower") == [("13:00:00", 2.0)]
    assert values("generationPower") == [("12:55:00", 2.0), ("13:00:00", 2.5)]


async def test_texts_and_fault_numbers_are_told(hub: FakeHub, client: Client, inverter: Device) -> None:
    at = [NOW_MS - 2 * STEP_MS, NOW_MS - STEP_MS, NOW_MS]
    hub.measure(inverter, at, {"foxess:currentFault": ["5,6", None, None]}, device__fault=[1, 0, NAN])
    found = await courses(client, inverter)
    assert [moment["value"] for moment in found["currentFault"]["data"]] == ["5,6", ""]
    assert [moment["value"] for moment in found["currentFaultCount"]["data"]] == ["2", "0"]
    hub.measure(inverter, at, device__fault=[1, 0, NAN])
    found = await courses(client, inverter, variables=["currentFault"])
    assert [moment["value"] for moment in found["currentFault"]["data"]] == ["1", ""]


async def test_without_a_span_the_last_three_days(hub: FakeHub, client: Client, inverter: Device) -> None:
    at = [NOW_MS - 3 * DAY_MS - 1, NOW_MS - 3 * DAY_MS, NOW_MS, NOW_MS + 1]
    hub.measure(inverter, at, pv__power=[1, 2, 3, 4])
    found = await courses(client, inverter)
    assert [moment["value"] for moment in found["pvPower"]["data"]] == [0.002, 0.003]


async def test_a_span_of_a_day_holds_both_ends(hub: FakeHub, client: Client, inverter: Device) -> None:
    at = [NOW_MS - DAY_MS - 1, NOW_MS - DAY_MS, NOW_MS, NOW_MS + 1]
    hub.measure(inverter, at, pv__power=[1, 2, 3, 4])
    for begin, end in ((NOW_MS - DAY_MS, NOW_MS), (str(NOW_MS - DAY_MS), float(NOW_MS))):
        found = await courses(client, inverter, begin=begin, end=end, variables=["pvPower"])
        assert [moment["value"] for moment in found["pvPower"]["data"]] == [0.002, 0.003]
    assert await courses(client, inverter, begin=5, end=5) == {}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"begin": NOW_MS - DAY_MS - 1, "end": NOW_MS}, "more than 24 hours apart"),
        ({"begin": NOW_MS, "end": NOW_MS - 1}, "end lies before begin"),
        ({"begin": NOW_MS}, "end is missing"),
        ({"end": NOW_MS}, "begin is missing"),
        ({"begin": "yesterday", "end": NOW_MS}, "begin must be a number"),
        ({"begin": 1e300, "end": 1e300}, "begin"),
        ({"variables": {"a": 1}}, "variables must be text"),
    ],
)
async def test_what_is_no_span_is_refused(
    hub: FakeHub, client: Client, inverter: Device, query: dict[str, object], told: str
) -> None:
    answer = await client.call("device/history/query", {"sn": inverter.serial, **query})
    assert answer["errno"] == 40257
    assert told in answer["msg"]


async def test_a_device_without_samples_has_none(client: Client, inverter: Device) -> None:
    assert await courses(client, inverter) == {}
    assert "sn is missing" in (await client.call("device/history/query", {}))["msg"]


async def test_times_go_through_the_clock_change(hub: FakeHub, client: Client, inverter: Device) -> None:
    change = 1_729_990_800_000  # 2024-10-27 01:00 UTC: two in the morning becomes one again
    hub.measure(inverter, [change - STEP_MS, change], pv__power=np.array([1.0, 2.0]).tolist())
    found = await courses(client, inverter, begin=change - STEP_MS, end=change)
    assert [moment["time"] for moment in found["pvPower"]["data"]] == [
        "2024-10-27 01:55:00 BST+0100", "2024-10-27 01:00:00 GMT+0000",
    ]  # fmt: skip
