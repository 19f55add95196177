"""The later forms: several devices, months, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.config import Config
from heliograph.dialects.redex import DIALECT
from heliograph.errors import ConfigError
from heliograph.model.access import Caller
from heliograph.model.ledger import Declaration, Declared, Statement
from heliograph.protocol.dialect import settings_of
from tests.dialects.redex import sender as of
from tests.dialects.redex.sender import INVERTER, METER, PLURAL, day, days, told

if TYPE_CHECKING:
    import httpx

    from heliograph.clock import FixedClock
    from heliograph.hub import LocalHub
    from tests.dialects.redex.sender import Json, Sender

BATCHES = [f"{PLURAL}/batches", "/public/v2/batches"]
MONTHLY = [f"{PLURAL}/monthly-data", "/public/v2/monthly-data"]
STATUS = [f"{PLURAL}/statuses", f"{PLURAL}/status"]
POSTS = [PLURAL, *BATCHES, *MONTHLY]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def months(year: object, **figures: object) -> Json:
    """A year of the monthly form."""
    return {"Year": year, "PeriodProductionPerMonthInKWh": figures}


def process(answer: httpx.Response) -> int:
    """The number under which a submission was taken."""
    assert answer.status_code == 200, answer.text
    [(name, number)] = answer.json()["Data"].items()
    assert (name, answer.json()["Message"]) == ("ProcessId", "Success")
    assert isinstance(number, int)
    return number


@pytest.mark.parametrize("path", [*POSTS, *STATUS])
async def test_without_the_setting_they_are_not_there(sender: Sender, path: str) -> None:
    answer = await (sender.get(path) if path in STATUS else sender.post(days(day("2023-05-01", 1)), path))
    assert told(answer, 404) == {}


def test_the_setting_is_read_and_a_wrong_one_is_an_error() -> None:
    assert settings_of(DIALECT, Config().dialects).later is False
    for wrong in ({"later": "yes"}, {"sooner": True}):
        with pytest.raises(ConfigError, match=r"dialects\.redex"):
            settings_of(DIALECT, {"redex": wrong})


@pytest.mark.parametrize("later", [True])
class TestServed:
    """With the setting."""

    async def test_the_body_of_one_device_is_taken(self, sender: Sender) -> None:
        record = {"Timestamp": "2023-05-01", "PeriodProductionInKWh": 0.123, "AccumulatedEnergyInKWh": 5.123}
        for body in (days(record), {"data": [record], "remoteInvId": METER}):
            process(await sender.post(body, PLURAL))
        assert sender.ledger(1) == sender.ledger(2) == [("2023-05-01", 1, "0.123", "5.123")]
        assert (await sender.post(days(day("2023-05-02", "0.1234")))).status_code == 200

    @pytest.mark.parametrize("path", [PLURAL, *BATCHES])
    async def test_several_devices_are_taken_together(self, sender: Sender, path: str) -> None:
        devices = [days(day("2023-05-01", 1)), {"RemoteInvId": METER, "Data": [day("2023-05-01", 2, 7)]}]
        number = process(await sender.post({"Devices": devices, "FrequencyType": "Daily"}, path))
        assert sender.ledger(1) == [("2023-05-01", 1, "1", None)]
        assert sender.ledger(2) == [("2023-05-01", 1, "2", "7")]
        assert process(await sender.post({"Devices": devices, "FrequencyType": "Daily"}, path)) == number
        assert len(sender.statements()) == 1

    async def test_what_is_wrong_with_several_devices_is_named_and_none_is_kept(self, sender: Sender) -> None:
        devices = [
            days(day("2023-05-01", 1)),
            days(day("2027-05-01", "1.0001"), day("x", -1, "2.0001"), device=METER),
        ]
        wrong = told(await sender.post({"devices": devices}, PLURAL), 422)
        assert wrong == {
            "Devices[1].Data[0].Timestamp": "2027-05-01 lies in the future; at the plant it is 2026-06-21",
            "Devices[1].Data[0].PeriodProductionInKWh": "'1.0001' is not a number of at most 3 decimals, 0 or more",
            "Devices[1].Data[1].Timestamp": "'x' is not a date like 2023-05-01",
            "Devices[1].Data[1].PeriodProductionInKWh": "'-1' is not a number of at most 3 decimals, 0 or more",
            "Devices[1].Data[1].AccumulatedPowerInKWh": "'2.0001' is not a number of at most 3 decimals, 0 or more",
        }
        assert sender.statements() == []

    async def test_dates_that_are_none_are_named_once_each(self, sender: Sender) -> None:
        wrong = told(await sender.post(days(day("x", 1), day("y", 1)), PLURAL), 422)
        assert wrong == {
            "Data[0].Timestamp": "'x' is not a date like 2023-05-01",
            "Data[1].Timestamp": "'y' is not a date like 2023-05-01",
        } or set(wrong) == {"Data[0].Timestamp", "Data[1].Timestamp"}

    async def test_every_device_that_is_not_the_callers_is_named(self, sender: Sender) -> None:
        devices = [days(day("2023-05-01", 1), device=name) for name in (INVERTER, of.OTHERS, "nothing")]
        wrong = told(await sender.post({"Devices": devices}, PLURAL), 403)
        assert wrong.keys() == {"Devices[1].RemoteInvId", "Devices[2].RemoteInvId"}

    async def test_a_device_stands_in_a_call_once(self, sender: Sender) -> None:
        devices = [days(day(f"2023-05-0{number}", 1), device=name) for number, name in ((1, INVERTER), (2, "INV-1"))]
        wrong = told(await sender.post({"Devices": devices}, PLURAL), 422)
        assert wrong == {"Devices[1].RemoteInvId": "the device 'INV-1' is there twice"}

    async def test_a_frequency_may_be_left_out_but_not_be_another(self, sender: Sender) -> None:
        devices = [days(day("2023-05-01", 1)) | {"FrequencyType": "Weekly"}]
        assert told(await sender.post({"Devices": devices}, PLURAL), 422).keys() == {"Devices[0].FrequencyType"}
        body = days(day("2023-05-01", 1)) | {"FrequencyType": "Weekly"}
        assert told(await sender.post(body, PLURAL), 422).keys() == {"FrequencyType"}

    @pytest.mark.parametrize(
        ("path", "body", "wrong"),
        [
            (PLURAL, {}, {"Data", "RemoteInvId"}),
            (PLURAL, {"Devices": []}, {"Devices"}),
            (PLURAL, {"Devices": {}}, {"Devices"}),
            (PLURAL, {"Devices": [days(day("2023-05-01", 1))], "Data": []}, {"Data"}),
            (PLURAL, {"Devices": [1, {}]}, {"Devices[0]", "Devices[1].RemoteInvId", "Devices[1].Data"}),
            (BATCHES[0], days(day("2023-05-01", 1)), {"Devices"}),
            (MONTHLY[0], {}, {"RemoteInvId", "Data"}),
            (MONTHLY[0], {"RemoteInvId": INVERTER, "Data": 5}, {"Data"}),
            (MONTHLY[0], {"RemoteInvId": INVERTER, "Data": []}, {"Data"}),
            (MONTHLY[0], {"RemoteInvId": INVERTER, "Data": months(2023, Jan=None)}, {"Data"}),
            (MONTHLY[0], {"RemoteInvId": INVERTER, "Data": months(2023, Jan={})},
             {"Data.PeriodProductionPerMonthInKWh.Jan"}),
            (MONTHLY[0], {"RemoteInvId": INVERTER, "Data": [months("23", Jan=1), {}, months(2023) | {
                "PeriodProductionPerMonthInKWh": 5}]},
             {"Data[0].Year", "Data[1].Year", "Data[1].PeriodProductionPerMonthInKWh",
              "Data[2].PeriodProductionPerMonthInKWh"}),
        ],
    )  # fmt: skip
    async def test_what_cannot_be_read_is_named(self, sender: Sender, path: str, body: Json, wrong: set[str]) -> None:
        assert told(await sender.post(body, path), 400).keys() == wrong
        assert sender.statements() == []

    async def test_records_are_counted_over_all_devices(self, sender: Sender) -> None:
        devices = [days(*[day("2023-05-01", 1)] * number) for number in (2999, 2)]
        assert told(await sender.post({"Devices": devices}, PLURAL), 422).keys() == {"Devices[1].Data"}
        assert told(await sender.post({"Devices": [0] * 3001}, PLURAL), 422).keys() == {"Devices"}
        years = [months(2023, **dict.fromkeys(MONTHS, 1))] * 251
        body = {"RemoteInvId": INVERTER, "Data": years}
        assert told(await sender.post(body, MONTHLY[0]), 422).keys() == {"Data[250].PeriodProductionPerMonthInKWh"}

    @pytest.mark.parametrize("path", MONTHLY)
    async def test_the_months_of_a_year_are_taken(self, sender: Sender, path: str) -> None:
        figures = {month: float(f"3{index}.111") for index, month in enumerate(MONTHS, 1)} | {"Mar": None, "Spare": 5}
        process(await sender.post({"RemoteInvId": INVERTER, "Data": months(2023, **figures)}, path))
        assert sender.ledger() == [
            (f"2023-{index:02d}", 1, f"3{index}.111", None) for index in range(1, 13) if index != 3
        ]

    async def test_several_years_are_taken_by_names_in_camel_case(self, sender: Sender) -> None:
        years = [
            {"year": "2022", "periodProductionPerMonthInKWh": {"dec": "5.5"}},
            {"year": 2023, "periodProductionPerMonthInKWh": {"jan": 6}},
        ]
        process(await sender.post({"remoteInvId": INVERTER, "data": years}, MONTHLY[0]))
        assert sender.ledger() == [("2022-12", 1, "5.5", None), ("2023-01", 1, "6", None)]

    async def test_every_wrong_month_is_named(self, sender: Sender) -> None:
        years = [
            months(2023, Jan="1.2345", Feb=-1, Mar="1"),
            months(2026, Jul=1),
            months(2023, Mar=2),
            months(1900, Jan=1),
        ]
        wrong = told(await sender.post({"RemoteInvId": INVERTER, "Data": years}, MONTHLY[0]), 422)
        assert wrong.keys() == {
            "Data[0].PeriodProductionPerMonthInKWh.Jan", "Data[0].PeriodProductionPerMonthInKWh.Feb",
            "Data[1].PeriodProductionPerMonthInKWh.Jul", "Data[2].PeriodProductionPerMonthInKWh.Mar",
            "Data[3].PeriodProductionPerMonthInKWh.Jan",
        }  # fmt: skip
        assert "future" in wrong["Data[1].PeriodProductionPerMonthInKWh.Jul"]

    @pytest.mark.parametrize("path", STATUS)
    async def test_a_process_that_was_taken_has_succeeded(self, sender: Sender, path: str, wall: FixedClock) -> None:
        daily = process(await sender.post(days(day("2023-05-01", 1)), PLURAL))
        wall.at_ms += 1500
        monthly = process(await sender.post({"RemoteInvId": INVERTER, "Data": months(2023, Jan=1)}, MONTHLY[0]))
        told = [(await sender.get(f"{path}?{name}={number}")).json()["Data"]
                for name, number in (("ProcessId", daily), ("processId", monthly))]  # fmt: skip
        assert told == [
            {
                "ProcessId": number, "Status": "Success", "CreatedTime": at, "UpdatedTime": at, "ProcessingType": kind,
            }
            for number, at, kind in (
                (daily, "2026-06-21T10:00:00.000Z", "CreateNewGenerationData"),
                (monthly, "2026-06-21T10:00:01.500Z", "CreateMonthlyData"),
            )
        ]  # fmt: skip

    async def test_anothers_process_and_one_that_is_not_there_look_the_same(
        self, sender: Sender, hub: LocalHub
    ) -> None:
        number = process(await sender.post(days(day("2023-05-01", 1)), PLURAL))
        entry = Declared(on="2023-05-02", period_kwh="1")
        elsewhere = await hub.ledger.declare(
            Caller(1, 1),
            Statement(
                dialect="native", operation="x", body=b"2023-05-02 1",
                declarations=[Declaration(device_id=1, remote_id="1", entries=[entry])],
            ),
        )  # fmt: skip
        for unknown in (number + 77, int("9" * 18), elsewhere.statement_id):
            wrong = told(await sender.get(f"{STATUS[0]}?ProcessId={unknown}"), 404)
            assert wrong == {"ProcessId": f"there is no process {unknown}"}
        await sender.login(ClientId=of.OTHER_ID, ApiKey=of.OTHER_KEY, ClientSecret=of.OTHER_SECRET)
        wrong = told(await sender.get(f"{STATUS[0]}?ProcessId={number}"), 404)
        assert wrong == {"ProcessId": f"there is no process {number}"}

    @pytest.mark.parametrize("query", ["", "?ProcessId=", "?ProcessId=x", "?ProcessId=-1", f"?ProcessId={'9' * 19}",
                                       "?ProcessId=%D9%A1"])  # fmt: skip
    async def test_a_status_call_names_a_number(self, sender: Sender, query: str) -> None:
        wrong = told(await sender.get(f"{STATUS[0]}{query}"), 400)
        assert wrong == {"ProcessId": "ProcessId must be the number of a process"}

    async def test_all_forms_share_the_sixty_calls(self, sender: Sender) -> None:
        number = process(await sender.post(days(day("2023-05-01", 1)), PLURAL))
        for _ in range(59):
            assert (await sender.get(f"{STATUS[0]}?ProcessId={number}")).status_code == 200
        assert (await sender.post(days(day("2023-05-01", 1)))).status_code == 429
        assert (await sender.get(f"{STATUS[1]}?ProcessId={number}")).status_code == 429
