"""The client half's session: tokens for a key, renewed before they end and when the other side has forgotten them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from heliograph.clock import SECOND_MS
from heliograph.dialects.redex.operations import CONNECT, REFRESH
from heliograph.dialects.redex.wire import RefreshQuery, TokenQuery, TokenResult
from heliograph.errors import HubError
from heliograph.model.access import Secret
from heliograph.protocol.calling import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph.protocol.calling import Client, Sent
    from heliograph.protocol.operations import Operation

EARLY_MS = 60 * SECOND_MS
"""How long before its end a token is renewed. [ms]"""


class RedexSession(Session):
    """Gets tokens with a key; later ones with the refresh token while that counts."""

    def __init__(self, client_id: str, client_secret: Secret, api_key: Secret) -> None:
        self._client_id, self._client_secret, self._api_key = client_id, client_secret, api_key
        self._tokens: TokenResult | None = None
        self._until_ms = 0
        self._turn = asyncio.Lock()

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session."""
        if operation.public:
            return {}
        async with self._turn:
            if self._tokens is None or client.wall.now_ms() >= self._until_ms - EARLY_MS:
                self._tokens = await self._fresh(client)
                self._until_ms = client.wall.now_ms() + int(float(self._tokens.expires_in) * SECOND_MS)
            return {"Authorization": self._shown(self._tokens)}

    async def _fresh(self, client: Client) -> TokenResult:
        secret = self._client_secret.reveal()
        if self._tokens is not None:
            try:
                return await client.call(
                    REFRESH, RefreshQuery("refresh_token", self._tokens.refresh_token, self._client_id, secret)
                )
            except HubError:
                self._tokens = None  # it may have ended; the key opens again
        return await client.call(CONNECT, TokenQuery("api_key", self._api_key.reveal(), self._client_id, secret))

    async def renew(self, proof: Mapping[str, str]) -> bool:
        """See Session. Tokens since then stay."""
        if self._tokens is not None and proof.get("Authorization") == self._shown(self._tokens):
            self._until_ms = 0
        return True

    @staticmethod
    def _shown(tokens: TokenResult) -> str:
        return f"{tokens.token_type} {tokens.access_token}"
