"""The client half's session: every call is signed in the ACS3 form, with a nonce of its own."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from heliograph.dialects.energy_expert.auth import ALGORITHM, sign_acs3
from heliograph.model.access import Secret
from heliograph.protocol.calling import Session
from heliograph.protocol.signing import sha256_hex

if TYPE_CHECKING:
    from heliograph.protocol.calling import Client, Sent
    from heliograph.protocol.operations import Operation

VERSION = "2022-09-23"


class EnergyExpertSession(Session):
    """Signs with an access key."""

    def __init__(self, key_id: str, secret: Secret) -> None:
        self._key_id, self._secret = key_id, secret

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session."""
        digest = sha256_hex(sent.body)
        own = {
            "x-acs-action": operation.name,
            "x-acs-version": VERSION,
            "x-acs-date": datetime.fromtimestamp(client.wall.now_ms() // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-content-sha256": digest,
        }
        signed = sorted(["host", *own])
        signature = sign_acs3(
            sent.method, sent.path, sent.query, {**sent.headers, **own}, signed, digest, self._secret.reveal()
        )
        proof = f"{ALGORITHM} Credential={self._key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
        return {**own, "Authorization": proof}
