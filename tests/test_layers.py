"""The layers of the program, read from its imports, and the shape every module has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

SOURCE = Path(__file__).parents[1] / "src" / "heliograph"
MODULES = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}
DIALECTS = sorted(path.name for path in (SOURCE / "dialects").iterdir() if (path / "__init__.py").exists())

BASE = {"errors", "clock"}
CORE = BASE | {"model"}
STORED = CORE | {"store", "protocol.hub"}
ABOVE_STORE = STORED | {"rollup", "commands", "watch", "ledger", "collect", "forward"}
ALL = ABOVE_STORE | {
    "protocol",
    "dialects",
    "config",
    "hub",
    "app",
    "cli",
    "clients",
    "console",
    "simulate",
    "__version__",
}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "clock": {"errors"},
    "model": CORE,
    "protocol": CORE | {"protocol"},
    "dialects": CORE | {"protocol", "dialects"},
    "store": STORED,
    "rollup": STORED | {"rollup"},
    "commands": STORED | {"commands"},
    "watch": STORED | {"watch"},
    "ledger": STORED | {"ledger"},
    "collect": STORED | {"collect", "protocol"},
    "forward": STORED | {"forward", "protocol"},
    "clients": CORE | {"protocol", "dialects"},
    "config": ABOVE_STORE,
    "hub": ABOVE_STORE | {"config", "protocol"},
    "simulate": CORE | {"simulate"},
    "app": ALL - {"cli", "console", "simulate"},
    "console": CORE | {"console", "protocol", "dialects.native", "__version__"},
    "cli": ALL,
    "__main__": ALL,
}
"""Each part of the program with the parts it may import; a part that this lacks is a mistake."""

ONLY_IN: dict[str, tuple[str, ...]] = {
    "starlette": ("protocol/serving.py", "app.py", "console/"),
    "granian": ("protocol/serving.py", "app.py", "console/"),
    "nicegui": ("console/",),
    "httpx": ("protocol/calling.py",),
    "requests": (),
    "urllib.request": (),
    "sqlite3": ("store/sqlite.py", "store/postgres.py"),
    "psycopg": ("store/postgres.py",),
    "asyncpg": ("store/postgres.py",),
    "pcodec": ("store/chunks.py",),
    "cryptography": ("store/keyring.py",),
    "argon2": ("store/passwords.py",),
    "pvlib": ("simulate/",),
    "pandas": ("simulate/",),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "prometheus_client": ("app.py",),
}
"""Packages that belong to certain modules, and to no other."""

ROLES = {"__init__", "wire", "operations", "codes", "auth", "facade"}
TABLES_EXEMPT = {"fields.py", "measurements.py"}
TABLES = {
    "model/alarm_texts.json",
    "dialects/foxess/messages.json",
    "dialects/foxess/oauth_texts.json",
    "dialects/foxess/variables.json",
}
"""Tables that modules read; a wheel carries them too."""


class Import(msgspec.Struct, frozen=True):
    """One import of a module: what, on which line."""

    name: str
    line: int


def tree(path: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[Import]:
    """Every import of a module, also those inside functions and for type checkers alone, by full name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno)


def part(module: str) -> str:
    """The part of the program that a module belongs to."""
    return Path(module).parts[0].removesuffix(".py")


def within(name: str, allowed: set[str]) -> bool:
    """Whether a dotted name lies in one of the parts."""
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_below_it(module: str) -> None:
    allowed = MAY_IMPORT[part(module)]
    for found in imports(MODULES[module]):
        if found.name.startswith("heliograph."):
            name = found.name.removeprefix("heliograph.")
            assert within(name, allowed), f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize("module", MODULES)
def test_a_package_is_used_only_where_it_belongs(module: str) -> None:
    for found in imports(MODULES[module]):
        for package, places in ONLY_IN.items():
            if within(found.name, {package}):
                assert module.startswith(places or ("nowhere",)), f"{module}:{found.line} imports {package}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_knows_no_other_dialect(dialect: str) -> None:
    for module in (name for name in MODULES if name.startswith(f"dialects/{dialect}/")):
        for found in imports(MODULES[module]):
            if found.name.startswith("heliograph.dialects."):
                assert found.name.split(".")[2] == dialect, f"{module}:{found.line} imports {found.name}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_has_the_files_everyone_looks_for(dialect: str) -> None:
    folder = SOURCE / "dialects" / dialect
    held = {path.stem for path in folder.glob("*.py")}
    assert held >= ROLES
    # Its own interface is lossless: it has the hub's names and units, so nothing to map.
    assert "fields" in held or dialect == "native"
    assert (folder / "README.md").read_text().startswith("# ")
    assert not [path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"]


def test_packages_are_at_most_three_levels_deep() -> None:
    assert max(len(Path(module).parts) for module in MODULES) <= 3


def test_every_folder_of_modules_is_a_package() -> None:
    for folder in {path.parent for path in MODULES.values()}:
        assert (folder / "__init__.py").exists(), folder


def test_nothing_but_modules_lies_among_the_modules() -> None:
    held = {path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    strays = {
        path.relative_to(SOURCE).as_posix()
        for path in held
        if path.suffix != ".py" and path.name not in ("py.typed", "README.md")
    }
    assert strays == TABLES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_no_longer_than_one_can_read(module: str) -> None:
    if Path(module).name not in TABLES_EXEMPT:
        assert len(MODULES[module].read_text().splitlines()) <= 500


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in a piece of code, nested ones too."""
    for found in ast.walk(node):
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
            yield found


def public(body: list[ast.stmt], place: str) -> Iterator[tuple[str, ast.AST]]:
    """Public classes and functions of a module, and the public methods of its public classes."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield f"{place}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{place}{node.name}.")


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_says_what_it_is(module: str) -> None:
    parsed = tree(MODULES[module])
    assert ast.get_docstring(parsed), module
    for name, node in public(parsed.body, ""):
        overload = any("overload" in ast.unparse(mark) for mark in getattr(node, "decorator_list", []))
        assert isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        text = ast.get_docstring(node)
        assert text or overload, f"{module}: {name} has no docstring"
        if text:
            assert text[0].isupper() or not text[0].isalpha() or text[0] == "`", f"{module}: {name}: {text[:40]}"


@pytest.mark.parametrize("module", MODULES)
def test_a_function_says_what_it_returns_and_is_no_longer_than_a_page(module: str) -> None:
    for node in functions(tree(MODULES[module])):
        assert node.returns is not None, f"{module}:{node.lineno} {node.name}"
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        assert length <= 60, f"{module}:{node.lineno} {node.name} is {length} lines long"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_prints_or_reads_the_clock_without_a_zone(module: str) -> None:
    """Output is the command line's; times are arguments, or carry their zone."""
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("datetime.now", "datetime.utcnow", "date.today") or node.args, (
                f"{module}:{node.lineno} calls {called}()"
            )
            assert called != "print" or module.startswith("cli/"), f"{module}:{node.lineno} prints"


def test_these_rules_can_fail(tmp_path: Path) -> None:
    """The rules above see every form of import."""
    made = tmp_path / "module.py"
    made.write_text("import sqlite3 as s\ndef f():\n    from heliograph.store import sqlite\nimport a.b\n")
    assert list(imports(made)) == [Import("sqlite3", 1), Import("a.b", 4), Import("heliograph.store.sqlite", 3)]
    assert not within("store.sqlite", MAY_IMPORT["dialects"])
    assert not within("hub", MAY_IMPORT["dialects"])
    assert not within("protocol.serving", MAY_IMPORT["store"])
    assert within("protocol.hub.Once", MAY_IMPORT["store"])
    assert not within("hub", MAY_IMPORT["rollup"])
    assert [name for name, _ in public(ast.parse("class A:\n  def b(self): ...\n  def _c(self): ...").body, "")] == [
        "A",
        "A.b",
    ]
