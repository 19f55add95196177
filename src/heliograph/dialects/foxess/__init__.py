"""Fox ESS: the open interface of its cloud under `/op/`, and OAuth for it."""

from __future__ import annotations

from heliograph.dialects.foxess.auth import present
from heliograph.dialects.foxess.facade import Settings, serve
from heliograph.dialects.foxess.fields import TABLE
from heliograph.dialects.foxess.oauth_tokens import Envelope, decode_request
from heliograph.protocol.dialect import Dialect

DIALECT = Dialect(
    name="foxess",
    title="Fox ESS Open API",
    document="Fox ESS Open API V1.1.3 of 2025-06-03",
    envelope=Envelope(),
    serve=serve,
    tables=(TABLE,),
    decode=decode_request,
    settings=Settings,
    present=present,
)
