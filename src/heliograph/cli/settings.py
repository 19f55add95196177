"""The settings file, written from the structs that read it: every setting, its meaning and its default."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import fields

from heliograph import dialects
from heliograph.config import Config
from heliograph.errors import ConfigError
from heliograph.protocol.dialect import discover, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECTS = "dialects"
HEAD = "# Settings of this hub. A line without its leading # takes effect when the hub starts again.\n"


def notes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What stands under each field in the source of a struct, by field name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0]
    found: dict[str, str] = {}
    for field, note in pairwise(getattr(body, "body", [])):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
            found[field.target.id] = str(ast.literal_eval(note.value))
    return found


def sections() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """The sections of the settings file with the structs that read them; each dialect with settings has its own."""
    for section in fields(Config):
        if section.encode_name != DIALECTS:
            yield section.encode_name, section.type
    for name, dialect in discover(dialects.__name__).items():
        if dialect.settings is not None:
            yield f"{DIALECTS}.{name}", dialect.settings


def _lines() -> Iterator[str]:
    yield HEAD
    for name, struct in sections():
        yield f"\n# {(struct.__doc__ or '').strip()}\n[{name}]\n"
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
    return [f"{name}.{field.encode_name}" for name, struct in sections() for field in fields(struct)]


def check_dialects(given: Config) -> None:
    """Raises ConfigError for settings of a dialect that does not exist, or that it does not have."""
    known = discover(dialects.__name__)
    for name in given.dialects:
        if name not in known:
            raise ConfigError(f"{DIALECTS}.{name}: there is no dialect {name!r}; there are {', '.join(known)}")
        settings_of(known[name], given.dialects)
