"""What people let applications do, as the registry keeps it and as it stands when it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from heliograph.errors import ConflictError, ForbiddenError, NotFoundError
from heliograph.model.access import Application, Credential, Secret
from heliograph.model.people import Person
from heliograph.store.passwords import Passwords
from heliograph.store.registry import Registry
from tests.unit.store.world import World

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
RIGHT = "correct horse"


class Office:
    """A hub with an application and a person who has a password."""

    def __init__(self, world: World) -> None:
        self.hub = world.hub
        self.hub.grants.passwords = CHEAP
        self.grants = self.hub.grants
        self.account = world.account.id

    async def application(self, **more: object) -> Application:
        """Keep an application."""
        made = Application(
            id=0, account_id=self.account, dialect="foxess", client_id="app-1", secret=Secret("s3cret-of-app"),
            name="App", redirect_uris=("https://a.example.com/",), scopes=("read", "control"),
        )  # fmt: skip
        wanted = replace(made, **more)
        return await self.hub.database.write(lambda rows: self.hub.registry.put_application(rows, wanted))

    async def person(self, **more: object) -> Person:
        """Keep a person."""
        made = Person(
            id=0, account_id=self.account, name="Ada", email="ada@example.com", password=CHEAP.hash(RIGHT), plants=(1,)
        )
        wanted = replace(made, **more)
        return await self.hub.database.write(lambda rows: self.hub.registry.put_person(rows, wanted))

    async def kept(self, credential: Credential) -> Credential:
        """A credential as the hub hands it on."""
        found = await self.hub.credential("foxess", credential.name)
        assert found is not None
        return found


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A hub that runs."""
    world = World(tmp_path)
    await world.hub.start()
    yield Office(world)
    await world.hub.stop()


async def test_an_application_is_kept_whole_and_its_secret_locked(office: Office) -> None:
    made = await office.application()
    again = Registry(office.hub.database, office.hub.registry._keyring)
    assert again.applications == {("foxess", "app-1"): made}
    assert "s3cret-of-app" not in str(office.hub.database.query("SELECT * FROM application"))
    assert "s3cret-of-app" not in repr(made)


async def test_an_application_changes_its_name_and_nobody_takes_another_s(office: Office) -> None:
    made = await office.application()
    renamed = await office.application(id=made.id, client_id="app-2")
    assert list(office.hub.registry.applications.values()) == [renamed]
    with pytest.raises(ConflictError):
        await office.application(client_id="app-2")
    with pytest.raises(NotFoundError):
        await office.application(id=77, client_id="app-3")
    assert list(office.hub.registry.applications.values()) == [renamed]


async def test_an_application_is_found_by_dialect_and_name_while_it_is_enabled(office: Office) -> None:
    made = await office.application()
    assert await office.grants.application("foxess", "app-1") == made
    assert await office.grants.application("huawei", "app-1") is None
    assert await office.grants.application("foxess", "app-2") is None
    await office.application(id=made.id, disabled=True)
    assert await office.grants.application("foxess", "app-1") is None


async def test_somebody_signs_in_where_the_application_belongs(office: Office) -> None:
    made, ada = await office.application(), await office.person()
    assert await office.grants.sign_in(made, "ADA@example.com", RIGHT) == ada
    for application, contact, password in (
        (made, "ada@example.com", "wrong"), (made, "bob@example.com", RIGHT), (made, "", RIGHT),
        (replace(made, account_id=99), "ada@example.com", RIGHT),
    ):  # fmt: skip
        assert await office.grants.sign_in(application, contact, password) is None
    trail = office.hub.database.query("SELECT action, detail FROM audit ORDER BY id")
    assert trail[0] == ("person.signed-in", "person 1, for application app-1")
    assert trail[1:3] == [
        ("person.refused", "person 1, for application app-1"), ("person.refused", "nobody, for application app-1"),
    ]  # fmt: skip


async def test_a_grant_is_an_ordinary_credential_that_is_made_once(office: Office) -> None:
    made, ada = await office.application(), await office.person()
    first = await office.grants.grant(made, ada, ["control", "control"])
    assert (first.name, first.scopes, first.plants) == ("oauth-app-1-1", ("control",), (1,))
    assert (first.application_id, first.person_id, len(first.secret.reveal())) == (made.id, ada.id, 48)
    second = await office.grants.grant(made, ada, ["read"])
    assert second == replace(first, scopes=("read",))
    assert Registry(office.hub.database, office.hub.registry._keyring).credentials["foxess", first.name] == second


async def test_a_grant_opens_no_more_than_its_application_may_ask_for_now(office: Office) -> None:
    made, ada = await office.application(), await office.person()
    granted = await office.grants.grant(made, ada, ["read", "control"])
    await office.application(id=made.id, scopes=("read",))
    found = await office.kept(granted)
    assert (found.scopes, found.disabled) == (("read",), False)
    await office.application(id=made.id, scopes=("write",))
    assert (await office.kept(granted)).disabled
    await office.application(id=made.id, scopes=("read", "control"))
    assert await office.kept(granted) == granted


async def test_a_grant_follows_its_person_and_its_application(office: Office) -> None:
    made, ada = await office.application(), await office.person()
    granted = await office.grants.grant(made, ada, ["read"])
    assert await office.kept(granted) == granted
    await office.person(id=ada.id, plants=None)
    assert (await office.kept(granted)).plants is None
    await office.person(id=ada.id, disabled=True)
    assert (await office.kept(granted)).disabled
    await office.person(id=ada.id)
    assert not (await office.kept(granted)).disabled
    await office.application(id=made.id, disabled=True)
    assert (await office.kept(granted)).disabled


@pytest.mark.parametrize(
    "change", [{"disabled": True}, {"account_id": 99}, {"password": CHEAP.hash("another one")}, {"password": None}]
)
async def test_nothing_is_granted_by_somebody_who_could_not_sign_in_now(
    office: Office, change: dict[str, object]
) -> None:
    made, ada = await office.application(), await office.person()
    await office.person(id=ada.id, **change)
    with pytest.raises(ForbiddenError):
        await office.grants.grant(made, ada, ["read"])


async def test_nothing_is_granted_beyond_what_the_application_may_ask_for_now(office: Office) -> None:
    made, ada = await office.application(), await office.person()
    for scopes in (["admin"], ["read", "write"], []):
        with pytest.raises(ForbiddenError):
            await office.grants.grant(made, ada, scopes)
    await office.application(id=made.id, scopes=("read",))
    with pytest.raises(ForbiddenError):
        await office.grants.grant(made, ada, ["control"])
    await office.application(id=made.id, disabled=True)
    with pytest.raises(ForbiddenError):
        await office.grants.grant(made, ada, ["read"])


async def test_a_name_that_is_taken_by_another_credential_is_not_granted(office: Office) -> None:
    made, ada = await office.application(), await office.person()
    other = Credential(
        id=0, account_id=office.account, dialect="foxess", name="oauth-app-1-1", secret=Secret("by-hand")
    )
    await office.hub.database.write(lambda rows: office.hub.registry.put_credential(rows, other))
    with pytest.raises(ForbiddenError):
        await office.grants.grant(made, ada, ["read"])
