"""The house of the mirror law: within reach, or behind HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.mirror.house import House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The house with its hub at work in this process."""
    made = House(tmp_path / "hub")
    await made.hub.start()
    await made.fill()
    yield made
    await made.hub.stop()


@pytest.fixture(params=["in process", "over HTTP"])
async def mirrored(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """The house, reached in one way after the other."""
    made = House(tmp_path / "hub")
    await made.hub.start()
    await made.fill()
    async with AsyncExitStack() as stack:
        if request.param == "over HTTP":
            await made.move_out(stack)
        else:
            stack.push_async_callback(made.hub.stop)
        yield made
