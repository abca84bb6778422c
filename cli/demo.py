"""``whistle demo``: the whole system on this machine, with a county that lives."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from cli import places
from cli.trouble import Trouble


def demo(
    seconds: Annotated[
        int | None, typer.Option(help="End by itself after so many seconds, with a reconciliation.", min=1)
    ] = None,
    data: places.Data = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on with what an earlier demo left here, instead of beginning afresh.")
    ] = False,
) -> None:
    """Run the whole system here with a fictional county: messages, desks, departments, a gas leak."""
    try:
        run = import_module("deploy.local.demo").run
    except ModuleNotFoundError as error:
        raise Trouble(
            "The demo cannot start",
            why=f"the module {error.name} is not installed",
            mend="`pip install whistle[local]` brings everything for one machine; in the repository `make demo` does",
        ) from error
    raise typer.Exit(run(seconds=seconds, data=data, keep=keep))
