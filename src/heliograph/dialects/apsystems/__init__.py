"""APsystems: the OpenAPI of its cloud under `/user/api/v2/`."""

from __future__ import annotations

from heliograph.dialects.apsystems.auth import present
from heliograph.dialects.apsystems.codes import ApsystemsEnvelope, decode_request
from heliograph.dialects.apsystems.facade import Settings, serve
from heliograph.dialects.apsystems.fields import INVERTER
from heliograph.dialects.apsystems.lookup import DEVICES, SYSTEMS, check_alias
from heliograph.protocol.dialect import Dialect

__all__ = ["DEVICES", "DIALECT", "SYSTEMS"]

DIALECT = Dialect(
    name="apsystems",
    title="APsystems OpenAPI",
    document="APsystems OpenAPI V1.6 of 2024-02-07",
    envelope=ApsystemsEnvelope(),
    serve=serve,
    tables=(INVERTER,),
    decode=decode_request,
    settings=Settings,
    present=present,
    check_alias=check_alias,
)
