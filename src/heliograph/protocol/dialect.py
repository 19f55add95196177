"""A dialect: one vendor's interface as a value, found by scanning the folder `dialects`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from heliograph.errors import BadRequestError, ConfigError, HubError
from heliograph.model.access import Secret
from heliograph.protocol.fields import FieldTable
from heliograph.protocol.hub import Hub, Subject
from heliograph.protocol.operations import Call, Handler, Identity, Operation, Reply, Request


class Envelope(Protocol):
    """How a vendor wraps results and errors; both directions."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """Wrap a result."""
        ...

    def failure(self, error: HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error; anything outside the tree arrives as a plain HubError. `now_ms` is by the plant clock."""
        ...

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """What the other side answered. Raises the HubError its code stands for."""
        ...


Authenticate = Callable[[Hub, Operation[Any, Any], Request], Awaitable[Identity]]
DecodeRequest = Callable[[Operation[Any, Any], Request], Any]


Present = Callable[[str, Secret], dict[str, str]]
CheckAlias = Callable[[Subject, str, str], None]


def check_alias(subject: Subject, scope: str, wire: str) -> None:
    """An id given by hand, for a dialect whose ids have no scope. Raises BadRequestError when it has one."""
    del subject
    if scope:
        raise BadRequestError(f"{wire!r} needs no scope: leave out :{scope}", field="alias")


def name_and_secret(name: str, secret: Secret) -> dict[str, str]:
    """A credential in plain words, secret included."""
    return {"name": name, "secret": secret.reveal()}


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's interface: its calls with their handlers, its envelope, its way to tell who calls, its tables.

    `serve(hub)` makes what lives as long as a running facade (sessions, tokens) and returns the authenticate function
    and the handlers; so two hubs in one process share nothing.
    """

    name: str
    title: str
    document: str
    envelope: Envelope
    serve: Callable[[Hub], Facade]
    tables: tuple[FieldTable, ...] = ()
    decode: DecodeRequest | None = None
    settings: type[msgspec.Struct] | None = None
    """What `[dialects.<name>]` of the configuration may hold; nothing when None."""
    present: Present = name_and_secret
    """A credential in the words that the dialect's clients ask for, secret included, for the one print when it is made.

    Raises BadRequestError for what the dialect could not carry.
    """
    check_alias: CheckAlias = check_alias
    """Looks at an id that is given by hand: subject, scope, id. Raises BadRequestError when no call could name it."""


class Facade(msgspec.Struct, frozen=True):
    """The server half at work for one hub."""

    authenticate: Authenticate
    handlers: tuple[Handler, ...]


def settings_of(dialect: Dialect, given: Mapping[str, Mapping[str, object]]) -> Any:  # any: the dialect's own Struct
    """The settings of a dialect out of those of all. Raises ConfigError naming the setting that is wrong."""
    own = given.get(dialect.name, {})
    if dialect.settings is None:
        if own:
            raise ConfigError(f"dialects.{dialect.name}: there are no settings for {dialect.name}")
        return None
    try:
        return msgspec.convert(own, dialect.settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"dialects.{dialect.name}: {error}") from error


def discover(package: str) -> dict[str, Dialect]:
    """Every dialect of a package: each subpackage that holds a value `DIALECT`, by name.

    Raises ValueError when a folder has none, or two folders share a name.
    """
    found: dict[str, Dialect] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        dialect = getattr(importlib.import_module(f"{package}.{module.name}"), "DIALECT", None)
        if not isinstance(dialect, Dialect) or dialect.name in found:
            raise ValueError(f"{package}.{module.name} holds no DIALECT of its own")
        found[dialect.name] = dialect
    return found
