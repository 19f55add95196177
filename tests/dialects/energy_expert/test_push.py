"""What a push may look like, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from heliograph.clock import instant_ms
from heliograph.dialects.energy_expert.auth import sign_acs3
from tests.dialects.energy_expert.client import PATH, push, record
from tests.dialects.energy_expert.pusher import Pusher, told
from tests.live import ACCESS_KEY, ACCESS_SECRET

if TYPE_CHECKING:
    from heliograph.clock import FixedClock
    from heliograph.hub import LocalHub

AT, AT_UTC = "2026-06-21 11:00:00", "2026-06-21T09:00:00.000Z"


@pytest.mark.parametrize("value", ["12.5", 12.5, "1.25e1", "+12.50", " 12.5 "])
async def test_a_point_may_be_text_or_number(pusher: Pusher, value: object) -> None:
    await pusher.accepted(record(AT, {"P": value}))
    assert (await pusher.history())["columns"] == {"meter.power": [12500.0]}


@pytest.mark.parametrize("value", ["NaN", "-inf", "1e999", 10**400, "1_0", "", "high", True, [1], {"a": 1}])
async def test_a_point_that_is_no_finite_number_is_refused_and_named(pusher: Pusher, value: object) -> None:
    code, message = await pusher.refused(record(AT, {"Ua": "230", "P": value}))
    assert code == "InvalidParameter"
    assert message == "devices[0].data.P of device 'meter-1' is not a finite number"


@pytest.mark.parametrize("records", [1, 400])
async def test_a_point_that_stands_twice_in_a_record_is_refused_in_small_and_large_batches(
    pusher: Pusher, records: int
) -> None:
    rows = [record(f"2026-06-2{day} 0{hour}:00:00", {"P": "1"}) for day in range(2) for hour in range(9)]
    body = push(*(rows * records)[:records]).replace(b'{"P": "1"}', b'{"P": "1", "P": "2"}', 1)
    code, _ = told(await pusher.send(body, pusher.headers(body)), 400)
    assert code == "InvalidParameter"


@pytest.mark.parametrize(("value", "kept"), [(0, 0.0), ("0", 0.0), ("-0.5", -500.0), (10**15, 1e18), ("1e-9", 1e-6)])
async def test_zero_negative_huge_and_tiny_points_are_kept(pusher: Pusher, value: object, kept: float) -> None:
    await pusher.accepted(record(AT, {"P": value}))
    assert (await pusher.history())["columns"]["meter.power"] == [pytest.approx(kept, rel=1e-15)]


@pytest.mark.parametrize("points", [
    {"x" * 101: "1"}, {f"p{n}": "1" for n in range(2001)}, {"": "1"}, {"a\0b": "1"}, {"a\nb": "1"},
])  # fmt: skip
async def test_too_many_too_long_and_unreadable_names_are_refused(pusher: Pusher, points: dict[str, object]) -> None:
    code, message = await pusher.refused(record(AT, {"P": "1"}), record(AT, points))
    assert code == "InvalidParameter"
    assert message.startswith("devices[1].data")
    assert (await pusher.history())["columns"] == {}


async def test_null_is_no_sample_and_never_zero(pusher: Pusher) -> None:
    await pusher.accepted(record(AT, {"P": None, "Ua": "230"}), record("2026-06-21 11:05:00", {"P": "1", "Ua": "231"}))
    found = await pusher.history()
    assert found["columns"] == {"meter.power": [None, 1000.0], "meter.a.voltage": [230.0, 231.0]}


async def test_null_does_not_take_a_value_back(pusher: Pusher) -> None:
    await pusher.accepted(record(AT, {"P": "1", "Ua": "230"}))
    await pusher.accepted(record(AT, {"P": None, "Ua": "230"}))
    assert (await pusher.history())["columns"]["meter.power"] == [1000.0]


async def test_points_that_no_table_knows_are_kept_and_given_back_under_their_own_names(pusher: Pusher) -> None:
    await pusher.accepted(record(AT, {"P": "1", "Xyz_9": "7.25", "温度": "21.5"}))
    found = await pusher.history()
    assert found["columns"] == {
        "meter.power": [1000.0], "energy_expert:Xyz_9": [7.25], "energy_expert:温度": [21.5],
    }  # fmt: skip


@pytest.mark.parametrize("device_type", ["12", "13", "17"])
async def test_types_of_systems_take_the_id_of_the_system(pusher: Pusher, device_type: str) -> None:
    await pusher.accepted(record(AT, {"soc": "55"}, "system-1"), device_type=device_type)
    number = 3 + ["12", "13", "17"].index(device_type)
    assert (await pusher.history(number))["columns"] == {"energy_expert:soc": [55.0]}
    code, message = await pusher.refused(record(AT, {"soc": "55"}, None), device_type=device_type)
    assert code == "MissingParameter"
    assert "system_id" in message


@pytest.mark.parametrize("device_type", ["15", "16"])
async def test_types_of_the_whole_account_take_no_id(pusher: Pusher, device_type: str) -> None:
    await pusher.accepted(record(AT, {"price": "0.31"}, None), device_type=device_type)
    number = 6 + ["15", "16"].index(device_type)
    assert (await pusher.history(number))["columns"] == {"energy_expert:price": [0.31]}
    code, message = await pusher.refused(record(AT, {"price": "0.31"}, "meter-1"), device_type=device_type)
    assert code == "InvalidParameter"
    assert "devices[0].deviceId must not be passed" in message


async def test_every_other_type_needs_the_id_of_a_device(pusher: Pusher) -> None:
    for missing in (record(AT, {"P": "1"}, None), record(AT, {"P": "1"}, "")):
        code, message = await pusher.refused(record(AT, {"P": "1"}), missing)
        assert code == "MissingParameter"
        assert "devices[1].deviceId" in message


async def test_an_id_belongs_to_one_type(pusher: Pusher) -> None:
    for device_type in ("2", "12", "99"):
        code, message = await pusher.refused(record(AT, {"P": "1"}, "meter-1"), device_type=device_type)
        assert code == "InvalidParameter"
        assert f"'meter-1' of deviceType {device_type}" in message


async def test_id_and_type_may_be_numbers(pusher: Pusher) -> None:
    await pusher.accepted(record(AT, {"P": "1"}, 4711), device_type=1)
    assert (await pusher.history(2))["columns"] == {"meter.power": [1000.0]}


@pytest.mark.parametrize("device_type", ["", "one", "1.5", "-1", "12345", "1 ", "²"])
async def test_a_type_is_a_short_number(pusher: Pusher, device_type: str) -> None:
    assert (await pusher.refused(record(AT, {"P": "1"}), device_type=device_type))[0] == "InvalidParameter"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-15 12:00:00", "2026-01-15T11:00:00.000Z"),
        ("2026-06-21 12:00:00", "2026-06-21T10:00:00.000Z"),
        ("2026-06-21T12:00:00", "2026-06-21T10:00:00.000Z"),
        ("2026-06-21 11:59:59.25", "2026-06-21T09:59:59.250Z"),
        ("2026-03-29 01:59:59", "2026-03-29T00:59:59.000Z"),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00.000Z"),
        ("2026-03-29 03:00:00", "2026-03-29T01:00:00.000Z"),
    ],
)
async def test_a_time_is_that_of_the_plant_and_one_that_the_clocks_skip_has_the_offset_from_before(
    pusher: Pusher, text: str, instant: str
) -> None:
    await pusher.accepted(record(text, {"P": "1"}))
    assert (await pusher.history())["at"] == [instant]


@pytest.mark.parametrize(
    ("now", "instant"),
    [("2025-10-26T00:40:00Z", "2025-10-26T00:30:00.000Z"), ("2025-10-26T01:40:00Z", "2025-10-26T01:30:00.000Z")],
)
async def test_a_time_that_comes_twice_is_the_later_one_that_is_not_in_the_future(
    pusher: Pusher, clock: FixedClock, now: str, instant: str
) -> None:
    clock.at_ms = instant_ms(datetime.fromisoformat(now).astimezone(UTC))
    await pusher.accepted(record("2025-10-26 02:30:00", {"P": "1"}))
    assert (await pusher.history())["at"] == [instant]


async def test_a_meter_that_sends_live_through_the_night_when_the_clocks_go_back_loses_no_record(
    pusher: Pusher, clock: FixedClock
) -> None:
    start_ms = instant_ms(datetime(2025, 10, 26, 0, 0, tzinfo=UTC))
    offsets = [2] * 12 + [1] * 24
    for step, offset in enumerate(offsets):
        clock.at_ms = start_ms + step * 300_000 + 5_000
        wall = datetime.fromtimestamp(start_ms / 1000 + step * 300 + offset * 3600, UTC)
        await pusher.accepted(record(f"{wall:%Y-%m-%d %H:%M:%S}", {"P": str(step)}))
    found = await pusher.history()
    assert found["columns"]["meter.power"] == [step * 1000.0 for step in range(36)]


async def test_a_batch_is_kept_as_a_whole_or_not_at_all(pusher: Pusher) -> None:
    good = [record(f"2026-06-21 10:{minute:02}:00", {"P": "1"}) for minute in range(30)]
    for bad in (
        record(AT, {"P": "x"}), record(AT, {"P": "1"}, "nobody"), record("today", {"P": "1"}),
        record("2031-01-01 00:00:00", {"P": "1"}), record(AT, {}),
    ):  # fmt: skip
        await pusher.refused(*good, bad)
        assert (await pusher.history())["at"] == []
    await pusher.accepted(*good)
    assert len((await pusher.history())["at"]) == 30


async def test_a_refusal_names_the_record_the_device_and_the_point(pusher: Pusher) -> None:
    code, message = await pusher.refused(record(AT, {"P": "1"}), record(AT, {"Ua": "1", "Ub": "high"}))
    assert code == "InvalidParameter"
    assert message == "devices[1].data.Ub of device 'meter-1' is not a finite number"


@pytest.mark.parametrize(
    ("bad", "told_of"),
    [
        (record("2031-01-01 00:00:00", {"P": "1"}, "4711"), "devices[1].recordTime of device '4711': the time 2030-"),
        (record("1999-06-01 00:00:00", {"P": "1"}, 4711), "devices[1].recordTime of device '4711': the time 1999-"),
        (record(AT, {"P": "1e308"}, "4711"), "devices[1].data of device '4711': meter.power is not a finite number"),
        ({"deviceId": "4711", "data": {"P": "1"}}, "devices[1].recordTime is missing"),
        ({"deviceId": "4711", "recordTime": AT}, "devices[1].data is missing"),
    ],
)  # fmt: skip
async def test_what_is_refused_late_is_told_by_its_place_and_the_id_that_was_sent(
    pusher: Pusher, bad: dict[str, object], told_of: str
) -> None:
    message = (await pusher.refused(record(AT, {"P": "1"}), bad))[1]
    assert message.startswith(told_of)


async def test_records_without_points_are_missing_something(pusher: Pusher) -> None:
    code, message = await pusher.refused(record(AT, {"P": "1"}), record(AT, {}))
    assert (code, message) == ("MissingParameter", "devices[1].data has no points")
    assert (await pusher.refused())[0] == "MissingParameter"


async def test_records_of_many_shapes_devices_and_times_share_a_batch(pusher: Pusher) -> None:
    await pusher.accepted(
        record(AT, {"P": "1"}),
        record(AT, {"Ua": "230", "P": "2"}, "4711"),
        record("2026-06-21 11:05:00", {"P": "3", "Ua": "231"}),
        record("2026-06-21 11:05:00", {"Ib": "5"}, 4711),
    )
    assert (await pusher.history(1))["columns"] == {"meter.power": [1000, 3000], "meter.a.voltage": [None, 231]}
    assert (await pusher.history(2))["columns"] == {
        "meter.a.voltage": [230, None], "meter.power": [2000, None], "meter.b.current": [None, 5],
    }  # fmt: skip


async def test_the_same_records_again_count_once_and_other_values_replace(pusher: Pusher, hub: LocalHub) -> None:
    for value in ("1", "1", "2"):
        await pusher.accepted(record(AT, {"P": value, "Ua": "230"}))
    found = await pusher.history()
    assert (found["at"], found["columns"]["meter.power"]) == ([AT_UTC], [2000.0])
    [(detail,)] = hub.database.query("SELECT detail FROM audit WHERE action = 'sample.corrected'")
    assert json.loads(detail)["old"] == {"meter.power": 1000.0}
    assert json.loads(detail)["new"] == {"meter.power": 2000.0}


async def test_two_records_of_one_device_and_time_complete_each_other(pusher: Pusher) -> None:
    await pusher.accepted(record(AT, {"P": "1"}), record(AT, {"Ua": "230"}))
    found = await pusher.history()
    assert (found["at"], found["columns"]) == ([AT_UTC], {"meter.power": [1000.0], "meter.a.voltage": [230.0]})


async def test_fields_that_no_one_knows_are_passed_over(pusher: Pusher) -> None:
    body = json.dumps(
        {
            "deviceType": "1", "version": 3, "extra": {"a": [1]},
            "devices": [{**record(AT, {"P": "1"}), "quality": "good", "more": None}],
        }
    ).encode()  # fmt: skip
    assert (await pusher.send(body, pusher.headers(body))).status_code == 200


async def test_no_body_counts_as_one_without_fields(pusher: Pusher) -> None:
    for body in (b"", b"{}", b" "):
        code, message = told(await pusher.send(body, pusher.headers(body)), 400)
        assert code == "MissingParameter"
        assert "deviceType" in message


async def test_another_method_is_refused_in_the_vendors_form(pusher: Pusher) -> None:
    answer = await pusher.http.get(PATH)
    assert told(answer, 404)[0] == "InvalidAction.NotFound"


async def test_a_query_that_is_signed_is_taken(pusher: Pusher) -> None:
    body = json.dumps({"deviceType": "1", "devices": [record(AT, {"P": "1"})]}).encode()
    headers = pusher.headers(body)
    signed = sorted(name for name in headers if name != "authorization")
    query = "b=%C3%A4%20x&a=1"
    digest = hashlib.sha256(body).hexdigest()
    signature = sign_acs3("POST", PATH, query, headers, signed, digest, ACCESS_SECRET)
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={ACCESS_KEY},SignedHeaders={';'.join(signed)},Signature={signature}"
    )
    assert (await pusher.send(body, headers, f"?{query}")).status_code == 200
