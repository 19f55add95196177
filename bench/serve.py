"""The hub as its own process: `python -m bench.serve DATA`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from heliograph.app import run
from heliograph.config import load
from heliograph.hub import LocalHub


def main() -> None:
    """Serve the hub of a data directory until SIGTERM."""
    data = Path(sys.argv[1])
    asyncio.run(run(LocalHub(data, load(data))))


if __name__ == "__main__":
    main()
