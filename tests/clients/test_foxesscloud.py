"""foxesscloud, unmodified, end to end: every call that it makes, its values, and devices that do what it asks."""

from __future__ import annotations

import ast
import importlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from heliograph.clock import DAY_MS, HOUR_MS
from tests.clients import fox_house as h
from tests.clients.fox_house import House
from tests.clients.seen import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(60)
Fox = Any
"""The module; any: published without types."""
END_MS = h.YESTERDAY_MS + DAY_MS
NIGHT = {"start": "02:00", "end": "05:00", "mode": "ForceCharge", "min_soc": 11, "fdsoc": 90}
EVENING = {
    "start": "17:00", "end": "19:00", "mode": "ForceDischarge", "min_soc": 20, "fdsoc": 30, "fdpwr": 2500,
}  # fmt: skip
REPORT = {
    "generation": ("hybrid", "ac.energy"), "feedin": ("sensor", "meter.energy_reverse"),
    "gridConsumption": ("sensor", "meter.energy_forward"), "chargeEnergyToTal": ("battery", "battery.energy_charged"),
    "dischargeEnergyToTal": ("battery", "battery.energy_discharged"), "PVEnergyTotal": ("hybrid", "pv.energy"),
    "loads": ("hybrid", "load.energy"),
}  # fmt: skip
"""The counter that each variable of a report is the rise of."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house, served without limits."""
    with h.opened(tmp_path_factory.mktemp("foxesscloud") / "data") as opened:
        yield opened


@pytest.fixture
def fox(house: House, tmp_path: Path) -> Iterator[Fox]:
    """The module as it is after its import, told where the hub is and what its token is; no schedule counts."""
    with pytest.MonkeyPatch.context() as patch:
        # It writes its plans into the directory where it is run.
        patch.chdir(tmp_path)
        patch.setenv("MPLBACKEND", "Agg")
        patch.setenv("TZ", h.HOME.zone)
        time.tzset()
        module: Fox = importlib.reload(importlib.import_module("foxesscloud.openapi"))
        module.fox_domain, module.api_key = house.hub.url, house.token
        # The hub has no limits here, so nothing is to be waited for.
        module.query_delay = module.update_delay = 0
        assert module.set_schedule(enable=0)["enable"] is False
        yield module
    time.tzset()


def test_it_finds_site_logger_and_device(fox: Fox) -> None:
    assert len(fox.get_vars()) == 120
    assert fox.messages["en"]["41930"] == "No such device or plant"
    site = fox.get_site()
    assert (site["stationName"], site["address"], site["capacity"]) == ("Ferndale Road", h.HOME.address, 6.48)
    assert (site["ianaTimezone"], site["timezone"]) == ("Europe/London", "Europe/London")
    assert fox.get_logger()["moduleSN"] == "609W4EDF21BC904"
    device = fox.get_device("60BH5021")
    assert (device["deviceSN"], device["deviceType"], device["status"]) == ("60BH5021A7QK031", "H1-5.0-E-G2", 1)
    assert (device["model"], device["phase"], device["power"], device["eps"]) == ("H1", 1, 5.0, True)
    assert (device["hasBattery"], device["hasPV"], device["function"]["scheduler"]) == (True, True, 1)
    assert [each["batterySN"] for each in device["batteryList"]] == ["60EP10021B4T118"]


def test_it_reads_what_the_devices_sent_last(house: House, fox: Fox) -> None:
    read = {each["variable"]: each["value"] for each in fox.get_real()}
    last = {
        key: float(house.sent(device, key, h.NOW_MS)[0])
        for device, key in (
            ("battery", "battery.soc"), ("hybrid", "pv.power"), ("sensor", "meter.power"), ("hybrid", "ac.energy"),
        )
    }  # fmt: skip
    assert read["SoC"] == last["battery.soc"]
    assert read["pvPower"] == pytest.approx(last["pv.power"] / 1000, abs=1e-3)
    assert read["feedinPower"] - read["gridConsumptionPower"] == pytest.approx(-last["meter.power"] / 1000, abs=1e-3)
    assert read["generation"] == pytest.approx(last["ac.energy"] / 1000)
    told = fox.get_generation()
    assert (
        told["today"] == fox.device["generationToday"] == pytest.approx(house.rise_kwh("hybrid", "ac.energy", END_MS))
    )
    assert told["cumulative"] == pytest.approx(last["ac.energy"] / 1000)
    battery = fox.get_battery()
    assert (battery["soc"], battery["residual"], battery["capacity"]) == (100.0, 10.0, 10.0)
    assert battery["volt"] == float(house.sent("battery", "battery.voltage", h.NOW_MS)[0])
    assert battery["temperature"] == float(house.sent("battery", "battery.temperature", h.NOW_MS)[0])
    assert fox.get_batteries() == [fox.battery]
    count = fox.get_access_count()
    assert int(count["total"]) > int(count["remaining"]) > 0


def test_it_integrates_the_past_to_what_the_counters_say(house: House, fox: Fox) -> None:
    produced, fed, charge = fox.get_history("day", d=h.YESTERDAY, v=["pvPower", "feedinPower", "SoC"], summary=2)
    assert produced["count"] == fed["count"] == charge["count"] == 288
    assert produced["kwh"] == pytest.approx(house.rise_kwh("hybrid", "pv.energy", h.YESTERDAY_MS, END_MS), rel=0.01)
    assert fed["kwh"] == pytest.approx(
        house.rise_kwh("sensor", "meter.energy_reverse", h.YESTERDAY_MS, END_MS), rel=0.01
    )
    sent = house.sent("battery", "battery.soc", h.YESTERDAY_MS, END_MS - 1)
    assert (charge["min"], charge["max"], charge["average"]) == (sent.min(), sent.max(), pytest.approx(sent.mean()))
    (hour,) = fox.get_history("hour", d=f"{h.TODAY} 12:00", v="SoC")
    assert [each["value"] for each in hour["data"]] == list(
        house.sent("battery", "battery.soc", h.NOW_MS - 3 * HOUR_MS)
    )[:13]
    week = fox.get_history("week", d=h.YESTERDAY, v=["feedinPower"], summary=2)
    assert week[-1]["kwh"] == fed["kwh"]
    everything = fox.get_history("day", d=h.YESTERDAY)
    assert [each.get("variable") for each in everything[:120]] == fox.var_list
    assert sum(bool(each["data"]) for each in everything) > 40


def test_its_reports_are_what_the_counters_say(house: House, fox: Fox) -> None:
    days = {
        name: [house.rise_kwh(*where, since_ms, since_ms + DAY_MS) for since_ms in (h.YESTERDAY_MS, END_MS)]
        for name, where in REPORT.items()
    }
    reports = {
        span: {each["variable"]: each for each in fox.get_report(span, d=h.YESTERDAY)}
        for span in ("day", "week", "month", "year")
    }
    assert fox.report_vars == list(reports["day"]) == list(reports["year"])
    for name, (yesterday, today) in days.items():
        if name == "loads":  # what it used while the battery was filled from the sun is reckoned in another way
            continue
        day = reports["day"][name]
        assert day["total"] == pytest.approx(yesterday, abs=0.011), name
        assert day["sum"] == pytest.approx(yesterday, abs=0.25), name
        assert reports["week"][name]["values"] == [*[0.0] * 6, pytest.approx(yesterday, abs=0.011)], name
        assert reports["month"][name]["values"][17:19] == pytest.approx([yesterday, today], abs=0.011), name
        assert reports["month"][name]["values"][:17] == [0.0] * 17
        assert reports["year"][name]["total"] == pytest.approx(yesterday + today, abs=0.02), name
    quick = fox.get_report("day", d=[h.YESTERDAY, h.TODAY], v="generation", summary=2)
    assert [each["total"] for each in quick] == pytest.approx(days["generation"], abs=0.011)


def test_it_makes_the_row_of_a_day_for_another_service(house: House, fox: Fox) -> None:
    row = fox.get_pvoutput(h.YESTERDAY).split(",")
    assert row[0] == "20240618"
    made_kwh = house.rise_kwh("hybrid", "pv.energy", h.YESTERDAY_MS, END_MS)
    assert int(row[1]) / 1000 * fox.pv_calibration == pytest.approx(made_kwh, rel=0.01)
    assert fox.get_pvoutput(h.YESTERDAY, tou=2).startswith("20240618,")


def test_it_sets_charge_limits_and_periods(fox: Fox) -> None:
    fox.get_settings()
    assert fox.set_min(minSocOnGrid=20, minSoc=12)
    assert fox.set_charge(True, "02:00", "05:00", False, "12:00", "13:30")
    fox.battery_settings = None
    held = fox.get_settings()
    assert (held["minSoc"], held["minSocOnGrid"]) == (12, 20)
    assert held["times"] == {
        "enable1": True, "startTime1": {"hour": 2, "minute": 0}, "endTime1": {"hour": 5, "minute": 0},
        "enable2": False, "startTime2": {"hour": 12, "minute": 0}, "endTime2": {"hour": 13, "minute": 30},
    }  # fmt: skip
    assert fox.set_min(10, 10)
    assert fox.set_charge(st1=0, en1=0)
    assert fox.get_charge()["times"]["enable1"] is False


def test_it_sets_single_settings_and_the_work_mode(fox: Fox, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"ExportLimit": 5000, "MinSoc": 15, "MinSocOnGrid": 15, "MaxSoc": 90, "GridCode": "G99"}
    assert fox.set_named_settings(list(values.items()), None) == list(values.values())
    fox.named_settings.clear()
    assert {name: fox.get_named_settings(name) for name in values} == {name: str(to) for name, to in values.items()}
    assert fox.named_settings["ExportLimit"]["unit"] == "W"
    for mode in fox.settable_modes:
        assert fox.set_work_mode(mode) == mode
        assert fox.get_remote_settings("WorkMode") == mode
    assert fox.set_named_settings("WorkMode", "SelfUse", force=1) == "SelfUse"
    assert "**" not in capsys.readouterr().out
    assert fox.set_named_settings("MaxSoc", 5) is None
    assert "errno = 40257" in capsys.readouterr().out
    assert fox.set_named_settings("WorkMode", "ForceCharge") is None
    assert fox.get_named_settings("Colour") is None
    assert capsys.readouterr().out.count("errno = 40257") == 2
    before = {"ExportLimit": 30000, "MinSoc": 10, "MinSocOnGrid": 10, "MaxSoc": 100, "GridCode": "G98"}
    assert fox.set_named_settings(list(before.items()), None) == list(before.values())


def test_it_sets_a_schedule_and_reads_it_back(fox: Fox) -> None:
    assert fox.get_schedule()["enable"] is False
    periods = [fox.set_period(**NIGHT), fox.set_period(**EVENING)]
    assert fox.set_schedule(periods)["enable"] is True
    assert fox.get_flag()["enable"] is True
    held = fox.get_schedule()
    assert (held["enable"], held["support"], held["maxsoc"]) == (True, 1, True)
    assert held["periods"] == [{**period, "maxSoc": 100} for period in periods]
    # What the schedule is becomes a strategy, and that segments again.
    strategy = fox.build_strategy_from_schedule()
    assert [(each["start"], each["end"], each["mode"]) for each in strategy] == [
        (2.0, 5.0, "ForceCharge"), (17.0, 19.0, "ForceDischarge"),
    ]  # fmt: skip
    again = [fox.set_period(segment=each) for each in fox.get_strategy(strategy=strategy)]
    assert [each["maxSoc"] for each in again] == [100, 100]
    limited = [fox.set_period(**NIGHT, max_soc=80), again[1]]
    assert fox.set_schedule(limited)
    assert fox.get_schedule()["periods"] == limited
    assert fox.set_schedule(held["periods"])
    assert fox.get_schedule()["periods"] == held["periods"]


def test_a_schedule_that_counts_is_in_the_way_until_it_is_forced(fox: Fox, capsys: pytest.CaptureFixture[str]) -> None:
    assert fox.set_schedule(fox.set_period(**NIGHT))
    refused = [fox.set_min(15, 15), fox.set_charge(st1=1, en1=2), fox.set_work_mode("Backup")]
    assert refused == [None, None, None]
    assert capsys.readouterr().out.count("when a schedule is enabled") == 3
    # The hub says so too, to a client that has not looked.
    fox.schedule["enable"] = False
    assert fox.set_min(15, 15) is None
    assert "cannot update settings when schedule is active" in capsys.readouterr().out
    assert fox.set_work_mode("Backup", force=1) == "Backup"
    assert fox.get_schedule()["enable"] is False
    assert fox.set_work_mode("SelfUse") == "SelfUse"
    assert fox.set_schedule(fox.set_period(**NIGHT))
    assert fox.set_min(10, 10, force=1)
    assert fox.get_flag()["enable"] is False


@pytest.mark.parametrize(
    ("periods", "code"),
    [
        ([EVENING, {**EVENING, "start": "18:00", "end": "20:00"}], 42023),
        ([{**EVENING, "min_soc": 10, "fdsoc": 10}], 40257),
    ],
)
def test_it_is_told_why_a_schedule_is_refused(
    fox: Fox, capsys: pytest.CaptureFixture[str], periods: list[dict[str, Any]], code: int
) -> None:
    before = fox.get_schedule()["periods"]
    assert fox.set_schedule([fox.set_period(**period) for period in periods]) is None
    assert f"errno = {code}" in capsys.readouterr().out
    assert fox.get_schedule()["periods"] == before


def test_it_plans_a_night_and_the_device_takes_the_plan(fox: Fox) -> None:
    """What is left in the battery, what is forecast and used make a charge time; so it is set."""
    told = {"forecast": 2, "consumption": 30, "update_settings": 1, "show_data": 0, "show_plot": 0, "force_charge": 1}
    fox.charge_needed(**told, timed_mode=0)
    times = fox.get_charge()["times"]
    assert times["enable2"] is True
    assert times["startTime2"] != times["endTime2"]
    assert fox.set_charge(st2=0, en2=0)


def test_its_own_least_charge_of_a_segment_is_refused_as_documented_for_real_devices(
    fox: Fox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless it is told otherwise it asks for 10 %, and 11 % is the least."""
    assert fox.set_schedule(fox.set_period("01:00", "02:00")) is None
    assert "groups[0].fdSoc must lie between 11 and 100" in capsys.readouterr().out
    assert fox.set_schedule(fox.set_period("01:00", "02:00", min_soc=11))


def test_a_wrong_token_and_one_without_the_right_to_write_are_told(
    fox: Fox, capsys: pytest.CaptureFixture[str]
) -> None:
    good, fox.api_key = fox.api_key, "home-wrong"
    assert fox.get_access_count() is None
    assert "errno = 41808" in capsys.readouterr().out
    fox.api_key = f"{h.READER}-{h.SECRET}"
    assert fox.get_min()
    assert fox.set_min(15, 15) is None
    assert "errno = 41811" in capsys.readouterr().out
    fox.api_key = good


def asking(module: Fox) -> set[str]:
    """The functions of the module that make a request themselves."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    return {
        function.name
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(node, ast.Name) and node.id in ("signed_get", "signed_post") for node in ast.walk(function))
    }


def test_the_calls_it_makes_are_those_on_file(house: House, fox: Fox) -> None:
    watch = Watch(house.hub)
    asked: dict[str, tuple[Any, ...]] = {
        "get_access_count": (), "get_messages": (), "get_vars": (), "get_site": (), "get_logger": (), "get_device": (),
        "get_generation": (), "get_charge": (), "set_charge": (), "get_min": (), "set_min": (10, 10),
        "get_remote_settings": ("MaxSoc",), "set_named_settings": ("MaxSoc", 100), "set_work_mode": ("SelfUse",),
        "get_flag": (), "get_schedule": (), "set_schedule": ([fox.set_period(**NIGHT)],), "get_real": (),
        "get_history": ("hour", f"{h.TODAY} 12:00"), "get_report": ("day", h.YESTERDAY),
    }  # fmt: skip
    assert asking(fox) == asked.keys(), "the client has calls that are not tried here"
    fox.var_list = fox.messages = fox.device = None
    for name, arguments in asked.items():
        assert getattr(fox, name)(*arguments), name
    watch.is_on_file("foxesscloud")
    assert np.isfinite(fox.get_battery()["soc"])
