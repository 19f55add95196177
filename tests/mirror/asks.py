"""A request for every call of every dialect, and who makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from heliograph.dialects import apsystems, energy_expert, foxess, huawei, redex
from heliograph.dialects.apsystems import operations as ap
from heliograph.dialects.apsystems import wire as ap_wire
from heliograph.dialects.apsystems.session import ApsystemsSession
from heliograph.dialects.energy_expert import operations as ee
from heliograph.dialects.energy_expert.session import EnergyExpertSession
from heliograph.dialects.energy_expert.wire import DeviceRecord, PushRequest
from heliograph.dialects.foxess import control_wire as fox_control
from heliograph.dialects.foxess import later_wire as fox_later
from heliograph.dialects.foxess import operations as fox
from heliograph.dialects.foxess import wire as fox_wire
from heliograph.dialects.foxess.session import FoxessSession
from heliograph.dialects.huawei import operations as hw
from heliograph.dialects.huawei import wire as hw_wire
from heliograph.dialects.huawei.session import HuaweiSession
from heliograph.dialects.redex import operations as rx
from heliograph.dialects.redex import wire as rx_wire
from heliograph.dialects.redex.session import RedexSession
from heliograph.model.access import Secret
from tests.mirror.house import ECU, MICRO, NAME, NOW, SECRET, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heliograph.protocol.calling import Client, Session
    from heliograph.protocol.dialect import Dialect
    from heliograph.protocol.operations import Operation

Asks = dict[str, list[msgspec.Struct]]
"""Requests by the name of their operation."""


def single(asks: dict[str, msgspec.Struct]) -> Asks:
    """One request for each call."""
    return {name: [request] for name, request in asks.items()}


async def huawei_asks(house: House, calls: Client) -> Asks:
    """A request for each call of Huawei."""
    [plant] = (await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())).data
    devices = (await calls.call(hw.LIST_DEVICES, hw_wire.PlantQuery(plants=plant.code))).data
    [number] = [device.id for device in devices if device.serial == "HY1"]
    plants = hw_wire.PlantQuery(plants=plant.code, at_ms=NOW)
    device = hw_wire.DeviceQuery(devices=number, type_id=38, at_ms=NOW)
    asks: dict[str, msgspec.Struct] = {
        operation.name: plants if operation.request is hw_wire.PlantQuery else device for operation in hw.OPERATIONS
    }
    return single(
        asks
        | {
            hw.LOGIN.name: hw_wire.LoginQuery(NAME, SECRET),
            hw.LOGOUT.name: hw_wire.LogoutQuery(),
            hw.LIST_PLANTS.name: hw_wire.NoQuery(),
            hw.PAGE_PLANTS.name: hw_wire.PageQuery(1, 10),
            hw.LIST_ALARMS.name: hw_wire.AlarmQuery(
                plants=plant.code, begin_ms=NOW - 86_400_000, end_ms=NOW, language="en_UK"
            ),
            hw.FIND_REGISTERED.name: hw_wire.SerialQuery("HY1", "ann@sun.example", "k"),
            hw.SWITCH_DEVICES.name: hw_wire.SwitchQuery(number, 38, 2),
        }
    )


async def redex_asks(house: House, calls: Client) -> Asks:
    """A request for each call of REDEX."""
    key = rx_wire.TokenQuery("api_key", *redex_keys("ApiKey", "ClientId", "ClientSecret"))
    tokens = await calls.call(rx.CONNECT, key)
    record = rx_wire.Record("2023-05-01", "0.123", "5.123")
    devices = rx_wire.BatchQuery([rx_wire.DeviceData("ME1", [record])])
    sent = await calls.call(rx.SEND_BATCHES, devices)
    refresh = rx_wire.RefreshQuery("refresh_token", tokens.refresh_token, *redex_keys("ClientId", "ClientSecret"))
    return single(
        {
            rx.CONNECT.name: key,
            rx.REFRESH.name: refresh,
            rx.SEND.name: rx_wire.GenerationQuery([record], "Daily", "ME1"),
            rx.SEND_PLURAL.name: rx_wire.PluralQuery(devices=devices.devices),
            rx.SEND_BATCHES.name: devices,
            rx.SEND_MONTHLY.name: rx_wire.MonthlyQuery("ME1", rx_wire.Year(2023, {"Jan": "3.5"})),
            rx.STATUS.name: rx_wire.StatusQuery(sent.process_id),
        }
    )


def redex_keys(*names: str) -> list[str]:
    """What a REDEX client is given, by the vendor's names."""
    shown = redex.DIALECT.present(NAME, Secret(SECRET))
    return [shown[name] for name in names]


async def push_asks(house: House, calls: Client) -> Asks:
    """A request for the call of Energy Expert."""
    return {ee.PUSH.name: [PushRequest("1", [DeviceRecord("2026-06-21 11:55:00", {"P": 1.5}, "meter-1")])]}


async def fox_asks(house: House, calls: Client) -> Asks:
    """A request for each call of Fox ESS; a plant is made and taken away again on the way."""
    [plant] = (await calls.call(fox.LIST_PLANTS, fox_wire.PageQuery(1, 10))).result.rows
    window = {"enable": 1, "startHour": 1, "startMinute": 0, "endHour": 2, "endMinute": 0}
    extra = {"minSocOnGrid": 10, "fdSoc": 90, "fdPwr": 3000, "maxSoc": 100}
    segment = {**window, "workMode": "ForceCharge", **extra}
    nested = {**window, "workMode": "ForceCharge", "extraParam": extra}
    details = {
        "name": "Shed", "type": 1, "countryCode": "DE", "city": "Berlin", "address": "Hof 1", "postcode": "10115",
        "price": 0.3, "currency": "EUR(€)", "systemCapacity": 5.0,
    }  # fmt: skip
    shed = fox_wire.PlantBody(devices=[{"sn": "SP1"}], details=details, timezone="Europe/Berlin")
    made = (await calls.call(fox.CREATE_PLANT, shed)).result.plant
    clock = {"year": 26, "month": 6, "day": 21, "hour": 12, "minute": 0, "second": 0}
    hour, later = {"hour": 3, "minute": 0}, {"hour": 4, "minute": 0}
    by_request: dict[type, msgspec.Struct] = {
        fox_wire.NoQuery: fox_wire.NoQuery(),
        fox_wire.PageQuery: fox_wire.PageQuery(1, 10),
        fox_wire.SerialQuery: fox_wire.SerialQuery("HY1"),
        fox_wire.RealQuery: fox_wire.RealQuery("HY1", variables=["SoC"]),
        fox_wire.RealsQuery: fox_wire.RealsQuery(["HY1"]),
        fox_wire.HistoryQuery: fox_wire.HistoryQuery("HY1", begin_ms=NOW - 3_600_000, end_ms=NOW),
        fox_wire.ReportQuery: fox_wire.ReportQuery("HY1", 2026, 6, 21, "day", ["generation"]),
        fox_control.SocBody: fox_control.SocBody("HY1", 15, 20),
        fox_control.ChargeTimesBody: fox_control.ChargeTimesBody("HY1", True, False, hour, later, hour, later),
        fox_control.SettingQuery: fox_control.SettingQuery("HY1", "ExportLimit"),
        fox_control.SettingBody: fox_control.SettingBody("HY1", "ExportLimit", "4000"),
        fox_control.ClockBody: fox_control.ClockBody("HY1", **clock),
        fox_control.PeakShavingBody: fox_control.PeakShavingBody("HY1", 3000, 40),
        fox_control.FlagBody: fox_control.FlagBody("HY1", 0),
        fox_control.SegmentsBody: fox_control.SegmentsBody("HY1", [segment]),
        fox_later.LaterSegmentsBody: fox_later.LaterSegmentsBody("HY1", [nested], 1),
        fox_control.MeterBody: fox_control.MeterBody("GR1", "Normal"),
    }
    asks = {operation.name: by_request.get(operation.request, fox_wire.NoQuery()) for operation in fox.OPERATIONS}
    return single(
        asks
        | {
            fox.PLANT_DETAIL.name: fox_wire.PlantQuery(id=plant.id),
            fox.DELETE_PLANT.name: fox_wire.PlantQuery(same=made),
            fox.CREATE_PLANT.name: shed,
            fox.UPDATE_PLANT.name: msgspec.structs.replace(shed, details={**details, "stationID": made}),
            fox.GET_METER.name: fox_wire.SerialQuery("GR1"),
            fox.ERROR_TEXTS.name: fox_wire.NoQuery(),
        }
    )


SPANS = {"hourly": "2026-06-21", "daily": "2026-06", "monthly": "2026", "yearly": None}
"""The range of each level of APsystems that every list has."""
DAYS = {"minutely": "2026-06-21", **SPANS}
BATCHES = {"energy": "2026-06-21", "power": "2026-06-21"}


async def apsystems_asks(house: House, calls: Client) -> Asks:
    """Requests for each call of APsystems, one for each level. Everything is named as the lists name it."""
    number = ap_wire.SystemQuery(str(house.roof.id))
    system = ap_wire.SystemQuery((await calls.call(ap.SYSTEM_DETAILS, number)).data.system)
    [ecu] = (await calls.call(ap.SYSTEM_INVERTERS, system)).data
    [metered] = (await calls.call(ap.SYSTEM_METERS, system)).data
    [micro] = ecu.inverters
    assert (ecu.ecu, metered, micro.inverter) == (ECU, ECU, MICRO)
    sid, uid = system.system, micro.inverter
    summaries: dict[Operation[Any, Any], msgspec.Struct] = {
        ap.SYSTEM_DETAILS: number, ap.SYSTEM_INVERTERS: system, ap.SYSTEM_METERS: system, ap.SYSTEM_SUMMARY: system,
        ap.ECU_SUMMARY: ap_wire.EcuQuery(sid, ECU), ap.METER_SUMMARY: ap_wire.EcuQuery(sid, metered),
        ap.INVERTER_SUMMARY: ap_wire.InverterQuery(sid, uid),
    }  # fmt: skip
    return single({operation.name: request for operation, request in summaries.items()}) | {
        ap.SYSTEM_ENERGY.name: [ap_wire.SystemPeriodQuery(sid, *span) for span in SPANS.items()],
        ap.ECU_ENERGY.name: [ap_wire.EcuPeriodQuery(sid, ECU, *span) for span in DAYS.items()],
        ap.METER_PERIOD.name: [ap_wire.EcuPeriodQuery(sid, metered, *span) for span in DAYS.items()],
        ap.INVERTER_ENERGY.name: [ap_wire.InverterPeriodQuery(sid, uid, *span) for span in DAYS.items()],
        ap.INVERTER_BATCH.name: [ap_wire.EcuPeriodQuery(sid, ECU, *span) for span in BATCHES.items()],
    }


def fox_session() -> Session:
    """A session with the private token of the credential."""
    return FoxessSession(Secret(foxess.DIALECT.present(NAME, Secret(SECRET))["token"]))


def redex_session() -> Session:
    """A session with the keys of the credential."""
    client_id, client_secret, api_key = redex_keys("ClientId", "ClientSecret", "ApiKey")
    return RedexSession(client_id, Secret(client_secret), Secret(api_key))


class Mirror(NamedTuple):
    """A dialect, who calls it, and with what."""

    dialect: Dialect
    session: Callable[[], Session]
    asks: Callable[[House, Client], Awaitable[Asks]]


MIRRORS = {
    "huawei": Mirror(huawei.DIALECT, lambda: HuaweiSession(NAME, Secret(SECRET)), huawei_asks),
    "foxess": Mirror(foxess.DIALECT, fox_session, fox_asks),
    "apsystems": Mirror(apsystems.DIALECT, lambda: ApsystemsSession(NAME, Secret(SECRET)), apsystems_asks),
    "redex": Mirror(redex.DIALECT, redex_session, redex_asks),
    "energy_expert": Mirror(
        energy_expert.DIALECT, lambda: EnergyExpertSession(NAME, Secret(SECRET)), push_asks
    ),
}  # fmt: skip
