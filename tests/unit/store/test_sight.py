"""What callers see: their account's things as far as the credential opens them, and always as things are now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from heliograph.errors import UnknownDeviceError, UnknownPlantError
from heliograph.model.access import Caller
from heliograph.store.sight import Sights
from tests.unit.store.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub with nothing in it."""
    made = World(tmp_path)
    yield made
    made.close()


def test_a_caller_sees_the_plants_of_the_account_that_the_credential_opens(world: World) -> None:
    first, second = world.add_plant(), world.add_plant()
    ours, theirs = world.add_device(first), world.add_device(second)
    sights = world.hub.sights
    assert sights.plants(world.caller) == {first.id: first, second.id: second}
    narrow = msgspec.structs.replace(world.caller, plants=frozenset({first.id}))
    assert sights.devices(narrow) == {ours.id: ours}
    assert sights.device(narrow, ours.id) is ours
    assert sights.plant(narrow, first.id) is first
    with pytest.raises(UnknownDeviceError):
        sights.device(narrow, theirs.id)
    with pytest.raises(UnknownPlantError):
        sights.plant(narrow, second.id)
    stranger = Caller(world.add_account("others").id, 2)
    assert sights.of(stranger) == ({}, {})


def test_what_is_disabled_is_seen_by_administrators_alone(world: World) -> None:
    on, off = world.add_plant(), world.add_plant(disabled=True)
    device, inside = world.add_device(on, disabled=True), world.add_device(off)
    sights = world.hub.sights
    assert sights.devices(world.caller) == {}
    assert set(sights.plants(world.caller)) == {on.id}
    assert set(sights.devices(world.admin)) == {device.id, inside.id}
    assert set(sights.plants(world.admin)) == {on.id, off.id}
    assert sights.of(world.admin).devices == {}


def test_what_changes_is_seen_at_once(world: World) -> None:
    plant = world.add_plant()
    assert world.hub.sights.devices(world.caller) == {}
    device = world.add_device(plant)
    assert set(world.hub.sights.devices(world.caller)) == {device.id}
    assert world.hub.sights.of(world.caller) is world.hub.sights.of(world.caller)


def test_what_was_taken_back_is_not_seen_although_the_count_of_changes_is_the_same(world: World) -> None:
    plant = world.add_plant()
    registry, sights = world.hub.registry, Sights(world.hub.registry)
    writer = world.hub.database.writer
    writer.execute("BEGIN")
    lost = registry.put_plant(writer, msgspec.structs.replace(plant, id=0, name="lost"))
    assert lost.id in sights.plants(world.caller)
    writer.execute("ROLLBACK")
    registry.load()
    kept = world.add_plant(name="kept")
    assert [seen.name for seen in sights.plants(world.caller).values()] == ["a plant", kept.name]
