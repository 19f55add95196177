"""Access: who calls, and what they may see and do."""

from __future__ import annotations

import hashlib

import msgspec

from heliograph.errors import DisabledCredentialError, ExpiredCredentialError


class Secret(str):
    """A text that never shows itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        """The text itself, for computing a signature or for the one print when it is made."""
        return str.__str__(self)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A key of one account for one dialect. `name` is its public half: user name, key id."""

    id: int
    account_id: int
    dialect: str
    name: str
    secret: Secret
    plants: tuple[int, ...] | None = None
    """The plants it opens; None for all of the account."""
    operations: tuple[str, ...] | None = None
    """The operations it may call; None for all of its dialect."""
    scopes: tuple[str, ...] = ("read", "write")
    kpis: tuple[str, ...] | None = None
    """The vendor's names of the figures it may read, `operation:name` for one operation alone; None for all."""
    expires_at_ms: int | None = None
    """Wall-clock end. [ms since 1970, UTC]"""
    disabled: bool = False
    application_id: int | None = None
    """The application that it was granted to, if a person granted it."""
    person_id: int | None = None
    """Who granted it."""

    def expired(self, now_ms: int) -> bool:
        """Whether it is past its end."""
        return self.expires_at_ms is not None and self.expires_at_ms <= now_ms

    def require_usable(self, now_ms: int) -> None:
        """Raise DisabledCredentialError or ExpiredCredentialError unless it opens something now."""
        if self.disabled:
            raise DisabledCredentialError("the credential is disabled")
        if self.expired(now_ms):
            raise ExpiredCredentialError("the credential has expired")

    def caller(self) -> Caller:
        """Who calls with it."""
        return Caller(
            self.account_id,
            self.id,
            None if self.plants is None else frozenset(self.plants),
            frozenset(self.scopes),
            None if self.operations is None else frozenset(self.operations),
            None if self.kpis is None else frozenset(self.kpis),
        )


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """A program that asks people of an account to let it act for them. `client_id` is its public half."""

    id: int
    account_id: int
    dialect: str
    client_id: str
    secret: Secret
    name: str
    redirect_uris: tuple[str, ...]
    """Where people may be sent back to; nothing but these very addresses."""
    scopes: tuple[str, ...] = ("read",)
    """What it may ask for."""
    disabled: bool = False


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a dialect handed out, of which only the digest is kept."""

    dialect: str
    kind: str
    """What it opens, for example `access` or `refresh`."""
    digest: str
    """SHA-256 of its text, hexadecimal."""
    credential_id: int
    credential: str
    """The public name of the credential it was made for."""
    expires_at_ms: int
    """Wall-clock end. [ms since 1970, UTC]"""
    family: str = ""
    """What tokens that were made from each other share."""
    data: dict[str, str] = {}
    used: bool = False
    """Whether it was exchanged for others, which it can be once."""

    @staticmethod
    def digest_of(text: str) -> str:
        """The digest under which the token of a text is kept."""
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class Caller(msgspec.Struct, frozen=True):
    """Who makes a call: an account seen through one credential."""

    account_id: int
    credential_id: int
    plants: frozenset[int] | None = None
    scopes: frozenset[str] = frozenset({"read", "write"})
    operations: frozenset[str] | None = None
    kpis: frozenset[str] | None = None

    def may_read(self, operation: str, figure: str) -> bool:
        """Whether a figure of an operation, by the vendor's names, is among those it may read."""
        return self.kpis is None or figure in self.kpis or f"{operation}:{figure}" in self.kpis
