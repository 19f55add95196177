"""A hub with one credential, and a client that has logged in."""

from __future__ import annotations

import pytest

from tests.dialects.huawei.client import Client
from tests.dialects.huawei.fake_hub import FakeHub


@pytest.fixture
def hub() -> FakeHub:
    """An empty hub with the credential of the document's example."""
    made = FakeHub()
    made.add_credential()
    return made


@pytest.fixture
async def client(hub: FakeHub) -> Client:
    """A client with a session."""
    made = Client(hub)
    await made.login()
    return made
