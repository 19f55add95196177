"""The newer calls over a hub that runs: alarms, commands and the ledger as they are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heliograph.errors import RefusedError, UnsupportedError
from heliograph.hub import LocalHub
from heliograph.ledger.proof import prove
from heliograph.model.access import Credential, Secret
from heliograph.model.commands import Outcome
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Account, Plant
from heliograph.model.settings import Setting
from tests import live as houses
from tests.dialects.native.api import Api

if TYPE_CHECKING:
    from heliograph.model.commands import Command

AT = "2026-06-20T10:05:00.000Z"


class Switchgear:
    """Carries commands to inverters; one that is to be off says no."""

    def reaches(self, device: Device) -> bool:
        """Whether it can."""
        return device.kind is DeviceKind.INVERTER

    async def settings(self, device: Device) -> dict[str, Setting]:
        """It has none."""
        raise UnsupportedError("a switchgear has no settings")

    async def send(self, device: Device, command: Command) -> Outcome:
        """Carry out a command, or not."""
        if command.arguments["on"] is False:
            raise RefusedError("no", code="E17")
        return Outcome()

    async def read_back(self, device: Device, command: Command) -> Outcome | None:
        """Never needed."""
        raise NotImplementedError


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[LocalHub]:
    """A hub with a plant, an inverter 1 and a meter 2, and a credential that may do everything."""
    hub = LocalHub(tmp_path)
    registry = hub.registry
    account = hub.database.write_now(lambda rows: registry.put_account(rows, Account(id=0, name="tests")))
    plant = Plant(id=0, account_id=account.id, name="Lakeside", zone="Europe/Berlin")
    plant = hub.database.write_now(lambda rows: registry.put_plant(rows, plant))
    for kind in (DeviceKind.INVERTER, DeviceKind.METER):
        device = Device(id=0, plant_id=plant.id, kind=kind, name=kind.value, model="HG-15", firmware="V1")
        hub.database.write_now(lambda rows, device=device: registry.put_device(rows, device))  # type: ignore[misc]
    credential = Credential(
        id=0, account_id=account.id, dialect="native", name="all", secret=Secret("secret-of-all"),
        scopes=("read", "write", "control", "admin"),
    )  # fmt: skip
    hub.database.write_now(lambda rows: registry.put_credential(rows, credential))
    await hub.start()
    hub.commands.connect(Switchgear())
    yield hub
    await hub.stop()


@pytest.fixture
def live(running: LocalHub) -> Api:
    """Calls of a hub that runs."""
    return Api(running)


def audited(hub: LocalHub, action: str) -> list[str]:
    rows = hub.database.query("SELECT detail FROM audit WHERE action = ? ORDER BY id", (action,))
    return [detail for (detail,) in rows]


async def test_the_life_of_an_alarm_is_kept_and_audited(running: LocalHub, live: Api) -> None:
    await live.post("/devices/1/alarms", {"code": "2032", "raised_at": AT, "type": "protection", "cause_id": 2})
    query = "since=2026-06-01&until=2026-07-01&code=2032"
    [alarm] = (await live.get("/alarms", query)).json["alarms"]
    assert (alarm["id"], alarm["status"], alarm["type"], alarm["cause_id"]) == (f"2032@{AT}", "active", "protection", 2)
    path = f"/devices/1/alarms/{alarm['id']}"
    assert (await live.put(path, {"status": "acknowledged", "note": "on my way"})).json["status"] == "acknowledged"
    assert (await live.put(path, {"status": "acknowledged"})).status == 409
    await live.post("/devices/1/alarms", {"code": "2032", "raised_at": AT, "cleared_at": "2026-06-20T11:00:00Z"})
    [alarm] = (await live.get("/alarms", f"{query}&status=cleared")).json["alarms"]
    assert alarm["cleared_at"] == "2026-06-20T11:00:00.000Z"
    assert (await live.put(path, {"status": "cleared"})).status == 409
    assert (await live.put("/devices/1/alarms/2033@1", {"status": "cleared"})).status == 404
    assert audited(running, "alarm.acknowledged") == [f"alarm 2032 of device 1 from {AT}: on my way"]


async def test_a_command_goes_to_the_device_and_its_end_is_told(live: Api) -> None:
    switch = {"name": "device.switch", "arguments": {"on": True}, "wait_s": 10}
    done = await live.post("/devices/1/commands", switch, idempotency_key="k")
    assert (done.status, done.json["state"], done.json["progress"]) == (201, "confirmed", 100.0)
    assert (await live.post("/devices/1/commands", switch, idempotency_key="k")).json == done.json
    refused = (await live.post("/devices/1/commands", {**switch, "arguments": {"on": False}})).json
    assert (refused["state"], refused["code"], refused["settled"]) == ("refused", "E17", True)
    listed = (await live.get("/devices/1/commands")).json["commands"]
    assert listed == [refused, done.json]
    assert (await live.post(f"/commands/{refused['id']}/cancel", b"")).status == 409
    assert (await live.get("/commands/99")).status == 404
    assert (await live.post("/devices/2/commands", switch)).status == 422
    assert (await live.post("/devices/1/commands", {"name": "firmware.upgrade"})).status == 404


async def test_settings_are_read_from_the_device_and_written_to_it(running: LocalHub, live: Api) -> None:
    running.commands.connect(houses.Obedient())
    made = await live.post("/devices", {"plant": 1, "kind": "hybrid_inverter", "name": "Hybrid"})
    path = f"/devices/{made.json['id']}"
    held = {one["key"]: one for one in (await live.get(f"{path}/settings")).json["settings"]}
    soc = held["battery.min_soc"]
    assert (soc["unit"], soc["minimum"], soc["maximum"], soc["fixed"]) == ("%", 10.0, 100.0, False)
    assert "self_use" in held["inverter.work_mode"]["choices"]

    write = {"name": "settings.write", "arguments": {"battery.min_soc": 35, "grid.export_limit": 1500}, "wait_s": 10}
    written = (await live.post(f"{path}/commands", write)).json
    assert (written["state"], written["arguments"]) == ("confirmed", write["arguments"])
    after = {one["key"]: one["value"] for one in (await live.get(f"{path}/settings")).json["settings"]}
    assert (after["battery.min_soc"], after["grid.export_limit"]) == (35, 1500)

    for key, value in (("battery.min_soc", 101), ("battery.min_soc", "full"), ("battery.colour", 1)):
        wrong = await live.post(f"{path}/commands", {**write, "arguments": {"grid.export_limit": 0, key: value}})
        assert (wrong.status, wrong.json["field"]) == (400, key)
    assert len((await live.get(f"{path}/commands")).json["commands"]) == 1
    assert (await live.get("/devices/1/settings")).status == 422


async def test_what_is_stated_is_sealed_and_the_seals_can_be_proved(running: LocalHub, live: Api) -> None:
    body = b'[{"on": "2026-05-31", "period_kwh": 12.10}, {"on": "2026-05", "period_kwh": "300"}]'
    for device in (1, 2):
        kept = (await live.post(f"/devices/{device}/declared", body)).json
        assert kept == {"statement": device, "new": 2, "unchanged": 0, "corrected": 0}
    again = (await live.post("/devices/2/declared", body)).json
    assert again == {"statement": 2, "new": 0, "unchanged": 2, "corrected": 0}
    corrected = {"on": "2026-05-31", "period_kwh": "12.2", "accumulated_kwh": "99"}
    assert (await live.post("/devices/1/declared", corrected)).json["corrected"] == 1
    told = (await live.get("/devices/1/declared", "since=2026-05-01&until=2026-06-01")).json["declared"]
    assert told == [{"on": "2026-05", "period_kwh": "300", "accumulated_kwh": None}, corrected]
    wrong = await live.post(
        "/devices/1/declared", [{"on": "2026-05-31", "period_kwh": "-1"}, {"on": "x", "period_kwh": 1}]
    )
    assert [(one["place"], one["field"]) for one in wrong.json["records"]] == [(0, "period_kwh"), (1, "on")]
    with running.database.snapshot() as rows:
        proof = prove(rows)
    assert (proof.findings, proof.devices, proof.entries) == ((), 2, 5)


async def test_a_stated_day_without_samples_is_the_production_of_its_plant(live: Api) -> None:
    await live.post("/devices/1/declared", {"on": "2026-05-31", "period_kwh": "12.5"})
    for path in ("/devices/1/energy", "/plants/1/energy"):
        [bucket] = (await live.get(path, "since=2026-05-31&until=2026-06-01")).json["buckets"]
        assert (bucket["production"], bucket["declared"], bucket["source"]) == (12_500.0, 12_500.0, "reported")
