"""Write the generated blocks of the documentation, or with --check name the files whose blocks are stale.

A block is what stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`; GENERATORS says who writes it.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import NODEFAULT, Struct, json, to_builtins
from msgspec.structs import FieldInfo, fields
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"(?P<start>^<!-- generated:(?P<name>[\w-]+) -->\n)(?P<body>.*?)(?P<end>^<!-- /generated:(?P=name) -->$)",
    re.DOTALL | re.MULTILINE,
)
MARKER = re.compile(r"^<!-- /?generated:", re.MULTILINE)


def table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    """A text as one cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def measurements() -> str:
    """Every measurement with its unit and aggregation; numbered channels share one row, N standing for the number."""
    from heliograph.model.measurements import CATALOGUE

    families = {re.sub(r"\.\d+\.", ".N.", key): entry for key, entry in sorted(CATALOGUE.items())}
    rows = []
    for key, entry in families.items():
        meaning = re.sub(r"\b\d+\b", "N", entry.help) if ".N." in key else entry.help
        rows.append((f"`{key}`", entry.unit.symbol, entry.aggregation.name.lower(), meaning))
    return table(("key", "unit", "aggregation", "meaning"), rows)


def cli() -> str:
    """Every command of the program with its arguments and options, as the parser itself knows them."""
    from heliograph.cli import app

    return "\n\n".join(describe_command("heliograph", get_command(app)))


def describe_command(path: str, command: object) -> Iterator[str]:
    """A heading, the help and a table of parameters for a command; the commands of a group follow it."""
    yield f"### `{path}`"
    yield inspect.cleandoc(getattr(command, "help", None) or "")
    params = [param for param in getattr(command, "params", []) if isinstance(param, TyperArgument | TyperOption)]
    if shown := [param for param in params if not param.hidden]:
        yield table(("parameter", "default", "meaning"), map(describe_parameter, shown))
    if isinstance(command, TyperGroup):
        for name, child in sorted(command.commands.items()):
            if not child.hidden:
                yield from describe_command(f"{path} {name}", child)


def describe_parameter(param: TyperArgument | TyperOption) -> tuple[str, str, str]:
    """Spelling, default and help of one argument or option."""
    named = [*param.opts, *param.secondary_opts]
    spellings = named if param.param_type_name == "option" else [str(param.name).upper()]
    default = getattr(param.default, "value", param.default)
    shown = "" if default is None or default is False or callable(default) else f"`{default}`"
    return ", ".join(f"`{word}`" for word in spellings), "required" if param.required else shown, param.help or ""


def settings() -> str:
    """Every setting with its type, its default and the docstring under it."""
    from heliograph.config import Config

    return table(("setting", "type", "default", "meaning"), describe_settings(Config, ""))


def describe_settings(struct: type[Struct], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """The rows of one Struct; a field that is a Struct itself gives the rows of its own fields."""
    notes = field_docstrings(struct)
    for field in fields(struct):
        name = prefix + field.encode_name
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from describe_settings(field.type, f"{name}.")
        else:
            kind = field.type.__name__ if type(field.type) is type else str(field.type)
            yield f"`{name}`", f"`{kind}`", describe_default(field), notes.get(field.name, "")


def describe_default(field: FieldInfo) -> str:
    """A setting's default as a value of the configuration file."""
    if field.required:
        return "required"
    value = field.default if field.default is not NODEFAULT else field.default_factory()
    return f"`{json.encode(to_builtins(value, enc_hook=str)).decode()}`"


def field_docstrings(struct: type[Struct]) -> dict[str, str]:
    """The string under each field of a Struct's source, by field name, inherited ones too."""
    found: dict[str, str] = {}
    for cls in reversed([base for base in struct.__mro__ if base.__module__.startswith("heliograph")]):
        statements = getattr(ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0], "body", [])
        for field, note in pairwise(statements):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
                found[field.target.id] = str(ast.literal_eval(note.value))
    return found


GENERATORS: dict[str, Callable[[], str]] = {"cli": cli, "measurements": measurements, "settings": settings}


def rewrite(text: str) -> str:
    """The text with every block written anew; an unclosed block is a ValueError, an unknown name a KeyError."""
    if len(MARKER.findall(text)) != 2 * len(BLOCK.findall(text)):
        raise ValueError("a generated block is not closed")
    return BLOCK.sub(lambda block: f"{block['start']}\n{GENERATORS[block['name']]()}\n\n{block['end']}", text)


def documents() -> list[Path]:
    """The files that may hold generated blocks."""
    return [*ROOT.glob("README.md"), *ROOT.glob("ARCHITECTURE.md"), *sorted((ROOT / "docs").rglob("*.md"))]


def main(arguments: list[str]) -> int:
    """Write the blocks; with --check change nothing and fail if a file would change."""
    check = "--check" in arguments
    stale = 0
    for path in documents():
        old = path.read_text(encoding="utf-8")
        new = rewrite(old)
        if new != old:
            stale += 1
            sys.stdout.write(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}\n")
        if new != old and not check:
            path.write_text(new, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
