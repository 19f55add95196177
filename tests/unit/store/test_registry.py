"""Everything that is named: on disk first, in memory as on disk, whatever fails midway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from heliograph.errors import ConfigError, ConflictError, NotFoundError, StoreFullError
from heliograph.model.access import Credential, Secret
from heliograph.model.devices import Device, DeviceKind, MeterRole
from heliograph.model.plants import Account, Plant
from heliograph.protocol.hub import AliasScheme
from heliograph.store.base import Rows
from heliograph.store.keyring import Keyring
from heliograph.store.registry import Registry
from heliograph.store.sqlite import Database
from tests.unit.store.world import QUIET

NUMBERS = AliasScheme("fox", "device", lambda number, attempt: f"{number}-{attempt}")


class Office:
    """A registry over a database of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path / "a.db", QUIET.store)
        self.registry = Registry(self.database, Keyring(path / "key"))
        self.database.after_rollback = self.registry.load

    def account(self, name: str = "ours", number: int = 0) -> Account:
        """Keep an account."""
        made = Account(id=number, name=name)
        return self.database.write_now(lambda rows: self.registry.put_account(rows, made))

    def plant(self, account: int = 1, number: int = 0, name: str = "p") -> Plant:
        """Keep a plant."""
        made = Plant(id=number, account_id=account, name=name, zone="UTC", tariff=(0.5,))
        return self.database.write_now(lambda rows: self.registry.put_plant(rows, made))

    def device(self, plant: int = 1, number: int = 0) -> Device:
        """Keep a device."""
        made = Device(
            id=number, plant_id=plant, kind=DeviceKind.METER, name="d", role=MeterRole.LOAD, attributes={"type": "47"}
        )
        return self.database.write_now(lambda rows: self.registry.put_device(rows, made))

    def credential(self, name: str = "user", number: int = 0, secret: str = "s3cret") -> Credential:
        """Keep a credential."""
        made = Credential(
            id=number, account_id=1, dialect="fox", name=name, secret=Secret(secret), plants=(1, 2), expires_at_ms=9
        )
        return self.database.write_now(lambda rows: self.registry.put_credential(rows, made))

    def alias(self, wire: str, number: int, scheme: AliasScheme = NUMBERS) -> None:
        """Remember a wire id."""
        self.database.write_now(lambda rows: self.registry.put_alias(rows, scheme, wire, number))

    def again(self) -> Registry:
        """What another process reads."""
        database = Database(self.path / "a.db", QUIET.store)
        registry = Registry(database, Keyring(self.path / "key"))
        database.close()
        return registry


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An empty registry."""
    made = Office(tmp_path)
    yield made
    made.database.close()


def same(one: Registry, other: Registry) -> bool:
    """Whether two registries hold the same."""
    return (one.accounts, one.plants, one.devices, one.credentials, one.plant_devices, one.revision) == (
        other.accounts, other.plants, other.devices, other.credentials, other.plant_devices, other.revision,
    )  # fmt: skip


def test_everything_is_there_again_after_reopening(office: Office) -> None:
    office.account()
    office.plant()
    office.device()
    kept = office.credential()
    office.alias("SN1", 1)
    again = office.again()
    assert same(again, office.registry)
    assert again.credentials[("fox", "user")].secret.reveal() == "s3cret"
    assert again.credentials[("fox", "user")] == kept
    assert again.by_wire(NUMBERS) == {"SN1": 1}
    assert again.by_id(NUMBERS) == {1: "SN1"}
    assert again.plant_devices == {1: [1]}


def test_new_entries_are_numbered_and_kept_ones_are_replaced(office: Office) -> None:
    first, second = office.plant(name="a"), office.plant(name="b")
    assert (first.id, second.id) == (1, 2)
    assert office.plant(number=1, name="c").name == "c"
    assert [plant.name for plant in office.registry.plants.values()] == ["c", "b"]
    assert same(office.again(), office.registry)


def test_what_does_not_exist_cannot_be_replaced(office: Office) -> None:
    with pytest.raises(NotFoundError):
        office.plant(number=7)
    with pytest.raises(NotFoundError):
        office.device(number=7)
    assert not office.registry.plants
    assert not office.registry.devices
    assert same(office.again(), office.registry)


def test_two_accounts_cannot_share_a_name(office: Office) -> None:
    office.account("ours")
    with pytest.raises(ConflictError):
        office.account("ours")
    assert office.account("renamed", 1).id == 1
    assert office.account("ours").id == 2


def test_a_device_that_moves_leaves_its_old_plant(office: Office) -> None:
    office.plant()
    office.plant()
    office.device(1)
    office.device(2, number=1)
    assert office.registry.plant_devices == {1: [], 2: [1]}
    assert office.again().plant_devices == {1: [], 2: [1]}


def test_two_credentials_of_a_dialect_cannot_share_a_name(office: Office) -> None:
    office.credential("user")
    with pytest.raises(ConflictError):
        office.credential("user")
    assert office.credential("user", 1, secret="new").secret.reveal() == "new"
    assert office.again().credentials[("fox", "user")].secret.reveal() == "new"


def test_a_renamed_credential_no_longer_opens_under_its_old_name(office: Office) -> None:
    office.credential("old")
    office.credential("new", 1)
    assert list(office.registry.credentials) == [("fox", "new")]
    assert same(office.again(), office.registry)


def test_a_secret_is_not_in_the_file_as_it_is(office: Office) -> None:
    office.credential(secret="very-secret-indeed")
    files = [path.read_bytes() for path in office.path.iterdir()]
    assert not any(b"very-secret-indeed" in content for content in files)


def test_secrets_of_another_key_file_do_not_open(office: Office) -> None:
    office.credential()
    (office.path / "key").unlink()
    with pytest.raises(ConfigError):
        office.again()


def test_wire_ids_are_minted_once_and_remembered(office: Office) -> None:
    office.alias("2-0", 9)
    office.database.write_now(lambda rows: office.registry.mint(rows, NUMBERS, [1, 2, 1, 9]))
    assert office.registry.by_id(NUMBERS) == {9: "2-0", 1: "1-0", 2: "2-1"}
    revision = office.registry.revision
    office.database.write_now(lambda rows: office.registry.mint(rows, NUMBERS, [2, 1]))
    assert office.registry.revision == revision
    assert office.again().by_id(NUMBERS) == office.registry.by_id(NUMBERS)


def test_scopes_subjects_and_dialects_keep_their_ids_apart(office: Office) -> None:
    others = [
        AliasScheme("fox", "plant", NUMBERS.mint),
        AliasScheme("huawei", "device", NUMBERS.mint),
        AliasScheme("fox", "device", NUMBERS.mint, scope="ecu-1"),
    ]
    for number, scheme in enumerate([NUMBERS, *others], start=1):
        office.alias("same", number, scheme)
    assert [office.registry.by_wire(scheme) for scheme in [NUMBERS, *others]] == [{"same": n} for n in range(1, 5)]


def test_a_wire_id_belongs_to_one_thing_and_a_thing_has_one(office: Office) -> None:
    office.alias("x", 1)
    office.alias("x", 1)
    with pytest.raises(ConflictError):
        office.alias("x", 2)
    office.alias("y", 1)
    assert office.registry.by_wire(NUMBERS) == {"y": 1}
    office.alias("x", 2)
    assert office.again().by_wire(NUMBERS) == {"x": 2, "y": 1}


def test_a_job_that_fails_midway_leaves_nothing_in_memory_either(office: Office) -> None:
    office.plant()
    office.alias("x", 1)
    before = office.again()

    def job(rows: Rows) -> None:
        office.registry.put_account(rows, Account(id=0, name="lost"))
        office.registry.put_plant(rows, Plant(id=1, account_id=1, name="changed", zone="UTC"))
        office.registry.put_device(rows, Device(id=0, plant_id=1, kind=DeviceKind.OTHER, name="lost"))
        office.registry.put_alias(rows, NUMBERS, "y", 1)
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        office.database.write_now(job)
    assert same(office.registry, before)
    assert office.registry.by_wire(NUMBERS) == {"x": 1}
    assert same(office.again(), office.registry)


async def test_what_is_kept_beside_a_refused_job_of_the_same_transaction_stays_in_memory(office: Office) -> None:
    def refuse(rows: Rows) -> None:
        office.registry.put_plant(rows, Plant(id=0, account_id=1, name="lost", zone="UTC"))
        raise ConflictError("no")

    def keep(rows: Rows) -> Plant:
        return office.registry.put_plant(rows, Plant(id=0, account_id=1, name="kept", zone="UTC"))

    async with office.database.writing():
        kept, refused, also = await asyncio.gather(
            office.database.write(keep),
            office.database.write(refuse),
            office.database.write(keep),
            return_exceptions=True,
        )
    assert isinstance(refused, ConflictError)
    assert list(office.registry.plants.values()) == [kept, also]
    assert same(office.again(), office.registry)


async def test_a_transaction_that_cannot_be_kept_changes_nothing_in_memory(office: Office) -> None:
    office.plant(name="x" * 5000)
    before = office.again()
    pages = office.database.writer.execute("PRAGMA page_count").fetchone()[0]
    office.database.writer.execute(f"PRAGMA max_page_count={pages}")
    big = Plant(id=0, account_id=1, name="y" * 500_000, zone="UTC")
    async with office.database.writing():
        with pytest.raises(StoreFullError):
            await office.database.write(lambda rows: office.registry.put_plant(rows, big))
    assert same(office.registry, before)


def test_what_another_process_changed_is_taken_over(office: Office) -> None:
    assert office.registry.refresh() is False
    other = Office(office.path)
    plant = other.plant()
    assert office.registry.plants == {}
    assert office.registry.refresh() is True
    assert office.registry.plants == {plant.id: plant}
    assert office.registry.refresh() is False
    other.database.close()


def test_what_another_process_changed_is_taken_over_even_after_a_change_of_our_own(office: Office) -> None:
    other = Office(office.path)
    theirs = other.plant(name="theirs")
    ours = office.plant(name="ours")
    assert office.registry.refresh() is True
    assert office.registry.plants == {theirs.id: theirs, ours.id: ours}
    assert office.registry.refresh() is False
    other.database.close()


def test_a_look_at_the_disk_does_not_take_back_what_is_being_committed(office: Office) -> None:
    def job(rows: Rows) -> None:
        saved = office.registry.put_plant(rows, Plant(id=0, account_id=1, name="p", zone="UTC"))
        assert office.registry.refresh() is False
        assert office.registry.plants == {saved.id: saved}

    office.database.write_now(job)
    assert office.registry.refresh() is False
    assert same(office.again(), office.registry)


async def test_a_look_at_the_disk_during_a_commit_takes_nothing_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    commit = office.database._commit

    def slow() -> None:
        begun.set()
        assert go_on.wait(10)
        commit()

    class Begun:
        """The writer as it is during its commit: the driver calls the transaction over before anyone can read it."""

        in_transaction = False

        def __getattr__(self, name: str) -> object:
            return getattr(writer, name)

    monkeypatch.setattr(office.database, "_commit", slow)
    async with office.database.writing():
        kept = asyncio.create_task(
            office.database.write(
                lambda rows: office.registry.put_plant(rows, Plant(id=0, account_id=1, name="p", zone="UTC"))
            )
        )
        await asyncio.to_thread(begun.wait, 10)
        writer = office.database.writer
        monkeypatch.setattr(office.database, "writer", Begun())
        assert office.registry.refresh() is False
        monkeypatch.setattr(office.database, "writer", writer)
        go_on.set()
        plant = await kept
    assert office.registry.plants == {plant.id: plant}
    assert office.registry.refresh() is False


def test_the_audit_trail_is_dated_and_in_order(office: Office) -> None:
    for action in ("login", "plant.saved"):
        write = partial(office.registry.audit, account_id=1, credential_id=2, action=action, detail="x")
        office.database.write_now(write)
    found = office.database.query("SELECT account, credential, action, detail, at FROM audit ORDER BY id")
    assert [row[:4] for row in found] == [(1, 2, "login", "x"), (1, 2, "plant.saved", "x")]
    assert found[0][4] > 1_600_000_000_000


def test_a_credential_shows_its_limits_again(office: Office) -> None:
    made = Credential(
        id=0, account_id=1, dialect="fox", name="n", secret=Secret("s"), operations=("read_all",), scopes=("read",),
        disabled=True,
    )  # fmt: skip
    saved = office.database.write_now(lambda rows: office.registry.put_credential(rows, made))
    assert office.again().credentials[("fox", "n")] == saved == msgspec.structs.replace(made, id=saved.id)
