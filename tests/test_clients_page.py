"""The page docs/clients.md does what it says: each of its programs is run, and prints what stands below it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from heliograph import clients
from heliograph.config import load
from heliograph.dialects import foxess, redex
from heliograph.dialects.apsystems import SYSTEMS
from heliograph.hub import LocalHub
from heliograph.model.access import Application, Secret, Token
from heliograph.model.devices import DeviceKind, MeterRole
from tests import live
from tests.unit.store.world import block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heliograph.model.plants import Plant

PAGE = live.ROOT / "docs" / "clients.md"
TEXT = PAGE.read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
SECRET = "6tYwpagesecret38Kc"
REFRESH = "a-refresh-token-of-the-page"
SID = "AZ12649A3DFF"


def settle(setup: live.Setup) -> None:
    """A rooftop, a roof of micro-inverters and a field of 52 inverters, each of an account with credentials."""
    home, roofs, fields = (setup.account(name) for name in ("home", "roofs", "fields"))
    rooftop = setup.plant(home, "Rooftop", "Europe/Berlin", capacity_w=9e3)
    setup.device(rooftop, DeviceKind.HYBRID_INVERTER, "Inverter", serial="HY1", capacity_w=9e3)
    reported = setup.plant(fields, "Reported", "Europe/Berlin")
    setup.device(reported, DeviceKind.METER, "Meter", serial="ME1", role=MeterRole.PRODUCTION, pushed=("1", "meter-1"))
    roof = setup.plant(roofs, "Roof", "Europe/Berlin")
    setup.hub.database.write_now(lambda rows: setup.hub.registry.put_alias(rows, SYSTEMS, SID, roof.id))
    ecu = setup.device(roof, DeviceKind.GATEWAY, "ECU", serial="216000012345")
    setup.device(roof, DeviceKind.MICRO_INVERTER, "Micro", serial="806000054321", model="DS3", gateway_id=ecu.id)
    field: Plant = setup.plant(fields, "Field", "Europe/Berlin")
    for number in range(52):
        setup.device(field, DeviceKind.INVERTER, f"Inverter {number}", serial=f"FI{number}")
    application = Application(
        id=0, account_id=home.id, dialect="foxess", client_id="app", secret=Secret(SECRET), name="Page",
        redirect_uris=("https://app.example.com/back",), scopes=("read",),
    )  # fmt: skip
    setup.hub.database.write_now(lambda rows: setup.hub.registry.put_application(rows, application))
    for account, dialect, name in (
        (home, "huawei", "page"), (home, "foxess", "page"), (roofs, "apsystems", "page"), (fields, "redex", "page"),
        (fields, "energy_expert", "page"), (fields, "foxess", "field"),
    ):  # fmt: skip
        setup.credential(account, dialect, name, SECRET)


async def fill(data: Path) -> None:
    """What two inverters sent a minute ago, and a refresh token."""
    hub = LocalHub(data, load(data))
    await hub.start()
    now_ms = time.time_ns() // 1_000_000
    numbers = {device.serial: device.id for device in hub.registry.devices.values()}
    sent: dict[str, dict[str, float | str]] = {
        "HY1": {"ac.power": 3000.0, "battery.soc": 64.0}, "806000054321": {"ac.power": 400.0, "ac.energy": 2e6}
    }  # fmt: skip
    for serial, dialect in (("HY1", "foxess"), ("806000054321", "apsystems")):
        caller = hub.registry.credentials[dialect, "page"].caller()
        await hub.ingest(caller, [block(numbers[serial], {now_ms - 60_000: sent[serial]})], source="test")
    credential = hub.registry.credentials["foxess", "page"]
    await hub.tokens.keep(
        Token(
            dialect="foxess", kind="refresh", digest=Token.digest_of(REFRESH), credential_id=credential.id,
            credential="page", expires_at_ms=now_ms + 600_000, family="page", data={"client": "app"},
        )
    )  # fmt: skip
    await hub.stop()


def environment(url: str) -> dict[str, str]:
    """The credentials by the names of the page."""
    keys = redex.DIALECT.present("page", Secret(SECRET))
    own = {
        "HUAWEI_USER": "page", "HUAWEI_PASSWORD": SECRET,
        "FOXESS_TOKEN": foxess.DIALECT.present("page", Secret(SECRET))["token"],
        "FOXESS_CLIENT_ID": "app", "FOXESS_CLIENT_SECRET": SECRET, "FOXESS_REFRESH_TOKEN": REFRESH,
        "FOXESS_FIELD_TOKEN": foxess.DIALECT.present("field", Secret(SECRET))["token"],
        "APSYSTEMS_APP_ID": "page", "APSYSTEMS_APP_SECRET": SECRET, "APSYSTEMS_SID": SID,
        "REDEX_CLIENT_ID": keys["ClientId"], "REDEX_CLIENT_SECRET": keys["ClientSecret"],
        "REDEX_API_KEY": keys["ApiKey"], "ENERGY_EXPERT_KEY_ID": "page", "ENERGY_EXPERT_SECRET": SECRET,
    }  # fmt: skip
    clouds = ("HUAWEI", "FOXESS", "FOXESS_FIELD", "APSYSTEMS", "REDEX", "ENERGY_EXPERT")
    return {**os.environ, **own, **{f"{cloud}_URL": url for cloud in clouds}, "NO_PROXY": live.HOST, "LAST": "0"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A hub with the vendors' limits, and what its callers are told."""
    data = tmp_path_factory.mktemp("page") / "hub"
    with live.provisioning(data) as setup:
        settle(setup)
    asyncio.run(fill(data))
    with live.served(data) as hub:
        yield environment(hub.url)
        assert "Traceback" not in hub.log()


@pytest.fixture
def after_a_second(known: dict[str, str]) -> Iterator[None]:
    """Programs come a second apart: one that starts knows nothing of what another has just spent."""
    time.sleep(max(0.0, float(known["LAST"]) + 1.1 - time.monotonic()))
    yield
    known["LAST"] = str(time.monotonic())


@pytest.mark.usefixtures("after_a_second")
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_of_the_page_prints_what_the_page_says(known: dict[str, str], tmp_path: Path, number: int) -> None:
    program, printed = PROGRAMS[number]
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path, env=known, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == (printed, "", 0)


def test_every_cloud_has_a_program_and_every_program_is_run() -> None:
    assert TEXT.count("```python") == len(PROGRAMS)
    for name in ("Huawei", "FoxESS", "APsystems", "Redex", "EnergyExpert"):
        assert any(f"async with {name}(" in program for program, _ in PROGRAMS), name


def test_the_page_names_everything_that_there_is_to_import() -> None:
    for name in set(clients.__all__) - {"Cloud"}:
        assert f"`{name}" in TEXT, name
