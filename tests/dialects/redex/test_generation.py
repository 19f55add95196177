"""What is sent is kept as it came and applied once; what is wrong is named, and leaves the ledger as it was."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from heliograph.dialects.redex import DEVICE_SCHEME
from heliograph.errors import StoreFullError
from tests.dialects.redex.sender import INVERTER, METER, OTHERS, PRINTED, SEND, day, days, told

if TYPE_CHECKING:
    from heliograph.clock import FixedClock
    from heliograph.hub import LocalHub
    from tests.dialects.redex.sender import Sender

LEDGER = [
    ("2023-05-01", 1, "0.1234", "5.1234"),
    ("2023-05-02", 1, "0.2345", "5.3579"),
    ("2023-05-03", 1, "0.4567", "5.8146"),
]


async def test_the_printed_example_is_kept_with_its_bytes_and_its_author(sender: Sender) -> None:
    body = json.dumps(PRINTED, indent=2).encode()
    answer = await sender.post(body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"Data": {}, "Errors": None, "Meta": None, "StatusCode": 200, "Message": "Success"}
    assert sender.ledger() == LEDGER
    assert sender.statements() == [("sendGenerationData", "first/client-1", body)]
    assert "ledger.stated" in sender.audited()


async def test_the_same_call_again_changes_nothing(sender: Sender) -> None:
    for _ in range(3):
        assert (await sender.post(PRINTED)).status_code == 200
    assert (sender.ledger(), len(sender.statements())) == (LEDGER, 1)


async def test_another_figure_is_a_correction_that_keeps_the_older_one(sender: Sender) -> None:
    await sender.accepted(day("2023-05-01", "0.1234"), day("2023-05-02", "0.2"))
    await sender.accepted(day("2023-05-01", "0.1235"), day("2023-05-02", "0.20"))
    assert sender.ledger() == [
        ("2023-05-01", 1, "0.1234", None),
        ("2023-05-02", 1, "0.2", None),
        ("2023-05-01", 2, "0.1235", None),
    ]
    assert len(sender.statements()) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"timestamp":"2023-05-01","periodProductionInKWh":0.1230,"accumulatedEnergyInKWh":5.1200}],'
        b'"frequencyType":"Daily","remoteInvId":"STR10000000338444"}',
        b' { "Spare": {"Data": [{}]}, "Data" : [ {"Timestamp":"2023-05-01","PeriodProductionInKWh":0.1230,'
        b'"AccumulatedPowerInKWh":"5.1200","unit":"kWh","AccumulatedEnergyInKWh":null} ] ,'
        b' "FrequencyType":"DAILY", "RemoteInvId":"STR10000000338444"}\n',
    ],
)
async def test_names_in_either_case_and_numbers_are_read_and_digits_are_kept(sender: Sender, body: bytes) -> None:
    answer = await sender.post(body)
    assert answer.status_code == 200, answer.text
    assert sender.ledger() == [("2023-05-01", 1, "0.1230", "5.1200")]
    assert sender.statements()[0][2] == body


async def test_an_accumulated_figure_may_be_left_out_or_null(sender: Sender) -> None:
    record = day("2023-05-02", "0.2")
    await sender.accepted(day("2023-05-01", "0.1"), {**record, "AccumulatedPowerInKWh": None})
    assert [entry[3] for entry in sender.ledger()] == [None, None]


async def test_a_body_in_gzip_is_kept_unpacked(sender: Sender) -> None:
    body = json.dumps(PRINTED).encode()
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert (await sender.post(gzip.compress(body), **headers)).status_code == 200
    assert sender.statements()[0][2] == body
    assert told(await sender.post(gzip.compress(body)[:-9], **headers), 400)["Body"] == "the gzip body is cut short"


async def test_a_device_is_found_by_its_name_and_else_by_its_serial_number(sender: Sender) -> None:
    await sender.accepted(day("2023-05-01", "1"), device=METER)
    await sender.accepted(day("2023-05-02", "1"), device="MTR-1")
    await sender.accepted(day("2023-05-01", "1"), device="SNS-1")
    assert ([entry[0] for entry in sender.ledger(2)], len(sender.ledger(3))) == (["2023-05-01", "2023-05-02"], 1)


async def test_a_name_of_digits_may_come_as_a_number(sender: Sender, hub: LocalHub) -> None:
    await hub.database.write(lambda rows: hub.registry.put_alias(rows, DEVICE_SCHEME, "4711", 3))
    await sender.accepted(day("2023-05-01", "1"), device=4711)
    assert len(sender.ledger(3)) == 1


async def test_a_serial_number_that_two_devices_have_names_neither(sender: Sender, hub: LocalHub) -> None:
    for _ in range(2):
        twin = msgspec.structs.replace(hub.registry.devices[1], id=0, serial="TWIN")
        await hub.database.write(partial(hub.registry.put_device, device=twin))
    answer = await sender.post(days(day("2023-05-01", "1"), device="TWIN"))
    assert told(answer, 403) == {"RemoteInvId": "there is no device 'TWIN' of yours"}


async def test_a_device_that_was_never_named_gets_a_name_of_sixteen_digits_that_stays(hub: LocalHub) -> None:
    minted = await hub.wire_ids(DEVICE_SCHEME, [3])
    assert minted == await hub.wire_ids(DEVICE_SCHEME, [3])
    assert [(wire[:3], len(wire), wire[3:].isdecimal()) for wire in minted] == [("STR", 19, True)]
    assert DEVICE_SCHEME.mint(3, 0) != DEVICE_SCHEME.mint(3, 1) != DEVICE_SCHEME.mint(4, 1)
    assert await hub.wire_ids(DEVICE_SCHEME, [1]) == [INVERTER]


@pytest.mark.parametrize("device", [OTHERS, "INV-2", "STR0000000000000000", ""])
async def test_anothers_device_and_one_that_is_not_there_look_the_same(sender: Sender, device: str) -> None:
    answer = await sender.post(days(day("2023-05-01", "1"), device=device))
    if device:
        assert told(answer, 403) == {"RemoteInvId": f"there is no device '{device}' of yours"}
    else:
        assert told(answer, 400) == {"RemoteInvId": "RemoteInvId is empty"}
    assert sender.statements() == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"", {"Body": "the body is not valid JSON"}),
        (b'{"Data": [}', {"Body": "the body is not valid JSON"}),
        (b'{"Data":[{"Timestamp":"\xff"}]}', {"Body": "the body is not valid JSON"}),
        (b'{"x":' + b"[" * 60_000 + b"]" * 60_000 + b"}", {"Body": "the body is nested too deeply"}),
        (b"[1]", {"Body": "Body must be an object"}),
        (b"null", {"Body": "Body must be an object"}),
        (
            b"{}",
            {
                "Data": "Data is missing",
                "FrequencyType": "FrequencyType is missing",
                "RemoteInvId": "RemoteInvId is missing",
            },
        ),
        (days(), {"Data": "Data is empty"}),
        (days() | {"Data": {"Timestamp": "2023-05-01"}}, {"Data": "Data must be a list"}),
        (days() | {"Data": None}, {"Data": "Data is missing"}),
        (days() | {"Data": [7]}, {"Data[0]": "Data[0] must be an object"}),
        (days(day("2023-05-01", 1), FrequencyType=1), {"FrequencyType": "FrequencyType must be a text"}),
        (days(day("2023-05-01", 1), device=[]), {"RemoteInvId": "RemoteInvId must be a text or a number"}),
        (
            days(day("2023-05-01", 1), {"Timestamp": 20230501, "PeriodProductionInKWh": None}, day("2023-05-02", True)),
            {
                "Data[1].Timestamp": "Timestamp must be a text",
                "Data[1].PeriodProductionInKWh": "PeriodProductionInKWh is missing",
                "Data[2].PeriodProductionInKWh": "PeriodProductionInKWh must be a text or a number",
            },
        ),
        (
            days({**day("2023-05-01", 1, 2), "AccumulatedEnergyInKWh": 2}),
            {
                "Data[0].AccumulatedPowerInKWh": "AccumulatedPowerInKWh and AccumulatedEnergyInKWh mean the same: "
                "send one"
            },
        ),
        (days(day("2023-05-01", 1), data=[day("2023-05-02", 1)]), {"Body": "'Data' stands twice in one object"}),
        (
            b'{"Data":[{"Timestamp":"2023-05-01","Timestamp":"2023-05-02"}]}',
            {"Timestamp": "'Timestamp' stands twice in one object"},
        ),
    ],
)
async def test_what_cannot_be_read_is_a_400_that_names_the_place(
    sender: Sender, body: object, wrong: dict[str, str]
) -> None:
    assert told(await sender.post(body), 400) == wrong
    assert sender.statements() == []


async def test_a_name_that_stands_twice_is_found_in_a_large_body_too(sender: Sender) -> None:
    records = [day(f"2022-{month:02d}-{number:02d}", 1) for month in range(1, 13) for number in range(1, 29)]
    body = json.dumps(days(*records), separators=(",", ":")).encode()
    assert len(body) > 16 << 10
    twice = body.replace(b'{"Timestamp":"2022-06-01"', b'{"Timestamp":"2022-06-01","Timestamp":"2022-06-02"')
    assert told(await sender.post(twice), 400) == {"Timestamp": "'Timestamp' stands twice in one object"}
    assert (await sender.post(body)).status_code == 200
    assert len(sender.ledger()) == len(records)


async def test_every_wrong_record_and_field_is_named(sender: Sender) -> None:
    await sender.accepted(day("2023-05-01", "1", "100"))
    wrong = await sender.refused(
        day("2023-05-02", "1", "101"),
        day("2027-01-01", "1"),
        day("2023-05-02", "2"),
        day("2023-05-03", "-1", "1e2"),
        day("2023-05-04", "0.12345", "0.5"),
        day("2023-02-30", 1e-7),
        day("2023-05", "1"),
        day("2023-05-06", "300", "500.1"),
    )
    assert wrong == {
        "Data[1].Timestamp": "2027-01-01 lies in the future; at the plant it is 2026-06-21",
        "Data[2].Timestamp": "2023-05-02 is there twice, first in record 0",
        "Data[3].PeriodProductionInKWh": "'-1' is not a number of at most 4 decimals, 0 or more",
        "Data[3].AccumulatedPowerInKWh": "'1e2' is not a number of at most 4 decimals, 0 or more",
        "Data[4].PeriodProductionInKWh": "'0.12345' is not a number of at most 4 decimals, 0 or more",
        "Data[5].Timestamp": wrong["Data[5].Timestamp"],
        "Data[5].PeriodProductionInKWh": "'1e-07' is not a number of at most 4 decimals, 0 or more",
        "Data[6].Timestamp": "'2023-05' is not a date like 2023-05-01",
        "Data[7].PeriodProductionInKWh": wrong["Data[7].PeriodProductionInKWh"],
    }
    assert "'2023-02-30' is not a date" in wrong["Data[5].Timestamp"]
    assert "more than the device can make" in wrong["Data[7].PeriodProductionInKWh"]
    assert len(sender.ledger()) == 1


@pytest.mark.parametrize("name", ["AccumulatedPowerInKWh", "AccumulatedEnergyInKWh"])
async def test_figures_that_disagree_are_told_by_the_name_that_was_sent(sender: Sender, name: str) -> None:
    wrong = await sender.refused(
        {**day("2023-05-01", "1.0"), name: "10.0"}, {**day("2023-05-02", "2.0"), name: "12.5"},
        {**day("2023-05-03", "1.0"), name: "11.0"},
    )  # fmt: skip
    assert wrong.keys() == {f"Data[1].{name}", f"Data[2].{name}"}
    assert sender.ledger() == []


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("5.0E-4", "0.0005"), ("1.5e1", "15"), ("1E+1", "10"), ("1.00000", "1"), ("0.123400", "0.1234"), ("-0.0", "0"),
        ("-0", "0"), ("0E0", "0"), ("15.50", "15.50"),
    ],
)  # fmt: skip
async def test_a_number_is_kept_in_plain_digits_however_it_is_written(sender: Sender, number: str, kept: str) -> None:
    body = json.dumps(days(day("2023-05-01", "FIGURE"))).replace('"FIGURE"', number).encode()
    assert (await sender.post(body)).status_code == 200
    assert sender.ledger() == [("2023-05-01", 1, kept, None)]


async def test_a_large_counter_may_come_with_an_exponent(sender: Sender) -> None:
    body = json.dumps(days(day("2023-05-01", "1.5", "FIGURE"))).replace('"FIGURE"', "1.23456789E7").encode()
    assert (await sender.post(body)).status_code == 200
    assert sender.ledger() == [("2023-05-01", 1, "1.5", "12345678.9")]


@pytest.mark.parametrize("number", ["1e-5", "-1", "-1E0", "1e999", "1e99999999999999999999", "1.00001", "1E-999"])
async def test_a_number_that_no_figure_may_have_is_refused_as_it_was_sent(sender: Sender, number: str) -> None:
    body = json.dumps(days(day("2023-05-01", "FIGURE"))).replace('"FIGURE"', number).encode()
    wrong = told(await sender.post(body), 422)["Data[0].PeriodProductionInKWh"]
    assert wrong == f"{number[:20]!r} is not a number of at most 4 decimals, 0 or more"


@pytest.mark.parametrize("figure", ["\\u0031", "1\\u002e5"])
async def test_an_escape_is_no_digit(sender: Sender, figure: str) -> None:
    body = json.dumps(days(day("2023-05-01", "FIGURE"))).replace("FIGURE", figure).encode()
    assert told(await sender.post(body), 422).keys() == {"Data[0].PeriodProductionInKWh"}


@pytest.mark.parametrize("figure", ["\u0661", "+1", " 1", "1,5", "1.", ".5", "1e2", "NaN", "", "1" * 40])
async def test_what_is_no_plain_number_is_no_figure(sender: Sender, figure: str) -> None:
    body = json.dumps(days(day("2023-05-01", figure)), ensure_ascii=False).encode()
    answer = await sender.post(body)
    wrong = told(answer, 422 if figure else 400)["Data[0].PeriodProductionInKWh"]
    assert wrong.startswith(repr(figure[:20]) if figure else "PeriodProductionInKWh is empty")


async def test_only_daily_is_taken(sender: Sender) -> None:
    wrong = told(await sender.post(days(day("2023-05-01", "1"), FrequencyType="Hourly")), 422)
    assert wrong == {"FrequencyType": "FrequencyType must be Daily, not 'Hourly'"}
    assert (await sender.post(days(day("2023-05-01", "1"), FrequencyType="daily"))).status_code == 200


async def test_three_thousand_records_are_taken_and_one_more_is_not(sender: Sender) -> None:
    records = [day(str(date(2010, 1, 1) + timedelta(days=number)), "1.5") for number in range(3001)]
    wrong = told(await sender.post(days(*records, device=METER)), 422)
    assert wrong == {"Data": "there are more than 3000 records in the call"}
    assert sender.statements() == []
    await sender.accepted(*records[:3000], device=METER)
    assert len(sender.ledger(2)) == 3000


async def test_today_is_the_plants_own(sender: Sender, clock: FixedClock) -> None:
    clock.at_ms += 11 * 3_600_000  # 21:00 in UTC, 23:00 in Berlin
    assert (await sender.refused(day("2026-06-22", "1"))).keys() == {"Data[0].Timestamp"}
    clock.at_ms += 3_600_000
    await sender.accepted(day("2026-06-22", "1"))


async def test_sixty_calls_a_minute_pass_for_all_credentials_of_an_account_together(
    sender: Sender, hub: LocalHub, wall: FixedClock
) -> None:
    first = sender.access
    await sender.key("second-key")
    second = sender.access
    for number in range(60):
        sender.access = second if number % 2 else first
        status = 400 if number % 3 else 200
        assert (await sender.post(b"{}" if number % 3 else PRINTED)).status_code == status
        wall.at_ms += 500
    for token in (first, second):
        sender.access = token
        answer = await sender.post(PRINTED)
        assert told(answer, 429) == {}
        assert answer.headers["retry-after"] == "30"
    await sender.login()
    wall.at_ms += 29_999
    answer = await sender.post(PRINTED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    wall.at_ms += 1
    assert (await sender.post(PRINTED)).status_code == 200


async def test_another_account_has_a_minute_of_its_own(sender: Sender) -> None:
    for _ in range(60):
        await sender.post(PRINTED)
    assert (await sender.post(PRINTED)).status_code == 429
    await sender.login(ClientId="client-2", ApiKey="key-2-for-tests", ClientSecret="secret-2-for-tests")
    await sender.accepted(day("2023-05-01", "1"), device=OTHERS)


async def test_a_credential_without_the_scope_or_the_operation_is_told_so(sender: Sender) -> None:
    for name, known in {"reader": {"scopes": ("read",)}, "narrow": {"operations": ("sendMonthlyData",)}}.items():
        await sender.key(name, **known)
        assert told(await sender.post(PRINTED), 403).keys() == {"Authorization"}
    assert sender.statements() == []


async def test_a_credential_of_one_plant_does_not_reach_into_another(sender: Sender, hub: LocalHub) -> None:
    other = msgspec.structs.replace(hub.registry.plants[1], id=0, name="Other roof")
    saved = await hub.database.write(partial(hub.registry.put_plant, plant=other))
    await sender.key("roof", plants=(saved.id,))
    assert told(await sender.post(PRINTED), 403).keys() == {"RemoteInvId"}


@pytest.mark.parametrize("scope", ["read", "admin"])
async def test_a_disabled_device_takes_nothing_from_nobody(sender: Sender, hub: LocalHub, scope: str) -> None:
    disabled = msgspec.structs.replace(hub.registry.devices[1], disabled=True)
    await hub.database.write(lambda rows: hub.registry.put_device(rows, disabled))
    await sender.key("someone", scopes=("write", scope))
    wrong = told(await sender.post(PRINTED), 403)
    assert wrong == {"RemoteInvId": "there is no device 'STR10000000338444' of yours"}
    assert sender.statements() == []


@pytest.mark.parametrize(("method", "path"), [("GET", SEND), ("POST", "/public/v2/generation"), ("PUT", SEND)])
async def test_what_is_not_served_is_a_404_in_the_same_form(sender: Sender, method: str, path: str) -> None:
    assert told(await sender.http.request(method, path), 404) == {}


async def test_a_body_that_is_too_large_is_refused(sender: Sender) -> None:
    assert told(await sender.post(b" " * ((8 << 20) + 1)), 413).keys() == {"Body"}


async def test_a_hub_that_cannot_keep_says_so_and_takes_the_call_later(
    sender: Sender, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def full(*_: object) -> None:
            raise StoreFullError("no room")

        patch.setattr(hub.ledger, "declare", full)
        assert told(await sender.post(PRINTED), 503) == {}
        patch.setattr(hub.ledger, "declare", None)
        assert told(await sender.post(PRINTED), 500) == {}
    assert (await sender.post(PRINTED)).status_code == 200


async def test_the_native_interface_tells_the_reported_day(sender: Sender) -> None:
    await sender.accepted(day("2026-06-20", "12.3456", "100"))
    found = await sender.native("devices/1/energy?level=day&since=2026-06-20&until=2026-06-21")
    [bucket] = found["buckets"]
    assert bucket["production"] == pytest.approx(12_345.6)
