"""`audit`: who changed what."""

from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import DEFAULT_DATA, Data, Json
from heliograph.cli.output import show_all

if TYPE_CHECKING:
    from heliograph.cli.output import Listing
    from heliograph.hub import LocalHub

COLUMNS = {"at": "at", "account": "account", "credential": "credential", "action": "action", "detail": "detail"}


def audit(
    account: Annotated[str | None, typer.Option(help="Only this account's, by name or id.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, or all that begin so: device, login.")] = None,
    since: Annotated[str | None, typer.Option(help="From this date or time on; without an offset, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many lines, the newest.")] = 100,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show the audit trail: logins, changes, commands, corrections and statements, the newest last."""
    from heliograph.cli.lookup import find_account, moment
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        owner = None if account is None else find_account(hub.registry, account).id
        rows = hub.database.query(
            "SELECT at, account, credential, action, detail FROM audit WHERE (?1 IS NULL OR account = ?1)"
            " AND (?2 IS NULL OR substr(action, 1, length(?2)) = ?2) AND (?3 IS NULL OR at >= ?3)"
            " ORDER BY id DESC LIMIT ?4",
            (owner, action, moment(since, field="--since"), limit),
        )
        lines = [_line(hub, *row) for row in reversed(rows)]
    show_all(lines, COLUMNS, as_json=as_json, empty="Nothing like it is in the trail.")


def _line(hub: "LocalHub", at_ms: int, account_id: int, credential_id: int, action: str, detail: str) -> "Listing":
    from heliograph.protocol.times import format_instant

    owner = hub.registry.accounts.get(account_id)
    used = next((one for one in hub.registry.credentials.values() if one.id == credential_id), None)
    return {
        "at": format_instant(at_ms),
        "account": "" if owner is None else owner.name,
        "credential": "" if used is None else f"{used.dialect} {used.name}",
        "action": action,
        "detail": detail,
    }
