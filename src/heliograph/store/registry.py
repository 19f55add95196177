"""The registry: accounts, plants, devices, people, credentials, applications and aliases, mirrored in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from heliograph.errors import ConflictError, NotFoundError
from heliograph.model.access import Application, Credential
from heliograph.model.devices import Device
from heliograph.model.people import Person
from heliograph.model.plants import Account, Plant
from heliograph.protocol.hub import AliasScheme
from heliograph.store.base import Rows
from heliograph.store.keyring import Keyring
from heliograph.store.sqlite import Database

S = TypeVar("S", Account, Plant, Device, Person)
AliasSpace = tuple[str, str, str]


class CredentialBody(msgspec.Struct, frozen=True):
    """What a credential row holds beside its columns."""

    plants: tuple[int, ...] | None = None
    operations: tuple[str, ...] | None = None
    scopes: tuple[str, ...] = ("read", "write")
    expires_at_ms: int | None = None
    disabled: bool = False
    kpis: tuple[str, ...] | None = None
    application_id: int | None = None
    person_id: int | None = None


class ApplicationBody(msgspec.Struct, frozen=True):
    """What an application row holds beside its columns."""

    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    disabled: bool = False


class Registry:
    """Everything that is named. Reads are from memory; a write changes disk and memory in that order."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self.revision = -1
        self.accounts: dict[int, Account] = {}
        self.plants: dict[int, Plant] = {}
        self.devices: dict[int, Device] = {}
        self.people: dict[int, Person] = {}
        self.credentials: dict[tuple[str, str], Credential] = {}
        self.applications: dict[tuple[str, str], Application] = {}
        self.plant_devices: dict[int, list[int]] = {}
        self._by_wire: dict[AliasSpace, dict[str, int]] = {}
        self._by_id: dict[AliasSpace, dict[int, str]] = {}
        self.load()

    def load(self) -> None:
        """Read everything again from disk."""
        query = self._database.query
        self.revision = self._stored_revision()
        self.accounts = {a.id: a for a in self._bodies("account", Account)}
        self.plants = {p.id: p for p in self._bodies("plant", Plant)}
        self.devices = {d.id: d for d in self._bodies("device", Device)}
        self.people = {p.id: p for p in self._bodies("person", Person)}
        self.credentials = {}
        for number, account, dialect, name, secret, body in query(
            "SELECT id, account, dialect, name, secret, body FROM credential"
        ):
            fields = msgspec.structs.asdict(msgspec.msgpack.decode(body, type=CredentialBody))
            self.credentials[(dialect, name)] = Credential(
                id=number, account_id=account, dialect=dialect, name=name, secret=self._keyring.unlock(secret), **fields
            )
        self._load_applications()
        self._by_wire, self._by_id = {}, {}
        for dialect, subject, scope, wire, number in query("SELECT dialect, subject, scope, wire, id FROM alias"):
            self._remember((dialect, subject, scope), wire, number)
        self._index()

    def _load_applications(self) -> None:
        self.applications = {}
        for number, account, dialect, client, secret, body in self._database.query(
            "SELECT id, account, dialect, client, secret, body FROM application"
        ):
            fields = msgspec.structs.asdict(msgspec.msgpack.decode(body, type=ApplicationBody))
            self.applications[(dialect, client)] = Application(
                id=number, account_id=account, dialect=dialect, client_id=client, secret=self._keyring.unlock(secret),
                **fields,
            )  # fmt: skip

    def _bodies(self, table: str, kind: type[S]) -> list[S]:
        found = self._database.query(f"SELECT body FROM {table} ORDER BY id")  # noqa: S608  a name of ours
        return [msgspec.msgpack.decode(body, type=kind) for (body,) in found]

    def _stored_revision(self) -> int:
        found = self._database.query("SELECT value FROM meta WHERE key = 'registry'")
        return int(found[0][0]) if found else 0

    def refresh(self) -> bool:
        """Load again if another process changed it; whether it did."""
        # While a transaction is under way, memory may be ahead of what is committed.
        if self._database.changing or self._stored_revision() == self.revision:
            return False
        self.load()
        return True

    def _index(self) -> None:
        self.plant_devices = {plant: [] for plant in self.plants}
        for device in self.devices.values():
            self.plant_devices.setdefault(device.plant_id, []).append(device.id)

    def _remember(self, space: AliasSpace, wire: str, number: int) -> None:
        self._by_wire.setdefault(space, {})[wire] = number
        self._by_id.setdefault(space, {})[number] = wire

    def _touch(self, rows: Rows) -> None:
        rows.execute(
            "INSERT INTO meta (key, value) VALUES ('registry', '1')"
            " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
        )
        now = int(rows.execute("SELECT value FROM meta WHERE key = 'registry'").fetchone()[0])
        # A number left out is another process's change that is not in memory yet: then the next refresh must not
        # take this one for the last that was read.
        self.revision = now if now == self.revision + 1 else -now

    def _put(self, rows: Rows, table: str, parent: tuple[str, Any], entry: S) -> S:  # any: a name or a number
        """Write one entry; id 0 makes a new one."""
        column, value = parent
        if entry.id == 0:
            cursor = rows.execute(
                f"INSERT INTO {table} ({column}, body) VALUES (?, x'')",  # noqa: S608  names of ours
                (value,),
            )
            entry = msgspec.structs.replace(entry, id=int(cursor.lastrowid or 0))
        done = rows.execute(
            f"UPDATE {table} SET {column} = ?, body = ? WHERE id = ?",  # noqa: S608  names of ours
            (value, msgspec.msgpack.encode(entry), entry.id),
        )
        if done.rowcount == 0:
            raise NotFoundError(f"there is no {table} {entry.id}")
        self._touch(rows)
        return entry

    def put_account(self, rows: Rows, account: Account) -> Account:
        """Keep an account. Raises ConflictError when the name is taken."""
        if any(other.name == account.name and other.id != account.id for other in self.accounts.values()):
            raise ConflictError(f"there is an account {account.name!r} already")
        saved = self._put(rows, "account", ("name", account.name), account)
        self.accounts[saved.id] = saved
        return saved

    def put_plant(self, rows: Rows, plant: Plant) -> Plant:
        """Keep a plant."""
        saved = self._put(rows, "plant", ("account", plant.account_id), plant)
        self.plants[saved.id] = saved
        self._index()
        return saved

    def put_device(self, rows: Rows, device: Device) -> Device:
        """Keep a device."""
        saved = self._put(rows, "device", ("plant", device.plant_id), device)
        self.devices[saved.id] = saved
        self._index()
        return saved

    def put_person(self, rows: Rows, person: Person) -> Person:
        """Keep a person. Raises ConflictError when another of the account has the address or number."""
        for other in self.people.values():
            if other.id == person.id or other.account_id != person.account_id:
                continue
            for contact in (person.email, person.phone):
                if contact and other.answers_to(contact):
                    raise ConflictError(f"{other.name} has {contact} already")
        saved = self._put(rows, "person", ("account", person.account_id), person)
        self.people[saved.id] = saved
        return saved

    def put_credential(self, rows: Rows, credential: Credential) -> Credential:
        """Keep a credential. Raises ConflictError when its name is taken in the dialect."""
        held = self.credentials.get((credential.dialect, credential.name))
        if held is not None and held.id != credential.id:
            raise ConflictError(f"there is a {credential.dialect} credential {credential.name!r} already")
        body = msgspec.msgpack.encode(
            CredentialBody(
                credential.plants,
                credential.operations,
                credential.scopes,
                credential.expires_at_ms,
                credential.disabled,
                credential.kpis,
                credential.application_id,
                credential.person_id,
            )
        )
        row = (
            credential.account_id, credential.dialect, credential.name, self._keyring.lock(credential.secret), body,
        )  # fmt: skip
        if credential.id == 0:
            cursor = rows.execute(
                "INSERT INTO credential (account, dialect, name, secret, body) VALUES (?, ?, ?, ?, ?)", row
            )
            credential = msgspec.structs.replace(credential, id=int(cursor.lastrowid or 0))
        else:
            rows.execute(
                "UPDATE credential SET account = ?, dialect = ?, name = ?, secret = ?, body = ? WHERE id = ?",
                (*row, credential.id),
            )
        self._touch(rows)
        self.credentials = {key: other for key, other in self.credentials.items() if other.id != credential.id}
        self.credentials[(credential.dialect, credential.name)] = credential
        return credential

    def put_application(self, rows: Rows, application: Application) -> Application:
        """Keep an application. Raises ConflictError when its public name is taken in the dialect."""
        held = self.applications.get((application.dialect, application.client_id))
        if held is not None and held.id != application.id:
            raise ConflictError(f"there is a {application.dialect} application {application.client_id!r} already")
        body = msgspec.msgpack.encode(
            ApplicationBody(application.name, application.redirect_uris, application.scopes, application.disabled)
        )
        row = (
            application.account_id, application.dialect, application.client_id, self._keyring.lock(application.secret),
            body,
        )  # fmt: skip
        if application.id == 0:
            cursor = rows.execute(
                "INSERT INTO application (account, dialect, client, secret, body) VALUES (?, ?, ?, ?, ?)", row
            )
            application = msgspec.structs.replace(application, id=int(cursor.lastrowid or 0))
        else:
            done = rows.execute(
                "UPDATE application SET account = ?, dialect = ?, client = ?, secret = ?, body = ? WHERE id = ?",
                (*row, application.id),
            )
            if done.rowcount == 0:
                raise NotFoundError(f"there is no application {application.id}")
        self._touch(rows)
        self.applications = {key: one for key, one in self.applications.items() if one.id != application.id}
        self.applications[(application.dialect, application.client_id)] = application
        return application

    def put_alias(self, rows: Rows, scheme: AliasScheme, wire: str, number: int) -> None:
        """Remember the wire id of a plant or device. Raises ConflictError when another has it."""
        space = (scheme.dialect, scheme.subject, scheme.scope)
        held = self._by_wire.get(space, {}).get(wire)
        if held is not None and held != number:
            raise ConflictError(f"{scheme.dialect} id {wire!r} belongs to another {scheme.subject}")
        old = self._by_id.get(space, {}).get(number)
        if old is not None and old != wire:
            rows.execute(
                "DELETE FROM alias WHERE dialect = ? AND subject = ? AND scope = ? AND wire = ?", (*space, old)
            )
            self._by_wire[space].pop(old, None)
        rows.execute(
            "INSERT OR REPLACE INTO alias (dialect, subject, scope, wire, id) VALUES (?, ?, ?, ?, ?)",
            (*space, wire, number),
        )
        self._touch(rows)
        self._remember(space, wire, number)

    def by_wire(self, scheme: AliasScheme) -> dict[str, int]:
        """Wire id -> id, of all that were minted or given."""
        return self._by_wire.setdefault((scheme.dialect, scheme.subject, scheme.scope), {})

    def by_id(self, scheme: AliasScheme) -> dict[int, str]:
        """Id -> wire id, of all that were minted or given."""
        return self._by_id.setdefault((scheme.dialect, scheme.subject, scheme.scope), {})

    def mint(self, rows: Rows, scheme: AliasScheme, ids: Sequence[int]) -> None:
        """Make wire ids for those that have none."""
        held, taken = self.by_id(scheme), self.by_wire(scheme)
        for number in ids:
            if number in held:
                continue
            attempt = 0
            while (wire := scheme.mint(number, attempt)) in taken:
                attempt += 1
            self.put_alias(rows, scheme, wire, number)

    def audit(self, rows: Rows, account_id: int, credential_id: int, action: str, detail: str) -> None:
        """Write a line of the audit trail, dated by the wall clock."""
        rows.execute(
            "INSERT INTO audit (at, account, credential, action, detail) VALUES (?, ?, ?, ?, ?)",
            (time.time_ns() // 1_000_000, account_id, credential_id, action, detail),
        )
