"""README.md does what it says: its commands are run in their order, and print what stands there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.clients.test_walkthrough import BLOCK, Terminal
from tests.live import ROOT, free_port

PAGE = ROOT / "README.md"
DEMO, SERVE = "make demo\n", "heliograph serve\n"


def blocks() -> list[tuple[str, str]]:
    """The blocks of the page with their languages; what the words of make would set up is there already."""
    page = PAGE.read_text(encoding="utf-8").replace("make install\n", "")
    page = page.replace(".venv/bin/python", sys.executable).replace(" docs/", f" {ROOT}/docs/")
    return BLOCK.findall(page)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_demonstration_can_be_read_as_the_page_says(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, free_port())
    told: list[str] = []
    try:
        for language, block in blocks():
            if block == DEMO:
                terminal.serve("heliograph demo --days 2 --port 8080")
            elif language == "text":
                assert told[-1] == block
            elif SERVE in block:
                break
            else:
                told.append(terminal.run(block))
    finally:
        terminal.close()
    newest, crossed, listed = told
    assert '"battery.soc"' in newest or '"ac.power"' in newest
    assert crossed.count("42") == 5
    assert "Push target 0.1 MW" in listed
    assert "Traceback" not in (tmp_path / "serve.log").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_fleet_of_ones_own_is_set_up_as_the_page_says(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "HELIOGRAPH_DATA": str(tmp_path / "heliograph")}
    terminal = Terminal(tmp_path, free_port(), **home)
    [before, beside] = [block for _, block in blocks() if "heliograph credential" in block]
    assert before.endswith(SERVE)
    try:
        assert "accessKeySecret" in terminal.run(before.removesuffix(SERVE))
        terminal.serve("heliograph serve --port 8080")
        assert "ClientSecret" in terminal.run(beside)
    finally:
        terminal.close()
    assert (tmp_path / "heliograph.tar.gz").stat().st_mode & 0o077 == 0
