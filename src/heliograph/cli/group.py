"""The border at which errors become one line for whoever typed the command."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from heliograph.errors import HubError, StoreError


class FriendlyGroup(TyperGroup):
    """A group of commands whose expected errors end in a line on stderr and exit code 1, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:  # any: the context class is private to typer
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except HubError as error:
            # A store's error is silent about its cause for the sake of distant callers; who sits here may know it.
            cause = f" ({error.__cause__})" if isinstance(error, StoreError) and error.__cause__ else ""
            sys.stderr.write(f"heliograph: {error}{cause}\n")
        except BrokenPipeError:
            # Who read the output has enough; nothing is left to say, not even at exit.
            sys.stderr.close()
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            sys.stderr.write(f"heliograph: {where}{error.strerror or error}\n")
        raise typer.Exit(1)


def group(help_: str) -> typer.Typer:
    """A group of commands with plain help, in which square brackets stay what they are."""
    return typer.Typer(help=help_, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_show_locals=False)
