"""The contract between a dialect and the hub. A facade sees nothing else of what lies below."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from heliograph.clock import Clock, Level
from heliograph.model.access import Application, Caller, Credential, Token
from heliograph.model.alarms import Alarm, AlarmStatus
from heliograph.model.buckets import BucketSeries
from heliograph.model.commands import Argument, Command
from heliograph.model.devices import Device
from heliograph.model.firmware import Firmware
from heliograph.model.ledger import Declared, Kept, Receipt, Statement
from heliograph.model.people import Person
from heliograph.model.plants import Plant
from heliograph.model.samples import Block, Latest, Series
from heliograph.model.settings import Setting

Subject = Literal["plant", "device"]


class AliasScheme(msgspec.Struct, frozen=True):
    """How a dialect names plants or devices.

    `mint(id, attempt)` proposes a wire id for the hub's id; attempt counts up from 0 while proposals are taken.
    `scope` keeps apart ids that a vendor keeps apart.
    """

    dialect: str
    subject: Subject
    mint: Callable[[int, int], str]
    scope: str = ""


class Once(msgspec.Struct, frozen=True):
    """A mark that must never be accepted twice, kept in the same transaction as what it came with.

    `key` is what must not repeat, `expires_at_ms` when the request would be too old anyway.
    """

    key: str
    expires_at_ms: int


class Ingested(msgspec.Struct, frozen=True):
    """What became of records: `accepted` new ones, `duplicates` already held, `corrected` ones that changed a value."""

    accepted: int
    duplicates: int = 0
    corrected: int = 0


class Gap(msgspec.Struct, frozen=True):
    """A stretch without samples. `missing` is how many were expected in it."""

    device_id: int
    since_ms: int
    until_ms: int
    missing: int


class Tokens(Protocol):
    """Tokens that a dialect hands out: only digests of them are kept, and they outlive a restart."""

    async def keep(self, token: Token) -> None:
        """Keep a token; returns after the commit."""
        ...

    async def find(self, dialect: str, kind: str, secret: str) -> Token | None:
        """The token of this text, also one past its end; None when there is none."""
        ...

    async def exchange(self, token: Token, made: Sequence[Token]) -> bool:
        """Use a token up and keep those that are made from it, all in one transaction.

        False, keeping nothing, when it was used up or dropped before. It can still be found, and says so.
        """
        ...

    async def drop(self, dialect: str, credential_id: int, kind: str = "", *, family: str = "") -> int:
        """Forget tokens of a credential, of one kind or one family where it is named; returns how many."""
        ...


class Grants(Protocol):
    """What people of an account let applications do for them."""

    async def application(self, dialect: str, client_id: str) -> Application | None:
        """The application of this public name; None when there is none, or it or its account is disabled."""
        ...

    async def sign_in(self, application: Application, contact: str, password: str) -> Person | None:
        """Who signs in by e-mail address or telephone number, among the people of the application's account.

        None for a wrong password, somebody unknown, disabled or without a password: all alike, and in the same time.
        """
        ...

    async def grant(self, application: Application, person: Person, scopes: Sequence[str]) -> Credential:
        """The credential with which an application acts for a person: made once, and set to these scopes each time.

        It opens the person's plants as they are at each moment, and nothing while either of them is disabled. Raises
        ForbiddenError when somebody was disabled or has another password since signing in, when the application may not
        ask for a scope, or when the credential itself was disabled.
        """
        ...


class Tallies(Protocol):
    """Calls counted over long periods, which outlive a restart; `period` is text that sorts by time: `2026-11-20`."""

    def used(self, dialect: str, account_id: int, period: str) -> int:
        """The calls of a period so far."""
        ...

    def take(self, dialect: str, account_id: int, period: str, most: int) -> bool:
        """Count one call unless `most` of them were counted; whether it was."""
        ...

    def give_back(self, dialect: str, account_id: int, period: str) -> None:
        """Take a call back that was counted and then refused."""
        ...


class Commands(Protocol):
    """Commands to devices, through the journal."""

    async def submit(
        self, caller: Caller, device_id: int, name: str, arguments: Mapping[str, Argument], *, key: str = "",
        lifetime_s: int = 600,
    ) -> Command:  # fmt: skip
        """Accept a command; returns after it is safe on disk, before the device has heard of it.

        The same key of the same account is the same command; without a key each call is one of its own. Settings are
        written with `model.settings.WRITE`; what is set already is confirmed without being sent.
        Raises ForbiddenError without the scope `control`, UnknownDeviceError, UnsupportedError when nothing carries
        commands to the device, ConflictError when the key was used for something else; for settings BadRequestError
        whose field is the key of one that the device does not have or take, and what `settings` raises.
        """
        ...

    async def settings(self, caller: Caller, device_id: int) -> Mapping[str, Setting]:
        """What a device is set to now, by key of `model.settings`, asked of the device itself.

        Raises UnknownDeviceError, UnsupportedError for one without settings or that nothing reaches, UnreachableError,
        OutcomeUnknownError when it does not answer.
        """
        ...

    async def list(self, caller: Caller, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """The commands of devices, newest first; with `name` those of that name."""
        ...

    async def get(self, caller: Caller, command_id: int) -> Command:
        """One command. Raises NotFoundError."""
        ...

    async def wait(self, command: Command, timeout_s: float) -> Command:
        """The command once it is settled, or as it stands when the time is over."""
        ...

    async def cancel(self, caller: Caller, command_id: int) -> Command:
        """Take a command back that was not sent yet. Raises NotFoundError, ConflictError when it was sent."""
        ...

    async def firmware_for(self, caller: Caller, device_id: int) -> Firmware:
        """The newest package for a device.

        Raises NotFoundError when the catalogue has none that is newer than what it runs, DeviceFileError when its
        file is missing or is not what was added.
        """
        ...


class Ledger(Protocol):
    """The generation ledger."""

    async def declare(self, caller: Caller, statement: Statement) -> Kept:
        """Check a statement, keep it as it came, apply and seal what it states. All or nothing.

        Sent again, it changes nothing; another value for a known period is a correction. Raises UnknownDeviceError,
        RecordsError naming every entry that is wrong.
        """
        ...

    async def declared(self, caller: Caller, device_id: int, since: str, until: str) -> list[Declared]:
        """What is stated at present of days or months with since <= on < until, oldest first."""
        ...

    async def receipt(self, caller: Caller, statement_id: int) -> Receipt:
        """A statement of the caller's account. Raises NotFoundError."""
        ...


class Hub(Protocol):
    """What a facade can ask. Everything is seen through a Caller: another tenant's things do not exist."""

    clock: Clock
    """The plant clock: dates samples and calendars."""
    wall: Clock
    """The wall clock: dates signatures, sessions and limits."""

    @property
    def tokens(self) -> Tokens:
        """What dialects hand out tokens with."""
        ...

    @property
    def grants(self) -> Grants:
        """What applications are allowed by people."""
        ...

    @property
    def tallies(self) -> Tallies:
        """Calls counted over long periods."""
        ...

    @property
    def limited(self) -> bool:
        """Whether dialects hold callers to the limits of their documents."""
        ...

    @property
    def commands(self) -> Commands:
        """Commands to devices."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The generation ledger."""
        ...

    @property
    def dialect_settings(self) -> Mapping[str, Mapping[str, object]]:
        """The settings of each dialect, as they stand in the configuration."""
        ...

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """The credential with this public name, disabled and expired ones too; None when there is none."""
        ...

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """The plants the caller sees, by id; with `ids` those of them only."""
        ...

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices of these plants, or of all the caller sees, by id."""
        ...

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Keep a plant; id 0 makes a new one. Raises ForbiddenError without the scope `admin`."""
        ...

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Keep a device; id 0 makes a new one. Raises ForbiddenError without the scope `admin`."""
        ...

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """The plant behind each wire id; None where there is none for this caller."""
        ...

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """The device behind each wire id; None where there is none for this caller."""
        ...

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """The wire id of each plant or device, minted once and remembered."""
        ...

    async def ingest(
        self, caller: Caller, blocks: Sequence[Block], *, source: str, once: Once | None = None
    ) -> Ingested:
        """Keep samples; returns after they are safe on disk. All or nothing.

        Raises UnknownDeviceError, BadRequestError for instants out of range, ReplayError when `once` was seen,
        StoreError when nothing could be kept.
        """
        ...

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """The newest readings of each device, in the order asked."""
        ...

    def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """The samples of each device with since <= at < until, device by device in the order asked."""
        ...

    async def buckets(
        self, caller: Caller, subject: Subject, ids: Sequence[int], level: Level, since_ms: int, until_ms: int
    ) -> list[BucketSeries]:
        """The buckets that start within the span, folded anew where late data touched them, in the order asked."""
        ...

    async def gaps(self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int) -> list[Gap]:
        """Where samples are missing, device by device, oldest first."""
        ...

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """The alarms raised within the span, oldest first."""
        ...

    async def report_alarms(self, caller: Caller, alarms: Sequence[Alarm]) -> int:
        """Keep alarms; the same device, code and start again updates its end. Returns how many were new."""
        ...

    async def handle_alarm(
        self, caller: Caller, device_id: int, code: str, raised_at_ms: int, status: AlarmStatus, note: str = ""
    ) -> Alarm:
        """Move an alarm on to another status, with a line in the audit trail.

        Raises NotFoundError, ConflictError for a status that does not follow, ForbiddenError without the scope `write`.
        """
        ...

    async def registered(self, caller: Caller, contact: str, serials: Sequence[str]) -> list[bool]:
        """Whether each serial number is that of a device of the person with this e-mail address or telephone number.

        An unknown person, an unknown device and another's device look the same.
        """
        ...

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
        """Write a line of the audit trail."""
        ...
