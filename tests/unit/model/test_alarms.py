"""The life of an alarm: where it may go, and what stays of what people did."""

from __future__ import annotations

import msgspec
import pytest

from heliograph.model.alarms import NEXT_STATUSES, Alarm, AlarmStatus

OPEN = Alarm(device_id=1, code="31", raised_at_ms=1000, name="String reversed")
CLOSED = {AlarmStatus.CLEARED_BY_USER, AlarmStatus.CLEARED}


def at(status: AlarmStatus, **more: int | None) -> Alarm:
    """The alarm in a status."""
    return msgspec.structs.replace(OPEN, status=status, **more)


@pytest.mark.parametrize("status", AlarmStatus)
def test_an_alarm_is_open_until_someone_or_something_clears_it(status: AlarmStatus) -> None:
    assert at(status).open == (status not in CLOSED)


@pytest.mark.parametrize("status", AlarmStatus)
def test_an_alarm_only_moves_on_and_ends_when_cleared(status: AlarmStatus) -> None:
    later = NEXT_STATUSES[status]
    assert all(one > status for one in later)
    assert (later == frozenset()) == (status in CLOSED)
    if status not in CLOSED:
        assert later >= CLOSED


@pytest.mark.parametrize("status", sorted(set(AlarmStatus) - CLOSED))
def test_what_people_did_stays_when_the_device_tells_again(status: AlarmStatus) -> None:
    told = msgspec.structs.replace(OPEN, name="String 3 reversed")
    assert at(status).merged(told) == msgspec.structs.replace(told, status=status)


@pytest.mark.parametrize("status", sorted(set(AlarmStatus) - CLOSED))
def test_the_end_that_a_device_tells_clears_an_open_alarm(status: AlarmStatus) -> None:
    ended = at(status).merged(msgspec.structs.replace(OPEN, cleared_at_ms=1500))
    assert (ended.status, ended.cleared_at_ms) == (AlarmStatus.CLEARED, 1500)


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_a_cleared_alarm_is_not_opened_again(status: AlarmStatus) -> None:
    held = at(status, cleared_at_ms=1500)
    assert held.merged(OPEN) == held
    assert held.merged(msgspec.structs.replace(OPEN, cleared_at_ms=9000)) == held


def test_the_end_of_its_reason_is_noted_once_after_a_person_cleared_it() -> None:
    held = at(AlarmStatus.CLEARED_BY_USER, cleared_at_ms=1500)
    noted = held.merged(msgspec.structs.replace(OPEN, cleared_at_ms=9000, until_ms=9000))
    assert noted == msgspec.structs.replace(held, until_ms=9000)
    assert noted.merged(msgspec.structs.replace(OPEN, until_ms=9999)) == noted
