"""Which dialects there are, and what each calls the two halves of a credential."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from heliograph import dialects
from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from heliograph.model.access import Secret
    from heliograph.protocol.dialect import Dialect
    from heliograph.protocol.hub import Subject


def names() -> list[str]:
    """The folders of dialects, without importing them."""
    return [module.name for module in pkgutil.iter_modules(dialects.__path__) if module.ispkg]


def require_dialect(name: str) -> None:
    """Raises BadRequestError when there is no such dialect."""
    if name not in names():
        raise BadRequestError(f"there is no dialect {name!r}; there are {', '.join(names())}", field="dialect")


def check_alias(dialect: str, subject: Subject, scope: str, wire: str) -> None:
    """Raises BadRequestError for an id by which no call of a dialect could name the plant or device."""
    found: Dialect = importlib.import_module(f"{dialects.__name__}.{dialect}").DIALECT
    found.check_alias(subject, scope, wire)


def presented(dialect: str, name: str, secret: Secret) -> dict[str, str]:
    """A credential in the words of its dialect, secret included: for the one print when it is made."""
    found: Dialect = importlib.import_module(f"{dialects.__name__}.{dialect}").DIALECT
    return found.present(name, secret)
