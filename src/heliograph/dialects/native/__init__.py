"""The hub's own interface: lossless JSON, spoken by the console and the command line, and the dialect to copy."""

from __future__ import annotations

from heliograph.dialects.native.auth import DIALECT_NAME, present
from heliograph.dialects.native.codes import ProblemEnvelope
from heliograph.dialects.native.decoding import decode
from heliograph.dialects.native.facade import serve
from heliograph.protocol.dialect import Dialect

DIALECT = Dialect(
    name=DIALECT_NAME,
    title="Heliograph",
    document="native README",
    envelope=ProblemEnvelope(),
    serve=serve,
    decode=decode,
    present=present,
)
