"""Alarms on disk."""

from __future__ import annotations

import msgspec
import pytest

from heliograph.errors import ConflictError, NotFoundError
from heliograph.model.alarms import Alarm, AlarmStatus, Severity
from heliograph.store.alarms import Alarms
from tests.unit.store.world import Store

FIRST = Alarm(device_id=1, code="31", raised_at_ms=1000, name="String reversed", severity=Severity.MAJOR)


def put(store: Store, *alarms: Alarm) -> int:
    """Keep alarms."""
    return store.database.write_now(lambda rows: Alarms.put(rows, alarms))


def handle(store: Store, status: AlarmStatus, now_ms: int = 5000, code: str = "31") -> Alarm:
    """Move the first alarm on."""
    return store.database.write_now(lambda rows: Alarms.handle(rows, 1, code, 1000, status, now_ms))


def test_an_alarm_comes_back_as_it_was_sent(store: Store) -> None:
    assert put(store, FIRST) == 1
    assert Alarms(store.database).find([1], 0, 2000) == [FIRST]


def test_the_same_alarm_again_is_not_new_but_may_have_ended(store: Store) -> None:
    put(store, FIRST)
    ended = msgspec.structs.replace(FIRST, cleared_at_ms=1500, status=AlarmStatus.CLEARED)
    assert put(store, FIRST, msgspec.structs.replace(FIRST, cleared_at_ms=1500)) == 0
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


def test_handling_moves_an_alarm_on_and_only_clearing_ends_it(store: Store) -> None:
    put(store, FIRST)
    for status in (AlarmStatus.ACKNOWLEDGED, AlarmStatus.TICKETED, AlarmStatus.HANDLED):
        moved = handle(store, status)
        assert (moved.status, moved.cleared_at_ms) == (status, None)
        assert Alarms(store.database).find([1], 0, 2000, active_only=True) == [moved]
    moved = handle(store, AlarmStatus.CLEARED_BY_USER)
    assert moved.cleared_at_ms == 5000
    assert Alarms(store.database).find([1], 0, 2000, active_only=True) == []


def test_an_alarm_does_not_go_back_and_a_cleared_one_stays_so(store: Store) -> None:
    put(store, FIRST)
    handle(store, AlarmStatus.HANDLED)
    for status in (AlarmStatus.ACKNOWLEDGED, AlarmStatus.HANDLED):
        with pytest.raises(ConflictError, match="handled cannot become"):
            handle(store, status)
    handle(store, AlarmStatus.CLEARED_BY_USER)
    with pytest.raises(ConflictError, match="cleared_by_user cannot become cleared"):
        handle(store, AlarmStatus.CLEARED)


def test_an_alarm_is_not_over_before_it_began(store: Store) -> None:
    put(store, FIRST)
    assert handle(store, AlarmStatus.CLEARED_BY_USER, now_ms=3).cleared_at_ms == 1000


def test_an_alarm_that_is_not_there_cannot_be_handled(store: Store) -> None:
    put(store, FIRST)
    with pytest.raises(NotFoundError, match="no alarm 32"):
        handle(store, AlarmStatus.ACKNOWLEDGED, code="32")


def test_what_people_did_stays_when_the_device_tells_again(store: Store) -> None:
    put(store, FIRST)
    handle(store, AlarmStatus.TICKETED)
    put(store, msgspec.structs.replace(FIRST, severity=Severity.CRITICAL))
    (held,) = Alarms(store.database).find([1], 0, 2000)
    assert (held.status, held.severity) == (AlarmStatus.TICKETED, Severity.CRITICAL)
    put(store, msgspec.structs.replace(FIRST, cleared_at_ms=1500))
    (held,) = Alarms(store.database).find([1], 0, 2000)
    assert (held.status, held.cleared_at_ms) == (AlarmStatus.CLEARED, 1500)


def test_what_a_person_cleared_stays_so_but_its_end_is_noted(store: Store) -> None:
    put(store, FIRST)
    cleared = handle(store, AlarmStatus.CLEARED_BY_USER)
    put(store, FIRST)
    assert Alarms(store.database).find([1], 0, 2000) == [cleared]
    put(store, msgspec.structs.replace(FIRST, cleared_at_ms=7000, until_ms=7000))
    assert Alarms(store.database).find([1], 0, 2000) == [msgspec.structs.replace(cleared, until_ms=7000)]


def test_open_alarms_of_a_code_are_found_by_device(store: Store) -> None:
    second = msgspec.structs.replace(FIRST, device_id=2)
    later = msgspec.structs.replace(FIRST, raised_at_ms=1100)
    put(store, FIRST, second, later, msgspec.structs.replace(FIRST, device_id=3, code="32"))
    alarms = Alarms(store.database)
    assert alarms.troubled("31") == [1, 2]
    assert alarms.open(1, "31") == [FIRST, later]
    handle(store, AlarmStatus.CLEARED_BY_USER)
    assert alarms.open(1, "31") == [later]
    assert alarms.open(3, "31") == []


def test_the_newest_of_each_code_of_a_device_is_found(store: Store) -> None:
    own = msgspec.structs.replace(FIRST, code="65534", watched=True)
    newer = msgspec.structs.replace(own, raised_at_ms=1700)
    told = msgspec.structs.replace(own, raised_at_ms=1800, watched=False)
    put(store, FIRST, newer, own, told, msgspec.structs.replace(newer, device_id=2, raised_at_ms=1900))
    assert Alarms(store.database).newest(1, watched=True) == [newer]
    assert Alarms(store.database).newest(1, watched=False) == [FIRST, told]


def test_nobody_but_the_hub_changes_what_the_hub_found(store: Store) -> None:
    watched = msgspec.structs.replace(FIRST, watched=True)
    put(store, watched)
    assert put(store, msgspec.structs.replace(FIRST, name="Nothing to see", cleared_at_ms=1500)) == 0
    assert Alarms(store.database).find([1], 0, 2000) == [watched]
    put(store, msgspec.structs.replace(watched, cleared_at_ms=1500))
    assert Alarms(store.database).find([1], 0, 2000)[0].status is AlarmStatus.CLEARED


def test_an_alarm_from_before_there_were_statuses_has_that_of_its_end(store: Store) -> None:
    body = {"device_id": 1, "code": "7", "raised_at_ms": 5, "cleared_at_ms": 9, "severity": 2}
    store.database.write_now(
        lambda rows: rows.execute(
            "INSERT INTO alarm (device, raised, code, cleared, body) VALUES (1, 5, '7', 9, ?)",
            (msgspec.msgpack.encode(body),),
        )
    )
    assert Alarms(store.database).find([1], 0, 2000)[0].status is AlarmStatus.CLEARED
