"""Write the generated blocks of the documentation, or with --check name the files whose blocks are stale.

A block is what stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`; GENERATORS says who writes it.
"""

import ast
import inspect
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from msgspec import NODEFAULT, Struct, json, to_builtins
from msgspec.structs import FieldInfo, fields
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

ROOT = Path(__file__).resolve().parent.parent
CHECKED = ROOT / "tests" / "clients" / "checked.json"
"""Client -> version -> dialect -> the operations that the client was seen to call; a test holds it to the truth."""
TYPES = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}
"""The types of settings, in words."""
DOCUMENTED = {
    "apsystems": {
        f"GET /user/api/v2/systems/{call}": section
        for call, section in {
            "details/{sid}": "3.1.1",
            "inverters/{sid}": "3.1.2",
            "meters/{sid}": "3.1.3",
            "summary/{sid}": "3.2.1",
            "energy/{sid}": "3.2.2",
            "{sid}/devices/ecu/summary/{eid}": "3.3.1",
            "{sid}/devices/ecu/energy/{eid}": "3.3.2",
            "{sid}/devices/meter/summary/{eid}": "3.4.1",
            "{sid}/devices/meter/period/{eid}": "3.4.2",
            "{sid}/devices/inverter/summary/{uid}": "3.5.1",
            "{sid}/devices/inverter/energy/{uid}": "3.5.2",
            "{sid}/devices/inverter/batch/energy/{eid}": "3.5.3",
        }.items()
    },
    "energy_expert": {"POST /api/v1/data/increment/push": "PushDeviceData"},
    "foxess": {
        "POST /op/v0/plant/create": "Create power station",
        "POST /op/v0/plant/delete": "Delete power station",
        "POST /op/v0/plant/update": "Edit power station",
        "GET /op/v0/plant/detail": "Get power station detail",
        "POST /op/v0/plant/list": "Get power station list",
        "POST /op/v1/device/real/query": "Get device real-time data",
        "POST /op/v0/device/list": "Get device list",
        "GET /op/v0/device/detail": "Get device detail",
        "GET /op/v0/device/variable/get": "Get available variables",
        "GET /op/v0/device/fault/get": "Get error code information",
        "POST /op/v0/device/real/query": "Get device real-time data (Deprecated)",
        "POST /op/v0/device/history/query": "Get device history data",
        "POST /op/v0/device/report/query": "Get device production report",
        "GET /op/v0/device/generation": "Get device power generation",
        "POST /op/v0/module/list": "Get Data Logger list",
        "POST /op/v0/gw/list": "Get meter list",
        "GET /op/v0/user/getAccessCount": "Get the number of public interface accesses",
        "POST /op/v1/device/scheduler/get/flag": "Get the main switch status",
        "POST /op/v1/device/scheduler/set/flag": "Set the main switch status",
        "POST /op/v1/device/scheduler/get": "Get the time segment information",
        "POST /op/v1/device/scheduler/enable": "Set the time segment information",
        "GET /op/v0/device/battery/soc/get": "Get the minimum soc settings for the battery of device",
        "POST /op/v0/device/battery/soc/set": "Set the minmum soc for the battery of the device",
        "GET /op/v0/device/battery/forceChargeTime/get": "Get the setting of battery charging time",
        "POST /op/v0/device/battery/forceChargeTime/set": "Set the battery charging time",
        "POST /op/v0/device/setting/get": "Get the device settings item",
        "POST /op/v0/device/setting/set": "Set the device settings item",
        "POST /op/v0/device/time/get": "Get the device time",
        "POST /op/v0/device/time/set": "Set the device time",
        "POST /op/v0/device/peakShaving/get": "Get the device peakshaving settings",
        "POST /op/v0/device/peakShaving/set": "Set the device peakshaving settings",
        "POST /op/v0/device/scheduler/get/flag": "Get the main switch status (Deprecated)",
        "POST /op/v0/device/scheduler/set/flag": "Set the main switch status (Deprecated)",
        "POST /op/v0/device/scheduler/get": "Get the time segment information (Deprecated)",
        "POST /op/v0/device/scheduler/enable": "Set the time segment information (Deprecated)",
        "POST /op/v0/gw/setting/get": "Meter, Get the device settings item",
        "POST /op/v0/gw/setting/set": "Meter, Set the device settings item",
        "GET /public/auth/index.html": "OAuth, step 1",
        "POST /oauth2/token": "OAuth, step 3",
        "POST /oauth2/refresh": "OAuth, step 4",
        "POST /oauth2/revoke": "OAuth, step 5",
    },
    "huawei": {
        "POST /thirdData/login": "2.1",
        "POST /thirdData/getStationList": "2.2",
        "POST /thirdData/getStationRealKpi": "2.3",
        "POST /thirdData/getKpiStationHour": "2.4",
        "POST /thirdData/getKpiStationDay": "2.5",
        "POST /thirdData/getKpiStationMonth": "2.6",
        "POST /thirdData/getKpiStationYear": "2.7",
        "POST /thirdData/getDevList": "2.8",
        "POST /thirdData/getDevRealKpi": "2.9",
        "POST /thirdData/getDevFiveMinutes": "2.10",
        "POST /thirdData/getDevKpiDay": "2.11",
        "POST /thirdData/getDevKpiMonth": "2.12",
        "POST /thirdData/getDevKpiYear": "2.13",
        "POST /thirdData/devUpgrade": "2.14",
        "POST /thirdData/getDevUpgradeInfo": "2.15",
        "POST /thirdData/getAlarmList": "2.16",
        "POST /thirdData/snIsRegister": "2.17",
    },
    "redex": {"POST /public/v2/generation-data": "Send Generation Data"},
}
"""The calls that a dialect's document has, each with its section, by method and path. Those not served are missing."""
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
    """Every setting with its type, its default and the docstring under it, those of each dialect too."""
    from heliograph.cli.settings import sections

    rows = [row for name, struct in sections() for row in describe_settings(struct, f"{name}.")]
    return table(("setting", "type", "default", "meaning"), rows)


def describe_settings(struct: type[Struct], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """The rows of one Struct; a field that is a Struct itself gives the rows of its own fields."""
    notes = field_docstrings(struct)
    for field in fields(struct):
        name = prefix + field.encode_name
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from describe_settings(field.type, f"{name}.")
        else:
            yield f"`{name}`", describe_type(field.type), describe_default(field), notes.get(field.name, "")


def describe_type(kind: Any) -> str:  # any: an annotation
    """The type of a setting in words of TOML."""
    if get_origin(kind) is Literal:
        return " or ".join(f'`"{word}"`' for word in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {describe_type(get_args(kind)[0])}s"
    return TYPES[kind]


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


FOR_BROWSERS = ("GET /public/auth/", "POST /public/auth/", "GET /oauth2/")
"""Calls that browsers make, and forms of a call of which the client half makes another."""


def implemented() -> str:
    """A table for each dialect: its operations, whether they are served and called, and which client checks them."""
    from heliograph.protocol.dialect import discover

    sections = (describe_dialect(dialect) for _, dialect in sorted(discover("heliograph.dialects").items()))
    return "\n\n".join(sections)


def describe_dialect(dialect: Any) -> str:  # any: imported where it is used, so that other blocks do without it
    """The heading and the table of one dialect; what its document has and it does not serve stands last."""
    documented = dict(DOCUMENTED.get(dialect.name, {}))
    checked = checks(dialect.name)
    rows = []
    for call, (name, served) in served_operations(dialect).items():
        where = documented.pop(call, "" if dialect.name in DOCUMENTED else "its own")
        rows.append((f"`{name}`", f"`{call}`", where, served, called(dialect, call), ", ".join(checked.get(name, ()))))
    rows += [("", f"`{call}`", where, "**missing**", "no", "") for call, where in documented.items()]
    header = ("operation", "call", "in the document", "served", "called", "checked by")
    return f"## {dialect.title} (`{dialect.name}`)\n\n{table(header, rows)}"


def called(dialect: Any, call: str) -> str:  # any: see describe_dialect
    """Who makes a call: the hub, by the dialect's module `driver`; clients, by its `session`; else no."""
    module = sys.modules.get(f"heliograph.dialects.{dialect.name}")
    folder = Path(str(module.__file__)).parent if module is not None else Path()
    if call.startswith(FOR_BROWSERS):
        return "no"
    return "driver" if (folder / "driver.py").exists() else "client" if (folder / "session.py").exists() else "no"


def served_operations(dialect: Any) -> dict[str, tuple[str, str]]:  # any: see describe_dialect
    """Name and condition of each operation by method and path; those behind a switch tell which."""
    switches = [] if dialect.settings is None else [field for field in fields(dialect.settings) if field.type is bool]
    found = {call: (name, "yes") for call, name in operations_with(dialect, {}).items()}
    for field in switches:
        for call, name in operations_with(dialect, {field.encode_name: not field.default}).items():
            wanted = json.encode(not field.default).decode()
            found.setdefault(call, (name, f"with `{field.encode_name} = {wanted}`"))
    return found


def operations_with(dialect: Any, given: dict[str, bool]) -> dict[str, str]:  # any: see describe_dialect
    """The operations that a hub with these settings of the dialect serves: names by method and path."""
    from heliograph.config import Config
    from heliograph.hub import LocalHub

    with tempfile.TemporaryDirectory() as folder:
        hub = LocalHub(Path(folder), Config(dialects={dialect.name: dict(given)}))
        try:
            operations = [handler.operation for handler in dialect.serve(hub).handlers]
        finally:
            hub.database.close()
    return {f"{operation.method} {operation.path}": operation.name for operation in operations}


def checks(dialect: str) -> dict[str, list[str]]:
    """The clients that check each operation of a dialect, with their versions."""
    found: dict[str, list[str]] = {}
    for client, versions in sorted(json.decode(CHECKED.read_bytes()).items()):
        for version, dialects in versions.items():
            for name in dialects.get(dialect, ()):
                found.setdefault(name, []).append(f"{client} {version}".strip())
    return found


def crossing() -> str:
    """Where dialects cannot agree by design, and who tells what: the tables that the test holds them to."""
    sys.path.insert(0, str(ROOT))
    from tests.crossing.differences import document

    return document()


GENERATORS: dict[str, Callable[[], str]] = {
    "cli": cli, "crossing": crossing, "implemented": implemented, "measurements": measurements, "settings": settings,
}  # fmt: skip


def rewrite(text: str) -> str:
    """The text with every block written anew; an unclosed block is a ValueError, an unknown name a KeyError."""
    if len(MARKER.findall(text)) != 2 * len(BLOCK.findall(text)):
        raise ValueError("a generated block is not closed")
    return BLOCK.sub(lambda block: f"{block['start']}\n{GENERATORS[block['name']]()}\n\n{block['end']}", text)


def documents() -> list[Path]:
    """The files that may hold generated blocks."""
    return [
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "IMPLEMENTED.md") if (ROOT / name).exists()),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


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
