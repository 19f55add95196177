"""A hub with one credential, and a client that carries its token."""

from __future__ import annotations

import pytest

from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub


@pytest.fixture
def hub() -> FakeHub:
    """An empty hub with a credential that may do everything."""
    made = FakeHub()
    made.add_credential(scopes=("read", "write", "control", "admin"))
    return made


@pytest.fixture
def client(hub: FakeHub) -> Client:
    """A client with a private token."""
    return Client(hub)
