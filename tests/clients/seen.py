"""Which operations a hub was asked for, by its own record, and which `checked.json` says a client asks for."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.protocol.dialect import discover
from tests.live import ROOT

if TYPE_CHECKING:
    from types import ModuleType

    from tests.live import Served

Checked = dict[str, list[str]]
"""Operations by dialect, sorted."""
FILE = ROOT / "tests" / "clients" / "checked.json"


def generator() -> ModuleType:
    """The program that writes the generated blocks of the documentation."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def on_file() -> dict[str, dict[str, Checked]]:
    """The whole file: client, version, dialect, operations."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, dict[str, dict[str, list[str]]]])


def _patterns() -> list[tuple[str, re.Pattern[str], str, str]]:
    """Method, path, dialect and name of every operation."""
    made: list[tuple[str, re.Pattern[str], str, str]] = []
    served: Any = generator().served_operations  # any: a module found by its path
    for name, dialect in discover("heliograph.dialects").items():
        for call, (operation, _) in served(dialect).items():
            method, path = call.split(" ", 1)
            made.append((method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), name, operation))
    return made


class Watch:
    """What a hub is asked for from now on."""

    def __init__(self, hub: Served) -> None:
        self._hub, self._before = hub, len(hub.seen())

    def operations(self) -> Checked:
        """The operations that were asked for. Fails when a request was for none."""
        found: dict[str, set[str]] = {}
        patterns = _patterns()
        for seen in self._hub.seen()[self._before :]:
            if seen.path == "/healthz":  # the hub asks itself whether it is up
                continue
            [(dialect, name)] = {
                (dialect, name)
                for method, path, dialect, name in patterns
                if method == seen.method and path.fullmatch(seen.path)
            }
            found.setdefault(dialect, set()).add(name)
        return {dialect: sorted(names) for dialect, names in sorted(found.items())}

    def is_on_file(self, client: str, version: str | None = None) -> None:
        """Hold what was asked for against the file, for the installed version of a client."""
        version = metadata.version(client) if version is None else version
        assert {version: self.operations()} == on_file().get(client, {}), f"checked.json differs for {client}"
