"""REDEX: the energies of devices by day, stated for a generation ledger."""

from __future__ import annotations

from heliograph.dialects.redex import facade
from heliograph.dialects.redex.auth import present
from heliograph.dialects.redex.codes import ENVELOPE
from heliograph.dialects.redex.facade import RedexSettings
from heliograph.dialects.redex.reading import decode
from heliograph.dialects.redex.submitting import DEVICE_SCHEME
from heliograph.protocol.dialect import Dialect, Facade, settings_of
from heliograph.protocol.hub import Hub


def _serve(hub: Hub) -> Facade:
    return facade.serve(hub, settings_of(DIALECT, hub.dialect_settings))


DIALECT = Dialect(
    name="redex",
    title="REDEX generation data",
    document="Send Generation Data, public interface v2",
    envelope=ENVELOPE,
    serve=_serve,
    decode=decode,
    settings=RedexSettings,
    present=present,
)

__all__ = ["DEVICE_SCHEME", "DIALECT"]
