"""Silences and alarms are seeded, short, and the same however one asks."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS
from heliograph.model.alarm_texts import WATCHED, kinds
from heliograph.model.devices import DeviceKind
from heliograph.simulate.faults import (
    faults_of,
    occurrence_on,
    occurrences,
    silence,
    silence_on,
    stopped,
)
from heliograph.simulate.fleet import SimulatedAlarm, alarms, fleet
from heliograph.simulate.steps import BLOCK_DAYS, STEP_MS, block_stamps, cut, stamps

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

FIRST_DAY = 19_723
SINCE_MS = FIRST_DAY * DAY_MS
YEAR = range(FIRST_DAY, FIRST_DAY + 366)


def merged(*lists: list[SimulatedAlarm]) -> dict[tuple[str, str, int], SimulatedAlarm]:
    """What a hub holds that was told the lists in turn."""
    return {(alarm.device, alarm.code, alarm.raised_at_ms): alarm for alarms_ in lists for alarm in alarms_}


def test_a_device_falls_silent_a_few_times_a_month_for_an_hour_at_most(plant: SimulatedPlant) -> None:
    for device in plant.devices:
        gaps = [gap for day in YEAR if (gap := silence_on(plant.site, device.key, day)) is not None]
        assert 15 < len(gaps) < 75
        assert all(STEP_MS <= until - since <= HOUR_MS for since, until in gaps)


def test_silent_stamps_are_those_of_the_silences(plant: SimulatedPlant) -> None:
    key, until_ms = plant.devices[0].key, SINCE_MS + 60 * DAY_MS
    found = cut(partial(silence, plant.site, key), SINCE_MS, until_ms).silent
    at_ms = stamps(SINCE_MS, until_ms)
    expected = np.zeros(at_ms.size, dtype=np.bool_)
    for day in range(FIRST_DAY - 1, FIRST_DAY + 60):
        gap = silence_on(plant.site, key, day)
        if gap is not None:
            expected |= (at_ms >= gap[0]) & (at_ms < gap[1])
    assert np.array_equal(found, expected)
    assert found.any()


def test_a_silence_goes_on_into_the_next_block(plant: SimulatedPlant) -> None:
    crossing = 0
    for device in plant.devices:
        for block in range(FIRST_DAY // BLOCK_DAYS, FIRST_DAY // BLOCK_DAYS + 400):
            edge_ms = block * BLOCK_DAYS * DAY_MS
            gap = silence_on(plant.site, device.key, edge_ms // DAY_MS - 1)
            if gap is not None and gap[1] > edge_ms:
                crossing += 1
                assert silence(plant.site, device.key, block).silent[: (gap[1] - edge_ms) // STEP_MS].all()
    assert crossing


def test_an_inverter_is_stopped_while_its_alarm_stands(plant: SimulatedPlant) -> None:
    for device in plant.inverters:
        for day in YEAR:
            found = occurrence_on(plant.site, device.key, device.kind, day)
            if found is None or not found.fault.stops:
                continue
            block = day // BLOCK_DAYS
            off = stopped(plant.site, device.key, device.kind, block)
            at_ms = block_stamps(block)
            assert off[(at_ms >= found.raised_at_ms) & (at_ms < found.cleared_at_ms)].all()


def test_an_inverter_stays_stopped_into_the_next_block(plants: dict[str, SimulatedPlant]) -> None:
    plant, crossing = plants["new-york"], 0
    for device in plant.inverters:
        for block in range(FIRST_DAY // BLOCK_DAYS, FIRST_DAY // BLOCK_DAYS + 3000):
            edge_ms = block * BLOCK_DAYS * DAY_MS
            found = occurrence_on(plant.site, device.key, device.kind, edge_ms // DAY_MS - 1)
            if found is not None and found.fault.stops and found.cleared_at_ms > edge_ms:
                crossing += 1
                assert stopped(plant.site, device.key, device.kind, block)[0]
    assert crossing


@pytest.mark.parametrize("kind", DeviceKind)
def test_every_fault_is_explained(kind: DeviceKind) -> None:
    for fault in faults_of(kind):
        assert fault.code in kinds()
        assert fault.code not in WATCHED
        assert 0 < fault.shortest_min <= fault.longest_min


def test_no_two_faults_share_a_code_with_another_meaning() -> None:
    faults = {fault for kind in DeviceKind for fault in faults_of(kind)}
    assert len(faults) == len({fault.code for fault in faults}) > 5


def test_that_it_is_silent_no_device_can_tell(plant: SimulatedPlant) -> None:
    for device in plant.devices:
        assert any(silence_on(plant.site, device.key, day) is not None for day in YEAR)
        for found in occurrences(plant.site, device.key, device.kind, YEAR):
            assert found.raised_at_ms < found.cleared_at_ms
            assert found.fault in faults_of(device.kind)


def test_an_alarm_is_told_in_the_words_of_the_table(plant: SimulatedPlant) -> None:
    for alarm in alarms(plant, SINCE_MS, SINCE_MS + 366 * DAY_MS):
        kind = kinds()[alarm.code]
        text = kind.texts["en"]
        assert (alarm.severity, alarm.type) == (kind.severity, kind.type)
        assert (alarm.name, alarm.cause, alarm.advice) == (text.name, text.cause, text.advice)


@given(st.integers(0, 3), st.lists(st.integers(0, 60 * 24 * 60), min_size=1, max_size=5))
def test_alarms_are_the_same_however_the_span_is_split(which: int, minutes: list[int]) -> None:
    plant = fleet(3)[which]
    edges = sorted([SINCE_MS, SINCE_MS + 60 * DAY_MS, *(SINCE_MS + minute * MINUTE_MS for minute in minutes)])
    parts = [alarms(plant, since, until) for since, until in itertools.pairwise(edges)]
    assert merged(*parts) == merged(alarms(plant, edges[0], edges[-1]))


def test_an_alarm_has_no_end_before_it_has_ended(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["shanghai"]
    whole = alarms(plant, SINCE_MS, SINCE_MS + 366 * DAY_MS)
    alarm = next(alarm for alarm in whole if alarm.cleared_at_ms is not None)
    assert alarm.cleared_at_ms is not None
    early = alarms(plant, alarm.raised_at_ms, alarm.cleared_at_ms)
    assert next(found for found in early if found.device == alarm.device).cleared_at_ms is None
    assert alarm in alarms(plant, alarm.cleared_at_ms, alarm.cleared_at_ms + 1)


def test_there_are_some_alarms_but_not_many(plant: SimulatedPlant) -> None:
    found = alarms(plant, SINCE_MS, SINCE_MS + 366 * DAY_MS)
    able = [device for device in plant.devices if faults_of(device.kind)]
    assert len(able) < len(found) < 10 * len(able)
    assert len({alarm.code for alarm in found}) > 2
    assert [alarm.raised_at_ms for alarm in found] == sorted(alarm.raised_at_ms for alarm in found)
    assert {alarm.device for alarm in found} <= {device.key for device in able}
