"""The mirror law: what a dialect serves, its client half can call, and both agree on every type and every code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config, ServeConfig
from heliograph.dialects import energy_expert, foxess, huawei, redex
from heliograph.dialects.energy_expert.session import EnergyExpertSession
from heliograph.dialects.energy_expert.wire import DeviceRecord, PushRequest
from heliograph.dialects.foxess import control_wire as fox_control
from heliograph.dialects.foxess import operations as fox
from heliograph.dialects.foxess import wire as fox_wire
from heliograph.dialects.foxess.session import FoxessSession
from heliograph.dialects.huawei import operations as hw
from heliograph.dialects.huawei import wire as hw_wire
from heliograph.dialects.huawei.auth import SESSION_MS
from heliograph.dialects.huawei.session import HuaweiSession
from heliograph.dialects.redex import operations as rx
from heliograph.dialects.redex import wire as rx_wire
from heliograph.dialects.redex.session import RedexSession
from heliograph.errors import HubError
from heliograph.hub import LocalHub
from heliograph.model.access import Secret, Token
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.protocol.calling import Client, Policy, Session, connect
from heliograph.protocol.codes import VendorError
from heliograph.protocol.dialect import Dialect
from tests import live
from tests.unit.store.world import at, block

if TYPE_CHECKING:
    from pathlib import Path

    from heliograph.protocol.operations import Operation

NOW = at("2026-06-21T10:00:00")
BASE = "http://hub.test"
SECRET = "5d1f-mirror".replace("-", "")


class House:
    """A hub with a hybrid inverter, its battery, its meter and what they sent this morning."""

    def __init__(self, path: Path) -> None:
        self.clock = FixedClock(NOW)
        config = Config(serve=ServeConfig(limits="off"), dialects={"redex": {"later": True}})
        self.hub = LocalHub(path, config, clock=self.clock, wall=self.clock)
        setup = live.Setup(self.hub)
        account = setup.account()
        plant = setup.plant(account, "House", "Europe/Berlin", capacity_w=9e3, tariff=(0.3,))
        self.inverter = setup.device(
            plant, DeviceKind.HYBRID_INVERTER, "Inverter", serial="HY1", model="H1", firmware="1.0", capacity_w=9e3
        )
        setup.device(plant, DeviceKind.BATTERY, "Battery", serial="BA1", attributes={"capacity_wh": "9000"})
        self.meter = setup.device(
            plant, DeviceKind.METER, "Meter", serial="ME1", role=MeterRole.PRODUCTION, pushed=("1", "meter-1")
        )
        setup.device(plant, DeviceKind.POWER_SENSOR, "Grid", serial="GR1")
        setup.device(plant, DeviceKind.GATEWAY, "Logger", serial="LO1")
        setup.device(plant, DeviceKind.INVERTER, "Spare", serial="SP1")
        setup.firmware("H1", "1.1")
        for dialect in ("huawei", "redex", "foxess", "energy_expert"):
            setup.credential(account, dialect, "mirror", SECRET)
        self.hub.commands.connect(live.Obedient())
        self.caller = self.hub.registry.credentials["huawei", "mirror"].caller()

    async def fill(self) -> None:
        """A morning of readings."""
        readings: dict[int, dict[str, float | str]] = {
            NOW - step * 300_000: {"ac.power": 900.0, "ac.energy": 5e6 - step * 75.0, "battery.power": -100.0}
            for step in range(24)
        }
        await self.hub.ingest(self.caller, [block(self.inverter.id, readings)], source="test")

    @asynccontextmanager
    async def client(self, dialect: Dialect, session: Session) -> AsyncIterator[Client]:
        """A client of one dialect, without a network between."""
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=make_app(self.hub)))
        async with connect(
            BASE, dialect.envelope, session, wall=self.clock, policy=Policy(tries=1), paced=False, http=http
        ) as opened:
            yield opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The house with its hub at work."""
    made = House(tmp_path)
    await made.hub.start()
    await made.fill()
    yield made
    await made.hub.stop()


async def huawei_asks(house: House, calls: Client) -> dict[str, msgspec.Struct]:
    """A request for each call of Huawei."""
    [plant] = (await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())).data
    devices = (await calls.call(hw.LIST_DEVICES, hw_wire.PlantQuery(plants=plant.code))).data
    [number] = [device.id for device in devices if device.serial == "HY1"]
    plants = hw_wire.PlantQuery(plants=plant.code, at_ms=NOW)
    device = hw_wire.DeviceQuery(devices=number, type_id=38, at_ms=NOW)
    asks: dict[str, msgspec.Struct] = {
        operation.name: plants if operation.request is hw_wire.PlantQuery else device for operation in hw.OPERATIONS
    }
    return asks | {
        hw.LOGIN.name: hw_wire.LoginQuery("mirror", SECRET),
        hw.LOGOUT.name: hw_wire.LogoutQuery(),
        hw.LIST_PLANTS.name: hw_wire.NoQuery(),
        hw.PAGE_PLANTS.name: hw_wire.PageQuery(1, 10),
        hw.LIST_ALARMS.name: hw_wire.AlarmQuery(
            plants=plant.code, begin_ms=NOW - 86_400_000, end_ms=NOW, language="en_UK"
        ),
        hw.FIND_REGISTERED.name: hw_wire.SerialQuery("HY1", "ann@sun.example", "k"),
        hw.SWITCH_DEVICES.name: hw_wire.SwitchQuery(number, 38, 2),
    }


async def redex_asks(house: House, calls: Client) -> dict[str, msgspec.Struct]:
    """A request for each call of REDEX."""
    key = rx_wire.TokenQuery("api_key", *redex_keys("ApiKey", "ClientId", "ClientSecret"))
    tokens = await calls.call(rx.CONNECT, key)
    record = rx_wire.Record("2023-05-01", "0.123", "5.123")
    devices = rx_wire.BatchQuery([rx_wire.DeviceData("ME1", [record])])
    sent = await calls.call(rx.SEND_BATCHES, devices)
    months = rx_wire.Year(2023, {"Jan": "3.5"})
    return {
        rx.CONNECT.name: key,
        rx.REFRESH.name: rx_wire.RefreshQuery(
            "refresh_token", tokens.refresh_token, *redex_keys("ClientId", "ClientSecret")
        ),
        rx.SEND.name: rx_wire.GenerationQuery([record], "Daily", "ME1"),
        rx.SEND_PLURAL.name: rx_wire.PluralQuery(devices=devices.devices),
        rx.SEND_BATCHES.name: devices,
        rx.SEND_MONTHLY.name: rx_wire.MonthlyQuery("ME1", months),
        rx.STATUS.name: rx_wire.StatusQuery(sent.process_id),
    }


def redex_keys(*names: str) -> list[str]:
    """What a REDEX client is given, by the vendor's names."""
    shown = redex.DIALECT.present("mirror", Secret(SECRET))
    return [shown[name] for name in names]


async def push_asks(house: House, calls: Client) -> dict[str, msgspec.Struct]:
    """A request for the call of Energy Expert."""
    return {"PushDeviceData": PushRequest("1", [DeviceRecord("2026-06-21 11:55:00", {"P": 1.5}, "meter-1")])}


async def fox_asks(house: House, calls: Client) -> dict[str, msgspec.Struct]:
    """A request for each call of Fox ESS; a plant is made and taken away again on the way."""
    [plant] = (await calls.call(fox.LIST_PLANTS, fox_wire.PageQuery(1, 10))).result.rows
    window = {"enable": 1, "startHour": 1, "startMinute": 0, "endHour": 2, "endMinute": 0}
    segment = {**window, "workMode": "ForceCharge", "minSocOnGrid": 10, "fdSoc": 90, "fdPwr": 3000, "maxSoc": 100}
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
        fox_control.MeterBody: fox_control.MeterBody("GR1", "Normal"),
    }
    asks = {operation.name: by_request.get(operation.request, fox_wire.NoQuery()) for operation in fox.OPERATIONS}
    return asks | {
        fox.PLANT_DETAIL.name: fox_wire.PlantQuery(id=plant.id),
        fox.DELETE_PLANT.name: fox_wire.PlantQuery(same=made),
        fox.CREATE_PLANT.name: shed,
        fox.UPDATE_PLANT.name: msgspec.structs.replace(shed, details={**details, "stationID": made}),
        fox.GET_METER.name: fox_wire.SerialQuery("GR1"),
        fox.ERROR_TEXTS.name: fox_wire.NoQuery(),
    }


def fox_session() -> Session:
    """A session with the private token of the credential."""
    return FoxessSession(Secret(foxess.DIALECT.present("mirror", Secret(SECRET))["token"]))


def operations_of(dialect: Dialect, house: House) -> list[Operation[Any, Any]]:
    """Every operation that the dialect serves, once a path; pages for people are none.

    Those that take a plant away come last, and what a schedule forbids while it is on comes before it.
    """
    found = [handler.operation for handler in dialect.serve(house.hub).handlers]
    late = (fox.ENABLE_SEGMENTS, fox.ENABLE_SEGMENTS_V1, fox.DELETE_PLANT)
    return sorted((one for one in found if one not in fox.OAUTH), key=lambda one: one in late)


def redex_session() -> Session:
    """A session with the keys of the credential."""
    client_id, client_secret, api_key = redex_keys("ClientId", "ClientSecret", "ApiKey")
    return RedexSession(client_id, Secret(client_secret), Secret(api_key))


Asks = Callable[[House, Client], Awaitable[dict[str, msgspec.Struct]]]
MIRRORS: dict[str, tuple[Dialect, Callable[[], Session], Asks]] = {
    "huawei": (huawei.DIALECT, lambda: HuaweiSession("mirror", Secret(SECRET)), huawei_asks),
    "foxess": (foxess.DIALECT, fox_session, fox_asks),
    "redex": (redex.DIALECT, redex_session, redex_asks),
    "energy_expert": (
        energy_expert.DIALECT, lambda: EnergyExpertSession("mirror", Secret(SECRET)), push_asks
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MIRRORS)
async def test_every_operation_that_is_served_can_be_called(house: House, name: str) -> None:
    dialect, session, asks = MIRRORS[name]
    async with house.client(dialect, session()) as calls:
        requests = await asks(house, calls)
        for operation in operations_of(dialect, house):
            found = await calls.call(operation, requests[operation.name])
            assert isinstance(found, operation.result), operation.name


@pytest.mark.parametrize("name", MIRRORS)
async def test_what_the_other_side_refuses_is_an_error_of_the_tree(house: House, name: str) -> None:
    dialect, session, _ = MIRRORS[name]
    async with house.client(dialect, session()) as calls:
        for operation in operations_of(dialect, house):
            if operation.request in CONTENT:
                continue
            empty = msgspec.structs.replace(operation, request=dict)
            with pytest.raises(HubError) as caught:
                await calls.call(empty, Hollow())
            assert str(caught.value), operation.name


CONTENT = (hw_wire.NoQuery, hw_wire.PageQuery, fox_wire.NoQuery, fox_wire.RealQuery, fox_wire.PageQuery)
"""Requests that may be empty."""


class Hollow(msgspec.Struct):
    """A request that says nothing."""


async def test_a_session_that_the_other_side_ended_is_opened_again(house: House) -> None:
    session = HuaweiSession("mirror", Secret(SECRET))
    async with house.client(huawei.DIALECT, session) as calls:
        await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
        house.clock.at_ms += SESSION_MS
        assert (await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())).data


async def test_a_wrong_password_is_told_once_and_not_tried_again(house: House) -> None:
    async with house.client(huawei.DIALECT, HuaweiSession("mirror", Secret("wrong"))) as calls:
        with pytest.raises(VendorError) as caught:
            await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
    assert caught.value.code.value == 20400


async def test_tokens_are_renewed_before_they_end_and_after_they_were_forgotten(house: House) -> None:
    request = rx_wire.GenerationQuery([rx_wire.Record("2023-05-01", "0.1")], "Daily", "ME1")
    async with house.client(redex.DIALECT, redex_session()) as calls:
        await calls.call(rx.SEND, request)
        house.clock.at_ms += 3_590_000
        await calls.call(rx.SEND, request)
        credential = house.hub.registry.credentials["redex", "mirror"]
        await house.hub.tokens.drop("redex", credential.id)
        await calls.call(rx.SEND, request)


@pytest.mark.parametrize("private", [True, False])
async def test_fox_is_signed_with_a_private_token_or_with_an_access_token(house: House, *, private: bool) -> None:
    credential = house.hub.registry.credentials["foxess", "mirror"]
    text = foxess.DIALECT.present("mirror", credential.secret)["token"] if private else "an-access-token"
    if not private:
        token = Token(
            dialect="foxess", kind="access", digest=Token.digest_of(text), credential_id=credential.id,
            credential="mirror", expires_at_ms=NOW + 1000,
        )  # fmt: skip
        await house.hub.tokens.keep(token)
    session = FoxessSession(Secret(text)) if private else FoxessSession(access=Secret(text))
    async with house.client(foxess.DIALECT, session) as calls:
        page = (await calls.call(fox.LIST_DEVICES, fox_wire.PageQuery(1, 10))).result
        assert [row.serial for row in page.rows] == ["HY1", "SP1"]
    with pytest.raises(ValueError, match="either"):
        FoxessSession()
