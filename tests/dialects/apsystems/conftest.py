"""A hub with one credential, and a client that signs with it."""

from __future__ import annotations

import pytest

from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import FakeHub


@pytest.fixture
def hub() -> FakeHub:
    """An empty hub with a credential that may read."""
    made = FakeHub()
    made.add_credential(scopes=("read",))
    return made


@pytest.fixture
def client(hub: FakeHub) -> Client:
    """A client of its application account."""
    return Client(hub)
