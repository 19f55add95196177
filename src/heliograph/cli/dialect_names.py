"""Which dialects there are, and what each calls the two halves of a credential."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

from heliograph import dialects
from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from heliograph.model.access import Secret

HALVES = {"huawei": ("userName", "systemCode"), "energy_expert": ("accessKeyId", "accessKeySecret")}
"""As the vendors' clients ask for them; a dialect that is not here has a name and a secret."""
NATIVE = "native"


def names() -> list[str]:
    """The folders of dialects, without importing them."""
    return [module.name for module in pkgutil.iter_modules(dialects.__path__) if module.ispkg]


def require_dialect(name: str) -> None:
    """Raises BadRequestError when there is no such dialect."""
    if name not in names():
        raise BadRequestError(f"there is no dialect {name!r}; there are {', '.join(names())}", field="dialect")


def presented(dialect: str, name: str, secret: Secret) -> dict[str, str]:
    """A credential in the words of its dialect, secret included: for the one print when it is made."""
    if dialect == NATIVE:
        return {"token": f"hg_{name}_{secret.reveal()}"}
    public, hidden = HALVES.get(dialect, ("name", "secret"))
    return {public: name, hidden: secret.reveal()}
