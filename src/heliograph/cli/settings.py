"""The settings file, written from the structs that read it: every setting, its meaning and its default."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import fields

from heliograph.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = "# Settings of this hub. A line without its leading # takes effect when the hub starts again.\n"


def notes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What stands under each field in the source of a struct, by field name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0]
    found: dict[str, str] = {}
    for field, note in pairwise(getattr(body, "body", [])):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
            found[field.target.id] = str(ast.literal_eval(note.value))
    return found


def _lines() -> Iterator[str]:
    yield HEAD
    for section in fields(Config):
        struct = section.type
        yield f"\n# {(struct.__doc__ or '').strip()}\n[{section.encode_name}]\n"
        help_ = notes(struct)
        for field in fields(struct):
            # JSON of texts, numbers, booleans and lists of them is TOML too.
            default = msgspec.json.encode(field.default).decode()
            yield f"# {help_.get(field.name, '')}\n# {field.encode_name} = {default}\n"


def template() -> str:
    """The text of a settings file in which every setting is a comment."""
    return "".join(_lines())


def names() -> list[str]:
    """Every setting as `section.name`."""
    return [
        f"{section.encode_name}.{field.encode_name}" for section in fields(Config) for field in fields(section.type)
    ]
