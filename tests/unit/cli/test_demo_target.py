"""What makes the demonstration's devices obey, apart from the devices themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from heliograph.cli import demo_story
from heliograph.cli.demo_fleet import CREDENTIALS, plants
from heliograph.cli.demo_target import connect, newer, packages
from heliograph.clock import FixedClock
from heliograph.errors import StoreError
from heliograph.hub import LocalHub
from heliograph.model import settings
from heliograph.model.access import Caller
from heliograph.model.commands import SWITCH, CommandState
from heliograph.model.firmware import version_key
from heliograph.simulate.target import Rates
from heliograph.store.base import Rows
from tests import test_control
from tests.test_commands import BEGIN, CONFIG

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("V500R001C00SPC135", "V500R001C00SPC136"),
        ("1.012", "1.013"),
        ("1.99", "1.100"),
        ("2.1.29D", "2.1.30D"),
        ("", "1.0"),
        ("beta", "1.0"),
    ],
)
def test_a_newer_version_has_its_last_number_one_higher(before: str, after: str) -> None:
    assert newer(before) == after
    assert before == "beta" or version_key(after) > version_key(before)


def test_there_is_one_package_for_each_model_of_inverter() -> None:
    found = list(packages(1))
    models = {device.model for owned in plants(1).values() for plant in owned for device in plant.inverters}
    assert {model for model, _ in found} == models
    assert len(found) == len(models)


def test_whoever_may_write_through_huawei_or_native_may_command() -> None:
    for scopes in CREDENTIALS.values():
        assert "control" in scopes["huawei"]
        assert "control" in scopes["native"]


async def test_what_was_heard_counts_also_when_the_store_could_not_keep_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = LocalHub(tmp_path, CONFIG, clock=FixedClock(BEGIN))
    story = demo_story.begin(hub, seed=1, since_ms=BEGIN)
    connect(hub, story, Rates(refuse=0.0, late=0.0, mute=0.0))
    save = demo_story._save
    failed: list[int] = []

    def failing(rows: Rows, kept: demo_story.Story) -> None:
        if not failed:
            failed.append(kept.at_ms)
            raise StoreError("the disk is full")
        save(rows, kept)

    monkeypatch.setattr(demo_story, "_save", failing)
    home = story.settled["shanghai"]
    caller = Caller(home.account_id, 0, scopes=frozenset({"control"}))
    await hub.start()
    command = await hub.commands.submit(caller, home.device_ids["inverter-1"], SWITCH, {"on": False})
    done = await hub.commands.wait(command, 5.0)
    await demo_story.advance_to(hub, story, BEGIN + 600_000)
    await hub.stop()
    assert (done.state, failed) == (CommandState.CONFIRMED, [BEGIN])
    assert story.states["shanghai"].off == ("inverter-1",)


async def test_what_was_set_outlives_the_memory_of_what_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_story, "TOLD", 1)
    begin = test_control.BEGIN
    async with test_control.home(tmp_path) as own:
        await own.write(MIN_SOC=20.0, CLOCK="2024-06-19 02:00:00")
        await own.write("sensor", METER_MODE="ExportLimit")
        await own.advance(begin + 600_000)
        await own.write(MAX_SOC=90.0)
        assert [told.device for told in own.story.told.values()] == ["sensor", "hybrid"]
        read = await own.settings()
        assert (read[settings.MIN_SOC], read[settings.MAX_SOC]) == (20.0, 90.0)
        assert read[settings.CLOCK] == "2024-06-19 02:10:00"
        assert (await own.settings("sensor"))[settings.METER_MODE] == "ExportLimit"


def test_a_story_that_was_kept_before_there_were_settings_goes_on(tmp_path: Path) -> None:
    hub = LocalHub(tmp_path, CONFIG, clock=FixedClock(BEGIN))
    story = demo_story.begin(hub, seed=1, since_ms=BEGIN)
    ((kept,),) = hub.database.query("SELECT value FROM meta WHERE key = 'demo'")
    older = msgspec.json.decode(kept)
    for state in older["states"].values():
        del state["settings"]
    value = msgspec.json.encode(older).decode()
    hub.database.write_now(lambda rows: rows.execute("UPDATE meta SET value = ? WHERE key = 'demo'", (value,)))
    loaded = demo_story.load(hub)
    assert loaded is not None
    assert loaded.states == story.states
    assert loaded.writes("london") == []
    hub.database.close()
