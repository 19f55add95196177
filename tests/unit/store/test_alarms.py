"""Alarms on disk."""

from __future__ import annotations

import msgspec

from heliograph.model.alarms import Alarm, Severity
from heliograph.store.alarms import Alarms
from tests.unit.store.world import Store

FIRST = Alarm(device_id=1, code="31", raised_at_ms=1000, name="String reversed", severity=Severity.MAJOR)


def put(store: Store, *alarms: Alarm) -> int:
    """Keep alarms."""
    return store.database.write_now(lambda rows: Alarms.put(rows, alarms))


def test_an_alarm_comes_back_as_it_was_sent(store: Store) -> None:
    assert put(store, FIRST) == 1
    assert Alarms(store.database).find([1], 0, 2000) == [FIRST]


def test_the_same_alarm_again_is_not_new_but_may_have_ended(store: Store) -> None:
    put(store, FIRST)
    ended = msgspec.structs.replace(FIRST, cleared_at_ms=1500)
    assert put(store, FIRST, ended) == 0
    assert Alarms(store.database).find([1], 0, 2000) == [ended]
    assert Alarms(store.database).find([1], 0, 2000, active_only=True) == []


def test_another_code_start_or_device_is_another_alarm(store: Store) -> None:
    others = [
        msgspec.structs.replace(FIRST, code="32"),
        msgspec.structs.replace(FIRST, raised_at_ms=999),
        msgspec.structs.replace(FIRST, device_id=2),
    ]
    assert put(store, FIRST, *others) == 4
    found = Alarms(store.database).find([2, 1], 0, 2000)
    assert [alarm.raised_at_ms for alarm in found] == [999, 1000, 1000, 1000]
    assert len(set(map(repr, found))) == 4


def test_the_span_is_half_open_and_other_devices_are_not_shown(store: Store) -> None:
    put(store, FIRST)
    find = Alarms(store.database).find
    assert find([1], 1000, 1001) == [FIRST]
    assert find([1], 999, 1000) == find([1], 1001, 2000) == find([2], 0, 2000) == []


def test_active_alarms_are_those_without_an_end(store: Store) -> None:
    ended = msgspec.structs.replace(FIRST, code="32", cleared_at_ms=1200)
    put(store, FIRST, ended)
    assert Alarms(store.database).find([1], 0, 2000, active_only=True) == [FIRST]
