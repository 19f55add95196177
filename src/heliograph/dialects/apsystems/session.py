"""The client half's session: every call is signed over the time, a nonce and the last part of its path."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from heliograph.dialects.apsystems.auth import METHODS, sign
from heliograph.model.access import Secret
from heliograph.protocol.calling import Session

if TYPE_CHECKING:
    from heliograph.protocol.calling import Client, Sent
    from heliograph.protocol.operations import Operation


class ApsystemsSession(Session):
    """Signs as an application account."""

    def __init__(self, app_id: str, secret: Secret, *, algorithm: str = "HmacSHA256") -> None:
        if algorithm not in METHODS:
            raise ValueError(f"algorithm is one of {', '.join(METHODS)}, not {algorithm!r}")
        self._app_id, self._secret, self._algorithm = app_id, secret, algorithm

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session."""
        now, nonce = str(client.wall.now_ms()), secrets.token_hex(16)
        last = sent.path.rpartition("/")[2]
        signature = sign(
            self._secret.reveal(), sent.method, last, self._app_id, now, nonce, self._algorithm
        )  # fmt: skip
        return {
            "X-CA-AppId": self._app_id,
            "X-CA-Timestamp": now,
            "X-CA-Nonce": nonce,
            "X-CA-Signature-Method": self._algorithm,
            "X-CA-Signature": signature,
        }
