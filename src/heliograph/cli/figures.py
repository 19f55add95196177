"""The figures of a dialect by their vendor's names, as a credential may name them."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.app import dialects
from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.hub import LocalHub
    from heliograph.protocol.dialect import Dialect
    from heliograph.protocol.operations import Operation


def checked_figures(hub: LocalHub, dialect: str, words: list[str]) -> tuple[str, ...]:
    """The figures named, each as `name` or `operation:name`.

    Raises BadRequestError for an operation or a name that the dialect's declarations do not know; a dialect without
    tables says nothing of its figures, so that every name is taken.
    """
    found = dialects((dialect,))[0]
    operations = {handler.operation.name: handler.operation for handler in found.serve(hub).handlers}
    for word in words:
        operation, colon, name = word.rpartition(":")
        if not name or (colon and operation not in operations):
            listed = ", ".join(sorted(operations))
            raise BadRequestError(
                f"--kpi {word!r} must read NAME or OPERATION:NAME; {dialect} has {listed}", field="kpi"
            )
        chosen = [operations[operation]] if colon else list(operations.values())
        if found.tables and name not in known_figures(found, chosen):
            raise BadRequestError(f"{dialect} has no figure {name!r}{' in ' + operation if colon else ''}", field="kpi")
    return tuple(dict.fromkeys(words))


def known_figures(dialect: Dialect, operations: list[Operation[Any, Any]]) -> set[str]:
    """Every name of a dialect's tables, and of what these operations answer."""
    tables = {name for table in dialect.tables for name in table.by_name}
    return tables | {name for operation in operations for name in _names(operation.result, set())}


def _names(kind: Any, seen: set[Any]) -> Iterator[str]:  # any: types of all sorts
    """The names on the wire of the members of a type, however deep."""
    if kind in seen:
        return
    seen.add(kind)
    origin = typing.get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield field.encode_name
            yield from _names(field.type, seen)
    for part in typing.get_args(kind):
        yield from _names(part, seen)
