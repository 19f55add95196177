"""What the OAuth calls take and give. Parameters come in the query, as the document shows, or in the body."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from heliograph.protocol.operations import Request

MOST_PARAMETERS = 50


class Given(msgspec.Struct, frozen=True):
    """The parameters of a call. One without a value counts as left out."""

    values: dict[str, str] = {}
    unclear: frozenset[str] = frozenset()
    """Those that came more than once."""

    def get(self, name: str) -> str:
        """A parameter; empty when there is none."""
        return self.values.get(name, "")


class TokenResult(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of tokens."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  the name of a kind
    expires_in: int
    """[s]"""
    refresh_token: str
    scope: str


class NoResult(msgspec.Struct, frozen=True):
    """Nothing but that it is done."""


class Page(msgspec.Struct, frozen=True):
    """A page for people."""


def decode_given(request: Request) -> Given:
    """The parameters of query and body: a form, or JSON of texts and numbers. Raises BadRequestError."""
    body = request.body.strip()
    pairs = _json_pairs(body) if body.startswith(b"{") else _pairs(body.decode("utf-8", "replace"))
    values: dict[str, str] = {}
    unclear: set[str] = set()
    for part in (_pairs(request.query), pairs):
        seen: set[str] = set()
        for name, value in part:
            if not value:
                continue
            # The same in query and body is no contradiction; twice in one of them is one, whatever it says.
            if name in seen or values.get(name, value) != value:
                unclear.add(name)
            seen.add(name)
            values[name] = value
    return Given(values, frozenset(unclear))


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, errors="replace", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise BadRequestError("too many parameters") from error


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        found = msgspec.json.decode(body, type=dict[str, str | int | None])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequestError("the body is no JSON object of texts") from error
    return [(name, str(value)) for name, value in found.items() if value is not None]
