"""The page docs/walkthrough.md does what it says: its blocks are run in their order, and print what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.live import HOST, ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "walkthrough.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SERVE = "heliograph serve"


class Terminal:
    """A directory to work in, and the hub that the page starts in a second terminal."""

    def __init__(self, folder: Path, port: int, **variables: str) -> None:
        self.folder, self._port = folder, port
        programs = str(Path(sys.executable).parent)
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join((programs, os.environ["PATH"])),
            "HELIOGRAPH_DATA": str(folder / "hub"),
            "PYTHONWARNINGS": "ignore",
            "NO_PROXY": HOST,
            **variables,
        }
        self.hub: subprocess.Popen[bytes] | None = None

    def here(self, text: str) -> str:
        """A block with the port of this run."""
        return text.replace("8080", str(self._port))

    def run(self, block: str) -> str:
        """Run a block of shell; what it printed on stdout."""
        done = subprocess.run(
            ["/bin/bash", "-e", "-c", self.here(block)],
            cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, block: str) -> None:
        """Start the hub and wait until it answers."""
        with (self.folder / "serve.log").open("wb") as log:
            self.hub = subprocess.Popen(
                ["/bin/bash", "-c", f"exec {self.here(block).strip()}"],
                cwd=self.folder, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(500):
            try:
                if httpx.get(f"http://{HOST}:{self._port}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError((self.folder / "serve.log").read_text())

    def close(self) -> None:
        """Stop the hub by its pid."""
        if self.hub is not None:
            self.hub.terminate()
            self.hub.wait(10)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """An empty directory."""
    made = Terminal(tmp_path, free_port())
    yield made
    made.close()


@pytest.mark.timeout(90)
def test_every_block_of_the_walkthrough_does_what_the_page_says(terminal: Terminal) -> None:
    printed, compared = "", 0
    for language, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "python":
            name = block.partition("\n")[0].removeprefix("# ")
            (terminal.folder / name).write_text(terminal.here(block), encoding="utf-8")
        elif language == "text":
            assert printed == block
            compared += 1
        elif block.startswith(SERVE):
            terminal.serve(block)
        else:
            printed = terminal.run(block)
    assert compared == 4
    log = (terminal.folder / "serve.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    for name in ("push.json", "read.json", "native.json"):
        assert (terminal.folder / name).stat().st_mode & 0o077 == 0
